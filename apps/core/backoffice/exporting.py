"""A list of the back office as a file: its columns, with its filters and search (R24)."""

import html
import re
from collections.abc import Sequence
from functools import partial
from typing import Any, ClassVar

from django.contrib.admin.options import IncorrectLookupParameters
from django.contrib.admin.utils import label_for_field
from django.core.exceptions import FieldDoesNotExist, PermissionDenied
from django.db import models
from django.http import HttpRequest, HttpResponseBase, HttpResponseRedirect
from django.urls import path, reverse
from django.utils import timezone

from apps.core import exports
from apps.core.errors import DomainError
from apps.core.tenancy import across_sites, reading_across, require_site_id, site_context

_TAG = re.compile(r"<[^>]+>")
PLACES = frozenset({"p", "o", "all", "before", "after", "_changelist_filters"})  # of the page, not of what is listed
WORDS = {"csv": "CSV, every row", "xlsx": "Excel, every row", "pdf": "PDF, up to 10,000 rows"}


class MakesFiles:
    """For UplineModelAdmin. Newest first, whatever the list is sorted by: that is the order an index gives."""

    opts: Any
    plural: ClassVar[str]
    admin_site: Any
    has_view_permission: Any
    currency_of: Any
    get_changelist_instance: Any

    def prepare(self, rows: Sequence[Any]) -> None:
        """What the columns of a page of rows need, read at once."""

    def get_urls(self) -> list[Any]:
        view = self.admin_site.admin_view(self.export_view)
        return [path("export/", view, name=self._export_name()), *super().get_urls()]  # type: ignore[misc]

    def _export_name(self) -> str:
        return f"{self.opts.app_label}_{self.opts.model_name}_export"

    def files(self, request: HttpRequest) -> list[tuple[str, str]]:
        """(what it is, address) of the list as it stands."""
        query = request.GET.copy()
        for name in PLACES & query.keys():
            del query[name]
        base = reverse(f"admin:{self._export_name()}")
        return [(words, f"{base}?{_with(query, file_format)}") for file_format, words in WORDS.items()]

    def export_view(self, request: HttpRequest) -> HttpResponseBase:
        if not self.has_view_permission(request):
            raise PermissionDenied
        query = request.GET.copy()
        file_format = "".join(query.pop("format", []))
        request.GET = query  # type: ignore[assignment]
        try:
            sheet = self._sheet(request, self.get_changelist_instance(request))
            return exports.export(sheet, exports.read_format(file_format), actor=request.user)
        except (DomainError, IncorrectLookupParameters) as error:
            from django.contrib import messages

            messages.error(request, getattr(error, "message", "This list has no such filter."))
            back = reverse(f"admin:{self.opts.app_label}_{self.opts.model_name}_changelist")
            return HttpResponseRedirect(f"{back}?{query.urlencode()}")

    def _sheet(self, request: HttpRequest, changelist: Any) -> exports.Sheet:
        columns = [name for name in changelist.list_display if name != "action_checkbox"]
        foreign = [name for name in columns if isinstance(self._field(name), models.ForeignKey)]
        rows = changelist.queryset.select_related(*foreign) if foreign else changelist.queryset
        site: Any = getattr(request, "site", None)
        has_money = any(self._money(name) for name in columns)
        screen: Any = self
        labels = [str(label_for_field(name, self.opts.model, screen)) for name in columns]
        title = str(self.plural or self.opts.verbose_name_plural)
        user: Any = request.user
        return exports.Sheet(
            name=self.opts.label_lower, title=title[:1].upper() + title[1:],
            site="all sites" if reading_across() else site.code,
            columns=["id", *labels, *(["currency"] if has_money else [])],
            read=partial(self._read, rows, columns, has_money), count=lambda limit: rows[:limit].count(),
            context=across_sites if reading_across() else partial(site_context, require_site_id()),
            filters={name: str(value) for name, value in request.GET.items() if name not in PLACES},
            who=f"{user.actor_name}, {timezone.now():%Y-%m-%d %H:%M} UTC",
        )  # fmt: skip

    def _read(self, rows: Any, columns: list[str], has_money: bool, after: Any, size: int) -> Any:
        page, end = exports.keyset_page(rows, ordering="-pk", after=after, size=size)
        self.prepare(page)
        return [list(self._cells(row, columns, has_money)) for row in page], end

    def _cells(self, row: Any, columns: list[str], has_money: bool) -> Any:
        yield row.pk
        for name in columns:
            money = self._money(name)
            if money:
                yield exports.money_cell(getattr(row, money), self.currency_of(row))
            else:
                yield self._plain(row, name)
        if has_money:
            yield self.currency_of(row)

    def _money(self, name: str) -> str:
        """The field of minor units that a column shows."""
        shown = getattr(type(self), name, None)
        return str(getattr(shown, "money_of", ""))

    def _field(self, name: str) -> Any:
        try:
            return self.opts.get_field(name)
        except FieldDoesNotExist:
            return None

    def _plain(self, row: Any, name: str) -> Any:
        """A field's own value, its choice in words; of anything else the text that the list shows."""
        if name == "__str__":
            return str(row)
        field = self._field(name)
        if field is not None:
            if field.choices:
                return getattr(row, f"get_{name}_display")()
            value = getattr(row, name)
            return str(value) if isinstance(value, models.Model) else value
        shown = getattr(self, name, None)
        value = shown(row) if callable(shown) else getattr(row, name)
        value = value() if callable(value) else value
        return text_of(value) if isinstance(value, str) else value


def text_of(shown: str) -> str:
    """What a cell says, without its mark-up."""
    return " ".join(html.unescape(_TAG.sub(" ", shown)).split()) if "<" in shown else html.unescape(shown)


def _with(query: Any, file_format: str) -> str:
    query = query.copy()
    query["format"] = file_format
    text: str = query.urlencode()
    return text
