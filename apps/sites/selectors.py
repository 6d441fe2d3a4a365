"""The present site and its settings."""

from datetime import date, datetime
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from django.utils import timezone

from apps.core.tenancy import require_site_id
from apps.sites import registry

if TYPE_CHECKING:
    from apps.sites.models import Site, SiteSettings


def current_site() -> "Site":
    """The site of this context. Raises NoSiteContext."""
    return registry.by_id(require_site_id())


def site_settings() -> "SiteSettings":
    """The present site's settings row: one query, by unique key."""
    from apps.sites.models import SiteSettings

    return SiteSettings.objects.get(site_id=require_site_id())


def site_day(moment: datetime | None = None) -> date:
    """The day of a moment in the site's own time zone: what caps, limits and statements count by (settled.md)."""
    return (moment or timezone.now()).astimezone(ZoneInfo(current_site().time_zone)).date()
