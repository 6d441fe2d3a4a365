"""Sites by code and by host, kept in each process for a few seconds: they are asked for on every request and change rarely."""

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING
from uuid import UUID

from django.conf import settings

from apps.core.errors import NotFound

if TYPE_CHECKING:
    from apps.sites.models import Site

KEEP_SECONDS = 5.0


@dataclass
class _Snapshot:
    at: float
    by_code: dict[str, "Site"]
    by_host: dict[str, "Site"]
    by_id: dict[UUID, "Site"]


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


def all_sites() -> list["Site"]:
    return sorted(_load().by_code.values(), key=lambda site: site.code)
