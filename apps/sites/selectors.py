"""The present site and its settings."""

from datetime import date, datetime
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from django.utils import timezone

from apps.core.tenancy import reading_across, require_site_id, site_of
from apps.sites import registry

if TYPE_CHECKING:
    from apps.sites.models import Site, SiteSettings


def current_site() -> "Site":
    """The site of this context. Raises NoSiteContext."""
    return registry.by_id(require_site_id())


def currency_of_site(row: Any = None) -> str:
    """The currency of the site a row belongs to, else of the present one. Across sites only the row knows."""
    return site_of(row.site_id).currency if row is not None and reading_across() else current_site().currency


def site_settings() -> "SiteSettings":
    """The present site's settings row: one query, by unique key."""
    from apps.sites.models import SiteSettings

    return SiteSettings.objects.get(site_id=require_site_id())


def site_day(moment: datetime | None = None) -> date:
    """The day of a moment in the site's own time zone: what caps, limits and statements count by (settled.md)."""
    return (moment or timezone.now()).astimezone(ZoneInfo(current_site().time_zone)).date()


def midnight(day: date) -> datetime:
    """The instant at which a day of the site's calendar begins."""
    return datetime(day.year, day.month, day.day, tzinfo=ZoneInfo(current_site().time_zone))
