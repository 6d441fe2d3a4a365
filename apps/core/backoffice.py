"""The back office's ground rules: who may, how lists scale, and that every write goes through a service.

A model's admin names the permission keys that open it. `request.access` is put there by apps.accounts' middleware, so that the
admin obeys the same roles as the API. Nothing is written to Django's log: the audit log has it.
"""

from collections.abc import Callable, Iterable, Sequence
from functools import cached_property
from typing import Any, ClassVar
from uuid import UUID

from django.contrib import admin, messages
from django.core.paginator import Paginator
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.safestring import SafeString

from apps.core.errors import DomainError
from apps.core.money import format_money

COUNT_UP_TO = 10_000


class CappedPaginator(Paginator):
    """Counts no further than COUNT_UP_TO: on a million rows the exact number costs seconds and tells nobody anything."""

    @cached_property
    def count(self) -> int:
        rows: Any = self.object_list
        return int(rows.order_by()[: COUNT_UP_TO + 1].count()) if isinstance(rows, QuerySet) else len(rows)


class UplineModelAdmin(admin.ModelAdmin):
    """Read-only unless a key says otherwise. `search_prefixes` are columns whose beginnings are searched: an index serves that,
    and it is leakproof, while LIKE is not."""

    view_keys: ClassVar[Sequence[str]] = ()
    add_keys: ClassVar[Sequence[str]] = ()
    change_keys: ClassVar[Sequence[str]] = ()
    search_prefixes: ClassVar[Sequence[str]] = ()
    editable: ClassVar[Sequence[str]] = ()

    paginator = CappedPaginator
    show_full_result_count = False
    list_per_page = 50
    list_max_show_all = 200
    ordering: ClassVar[tuple[str, ...]] = ("-id",)
    actions_on_top = True
    actions_on_bottom = False
    empty_value_display = "–"

    def has_module_permission(self, request: HttpRequest) -> bool:
        return self.has_view_permission(request)

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return may(request, (*self.view_keys, *self.change_keys))

    def has_add_permission(self, request: HttpRequest) -> bool:
        return may(request, self.add_keys)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return may(request, self.change_keys)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        """Everything but `editable`, and on adding everything that may be given."""
        if obj is None:
            return super().get_readonly_fields(request, obj)
        names = [field.name for field in self.opts.local_fields if field.name not in self.editable]
        return [*names, *(name for name in self.readonly_fields if name not in names)]

    def get_search_fields(self, request: HttpRequest) -> Any:
        return self.search_prefixes or super().get_search_fields(request)

    def get_search_results(self, request: HttpRequest, queryset: Any, search_term: str) -> tuple[Any, bool]:
        """An id, or the beginning of one of `search_prefixes`, as a range of text."""
        term = search_term.strip()
        if not term or "\x00" in term:
            return queryset, False
        found = Q()
        try:
            found |= Q(pk=UUID(term))
        except ValueError:
            if not self.search_prefixes:
                return queryset.none(), False
        for column in self.search_prefixes:
            start = term.upper() if column.endswith("code") else term.lower() if column.endswith("email") else term
            found |= Q(**{f"{column}__gte": start, f"{column}__lt": start + "\U0010ffff"})
        return queryset.filter(found), False

    def log_addition(self, *args: Any, **kwargs: Any) -> Any:
        """The service has recorded it."""

    def log_change(self, *args: Any, **kwargs: Any) -> Any:
        """The service has recorded it."""

    def log_deletions(self, *args: Any, **kwargs: Any) -> Any:
        """Nothing is deleted here."""


def may(request: HttpRequest, keys: Iterable[str]) -> bool:
    """Does the caller hold one of these keys for the whole site?"""
    access = getattr(request, "access", None)
    return access is not None and any(access.at_site(key) for key in keys)


def attempt(request: HttpRequest, rows: Iterable[Any], act: Callable[[Any], Any], *, done: str) -> None:
    """Run a service for each chosen row and say what happened; one that is refused holds up no other."""
    from django.db import transaction

    finished, refused = 0, []
    for row in rows:
        try:
            with transaction.atomic():
                act(row)
            finished += 1
        except DomainError as error:
            refused.append(f"{row}: {error.message}")
    if finished:
        messages.success(request, f"{finished} {done}.")
    for text in refused[:10]:
        messages.error(request, text)
    if len(refused) > 10:
        messages.error(request, f"{len(refused) - 10} more were refused.")


def money(name: str, *, label: str = "") -> Callable[[Any, Any], str]:
    """A column that shows an amount with its currency: `amount_shown = money("amount")`."""

    def shown(self: Any, row: Any) -> str:
        return format_money(getattr(row, name), row.currency)

    shown.short_description = label or name.replace("_", " ")  # type: ignore[attr-defined]
    shown.admin_order_field = name  # type: ignore[attr-defined]
    return shown


def badge(status: str, label: str) -> SafeString:
    """A state as word, sign and colour (design kit)."""
    return format_html('<span class="badge" data-status="{}">{}</span>', status, label)


__all__ = ["CappedPaginator", "UplineModelAdmin", "attempt", "badge", "may", "money"]
