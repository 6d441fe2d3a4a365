"""A list as a file: `?format=csv|xlsx|pdf`, with the list's own filters and permission (R24)."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from functools import cached_property, partial
from typing import Any, ClassVar

from django.utils import timezone

from apps.core import exports
from apps.core.api.across import PARAMETER
from apps.core.api.by_site import ReadsSiteBySite
from apps.core.tenancy import across_sites, known_sites, require_site_id, site_context

NO_FILTERS = frozenset({"limit", "cursor", "format", PARAMETER})


@dataclass(frozen=True)
class Exported:
    """How a list's rows become columns: which fields are minor units of the row's currency, and the parts of those that are
    objects, `{"user": ("id", "name")}`. Lists and other objects are JSON in one column."""

    money: tuple[str, ...] = ()
    parts: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


class MakesFiles(ReadsSiteBySite):
    """For ListView."""

    exported: ClassVar[Exported] = Exported()
    pagination_class: Any
    filtered: Any
    get_serializer: Any

    def file(self) -> Any:
        """The answer. Raises Invalid (format, a filter), Conflict (export_too_large)."""
        file_format = exports.read_format(self.request.query_params["format"])
        return exports.export(self._sheet(), file_format, actor=self.request.user)

    def page_after(self, after: Any, size: int) -> tuple[list[Any], Any]:
        return exports.keyset_page(self.filtered(), ordering=self.pagination_class.ordering, after=after, size=size)

    def _sheet(self) -> exports.Sheet:
        query = self.request.query_params
        name = self.request.resolver_match.url_name or "list"
        who = getattr(self.request.user, "actor_name", "")
        return exports.Sheet(
            name=name, title=name.replace("-", " ").capitalize(),
            site="all sites" if self.all_sites else self.request._request.site.code,
            columns=self._columns(), read=self._read, count=self._count, context=self._context(),
            filters={key: value for key, value in query.items() if key not in NO_FILTERS},
            who=f"{who}, {timezone.now():%Y-%m-%d %H:%M} UTC",
        )  # fmt: skip

    def _context(self) -> Callable[[], AbstractContextManager[Any]]:
        """What each page is read in: the site's context, or all sites'."""
        if self.all_sites:
            return across_sites
        return partial(site_context, require_site_id())

    def _read(self, after: Any, size: int) -> tuple[list[list[Any]], Any]:
        if self.all_sites and self.by_site:
            data, end = self.read_by_site(after, size)
        else:
            page, end = self.page_after(after, size)
            data = self.shown(page)
        currencies = self._currencies()
        return [list(self._cells(row, currencies)) for row in data], end

    def _count(self, limit: int) -> int:
        """Rows, counted no further than `limit`."""
        if not (self.all_sites and self.by_site):
            rows = self.filtered()[:limit]
            return len(rows) if isinstance(rows, Sequence) else rows.count()
        found, place = self.read_by_site(None, limit)
        count = len(found)
        while place is not None and count < limit:
            found, place = self.read_by_site(place, limit)
            count += len(found)
        return count

    @cached_property
    def _fields(self) -> list[str]:
        """Asked for once: to build a serializer costs as much as to show ten rows."""
        fields = list(self.get_serializer().fields)
        if self.exported.money and "currency" not in fields:
            fields.append("currency")
        return ["site", *fields] if self.all_sites else fields

    def _columns(self) -> list[str]:
        parts = self.exported.parts
        return [f"{name}_{part}" if part else name for name in self._fields for part in parts.get(name, ("",))]

    def _currencies(self) -> dict[str, str]:
        """{site's code: currency}, or that of the one site under ""."""
        if self.all_sites:
            return {site.code: site.currency for site in known_sites()}
        return {"": self.request._request.site.currency}

    def _cells(self, row: Mapping[str, Any], currencies: Mapping[str, str]) -> Iterator[Any]:
        currency = row.get("currency") or currencies[row["site"] if self.all_sites else ""]
        for name in self._fields:
            value: Any = currency if name == "currency" else row.get(name)
            if name in self.exported.money:
                yield exports.money_cell(value, currency)
            elif name in self.exported.parts:
                yield from ((value or {}).get(part) for part in self.exported.parts[name])
            else:
                yield value
