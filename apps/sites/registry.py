"""Sites by code and by host, kept in each process for a few seconds: they are asked for on every request and change rarely."""

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING
from uuid import UUID

from django.conf import settings

from apps.core.errors import NotFound
from apps.core.tenancy import site_context

if TYPE_CHECKING:
    from apps.sites.models import Site

KEEP_SECONDS = 5.0


@dataclass
class _Snapshot:
    at: float
    by_code: dict[str, "Site"]
    by_host: dict[str, "Site"]
    by_id: dict[UUID, "Site"]
    shop_origins: dict[UUID, frozenset[str]] | None = None


_snapshot: _Snapshot | None = None


def forget() -> None:
    """Read again at the next request of this process; the others follow within KEEP_SECONDS."""
    global _snapshot
    _snapshot = None


def _load() -> _Snapshot:
    global _snapshot
    if _snapshot is None or time.monotonic() - _snapshot.at > KEEP_SECONDS:
        from apps.sites.models import Site, SiteDomain

        sites = list(Site.objects.filter(is_active=True))
        by_id = {site.pk: site for site in sites}
        by_host = {f"{site.code.lower()}.{host}": site for site in sites for host in settings.UPLINE_PLATFORM_HOSTS}
        for domain in SiteDomain.objects.all():
            if domain.site_id in by_id:
                by_host[domain.host] = by_id[domain.site_id]
        _snapshot = _Snapshot(time.monotonic(), {site.code: site for site in sites}, by_host, by_id)
    return _snapshot


def by_code(code: str) -> "Site | None":
    """Case-insensitive."""
    return _load().by_code.get(code.strip().upper())


def by_host(host: str) -> "Site | None":
    """`host` without port."""
    return _load().by_host.get(host.lower().rstrip("."))


def by_id(site_id: UUID | str) -> "Site":
    """Raises NotFound."""
    site = _load().by_id.get(UUID(str(site_id)))
    if site is None:
        raise NotFound("site_unknown", "No such site.")
    return site


def calls_from(site_id: UUID, origin: str) -> bool:
    """May pages of this origin call the API of this site?"""
    return origin in _shop_origins().get(site_id, ())


def known_origin(origin: str) -> bool:
    """... of any site? A preflight doesn't say which."""
    return any(origin in origins for origins in _shop_origins().values())


def _shop_origins() -> dict[UUID, frozenset[str]]:
    """What sites have set, read by one statement per site once in a while: nobody reads the settings of all at once."""
    snapshot = _load()
    if snapshot.shop_origins is None:
        from apps.sites.models import SiteSettings

        found = {}
        for site_id in snapshot.by_id:
            with site_context(site_id):
                origins = SiteSettings.objects.values_list("shop_origins", flat=True).first()
            found[site_id] = frozenset(origins or ())
        snapshot.shop_origins = found
    return snapshot.shop_origins


def all_sites() -> list["Site"]:
    return sorted(_load().by_code.values(), key=lambda site: site.code)
