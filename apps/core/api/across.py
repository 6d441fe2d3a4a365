"""`?all_sites=true` on GET under /api/v1/admin/: the same answer for every site, read-only, for holders of a platform role (P3).

The request still names a site, at which the use is audited. Lists give rows of all sites with `site` added; any other answer is
given once per site, `{"sites": [{"site", "currency", ...}], "totals": {...}}`; one row by its id
stands there for its site alone. Currencies are never added to each other.
"""

from collections.abc import Callable, Iterable
from functools import partial
from typing import Any

from rest_framework.request import Request
from rest_framework.response import Response

from apps.core import recording
from apps.core.errors import Denied, Invalid, NotFound
from apps.core.tenancy import across_sites, known_sites, site_context

PARAMETER = "all_sites"
PREFIX = "/api/v1/admin/"


def is_offered(request: Request) -> bool:
    return request.method in ("GET", "HEAD") and request.path_info.startswith(PREFIX)


def asked_for(request: Request) -> bool:
    """Raises Invalid unless it is `true` or `false`."""
    value = request.query_params.get(PARAMETER) if is_offered(request) else None
    if value not in (None, "true", "false"):
        raise Invalid("invalid", f"{PARAMETER} is true or false.", field=PARAMETER)
    return value == "true"


def enter(view: Any, request: Request) -> None:
    """Have `view` answer for all sites. Raises Denied without a platform role that opens it. Audited as `sites.read_across`."""
    access: Any = request._request.access  # type: ignore[attr-defined]
    if not access.platform:
        raise Denied()
    access.reach_across(request._request)
    view.check_permissions(request)
    asked = {name: value for name, value in request.query_params.items() if name not in {PARAMETER, "cursor", "limit"}}
    recording.record(actor=request.user, action="sites.read_across", after={"path": request.path_info, **asked})
    view.all_sites = True
    for method in ("get", "head"):
        vars(view)[method] = partial(_answer, view, view.get)


def _answer(view: Any, get: Callable[..., Any], request: Request, *args: Any, **kwargs: Any) -> Any:
    with across_sites():
        if view.queryset_is_list():
            return get(request, *args, **kwargs)
        return Response(_per_site(view, get, request, *args, **kwargs))


def _per_site(view: Any, get: Callable[..., Any], request: Request, *args: Any, **kwargs: Any) -> dict[str, Any]:
    sites = []
    for site in known_sites():
        try:
            with site_context(site.id, using="audit"):
                answer = get(request, *args, **kwargs).data
        except NotFound:  # one row, by its id: it is at one of them
            continue
        sites.append({"site": site.code, "currency": site.currency, **answer})
    if not sites:
        raise NotFound()
    amounts = [
        {"currency": currency, **_summed([one for one in sites if one["currency"] == currency], view.across_amounts)}
        for currency in sorted({site["currency"] for site in sites})
    ]
    return {"sites": sites, "totals": {**_summed(sites, view.across_counts), "amounts": amounts}}


def _summed(entries: Iterable[dict[str, Any]], paths: Iterable[str]) -> dict[str, Any]:
    """The sums of the whole numbers at these dotted paths, nested as the entries are. `*` is every key."""
    total: dict[str, Any] = {}
    for entry in entries:
        for path in paths:
            _add(total, entry, path.split("."))
    return total


def _add(total: dict[str, Any], entry: dict[str, Any], path: list[str]) -> None:
    first, *rest = path
    for name in list(entry) if first == "*" else [first]:
        if rest and name in entry:
            _add(total.setdefault(name, {}), entry[name], rest)
        elif name in entry:
            total[name] = total.get(name, 0) + entry[name]
