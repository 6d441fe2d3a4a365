"""Lists of all sites, read one after the other: a selector that joins by a user, who may be at several, sees one site at a time,
and a tree's order holds inside one site only."""

from typing import Any

from rest_framework.request import Request
from rest_framework.response import Response

from apps.core.api.pagination import read_limit, signed_place, unsigned_place
from apps.core.tenancy import KnownSite, known_sites, site_context

Place = list[str]
"""[a site's code, the last key read there]: where the next rows begin."""


class ReadsSiteBySite:
    """For ListView. A list of one table that joins nothing may set `by_site` to False and be one list over all sites, newest
    first. `at_site` is called before the rows of each site."""

    by_site = True
    all_sites = False
    request: Any
    page_after: Any
    shown: Any

    def at_site(self, site: KnownSite) -> None:
        """Forget what was kept of the site before."""

    def list_by_site(self, request: Request) -> Response:
        """Pages lead forwards only."""
        limit, place = read_limit(request.query_params.get("limit")), unsigned_place(request)
        rows: list[dict[str, Any]] = []
        while len(rows) < limit:
            found, place = self.read_by_site(place, limit - len(rows))
            rows += found
            if place is None:
                break
        return Response({"results": rows, "next": signed_place(request, place) if place else None, "previous": None})

    def read_by_site(self, place: Place | None, size: int) -> tuple[list[dict[str, Any]], Place | None]:
        """Rows from `place` on and where they ended. A site that is through leads to the next, the last one to None."""
        sites = known_sites()
        code, after = place or ("", "")
        number = next((n for n, site in enumerate(sites) if site.code >= code), len(sites) - 1)
        site = sites[number]
        with site_context(site.id, using="audit"):
            self.at_site(site)
            page, end = self.page_after(after or None, size)
            rows = self.shown(page, site)
        if end is not None:
            return rows, [site.code, str(end)]
        return rows, [sites[number + 1].code, ""] if number + 1 < len(sites) else None
