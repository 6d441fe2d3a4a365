"""The back office's ground rules: who may, how lists scale, and that every write goes through a service.

A model's admin names the permission keys that open it. `request.access` is put there by apps.accounts' middleware, so that the
admin obeys the same roles as the API. Nothing is written to Django's log: the audit log has it.
"""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cached_property
from typing import Any, ClassVar
from uuid import UUID

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.helpers import ActionForm
from django.core.paginator import Paginator
from django.db import models, transaction
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.safestring import SafeString

from apps.core.errors import DomainError, Invalid
from apps.core.money import SYMBOLS, exponent, format_money

COUNT_UP_TO = 10_000


class CappedPaginator(Paginator):
    """Counts no further than COUNT_UP_TO: on a million rows the exact number costs seconds and tells nobody anything."""

    @cached_property
    def count(self) -> int:
        rows: Any = self.object_list
        return int(rows.order_by()[: COUNT_UP_TO + 1].count()) if isinstance(rows, QuerySet) else len(rows)


class ReasonForm(ActionForm):
    """Beside the list of actions: why. `reason_of` reads it."""

    note = forms.CharField(
        label="Reason", max_length=500, required=False,
        widget=forms.TextInput(attrs={"placeholder": "Reason", "aria-label": "Reason", "autocomplete": "off"}),
    )  # fmt: skip


def reason_of(request: HttpRequest) -> str:
    return request.POST.get("note", "").strip()[:500]


def required_reason(request: HttpRequest) -> str:
    """Raises Invalid: a decision against somebody has a reason that they can be told."""
    reason = reason_of(request)
    if not reason:
        raise Invalid("invalid", "Say why: write the reason beside the action.", field="note")
    return reason


class AmountField(forms.CharField):
    """Minor units, written and read as people do: "1,234.50"."""

    def __init__(self, *, currency: str, minimum: int = 0, **kwargs: Any) -> None:
        self.currency, self.minimum = currency, minimum
        widget = forms.TextInput(attrs={"inputmode": "decimal", "autocomplete": "off"})
        super().__init__(max_length=30, widget=widget, **kwargs)

    def prepare_value(self, value: Any) -> Any:
        if not isinstance(value, int):
            return value
        return format_money(value, self.currency).replace(SYMBOLS.get(self.currency, self.currency), "").strip()

    def to_python(self, value: Any) -> Any:
        if isinstance(value, int):
            return value
        plain = str(value or "").replace(SYMBOLS.get(self.currency, self.currency), "").replace(self.currency, "")
        plain = plain.replace(",", "").replace("\N{NO-BREAK SPACE}", "").replace(" ", "")
        if not plain:
            return None
        whole, dot, decimals = plain.partition(".")
        places = exponent(self.currency)
        digits = whole + decimals
        if not (digits.isascii() and digits.isdigit()) or (dot and not decimals) or len(decimals) > places:
            example = format_money(50_000, self.currency)
            raise forms.ValidationError(f"Write an amount such as {example}.", code="invalid")
        amount = int(digits.ljust(len(whole) + places, "0") or "0")
        if not self.minimum <= amount < 2**63:
            raise forms.ValidationError(f"At least {format_money(self.minimum, self.currency)}.", code="invalid")
        return amount

    def validate(self, value: Any) -> None:
        if value is None and self.required:
            raise forms.ValidationError(self.error_messages["required"], code="required")

    def run_validators(self, value: Any) -> None:
        """The range was checked with the text."""

    def has_changed(self, initial: Any, data: Any) -> bool:
        try:
            return bool(self.to_python(data) != initial)
        except forms.ValidationError:
            return True


class LinesField(forms.CharField):
    """A list of texts, one on each line."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(widget=forms.Textarea(attrs={"rows": 3, "autocomplete": "off"}), **kwargs)

    def prepare_value(self, value: Any) -> Any:
        return "\n".join(value) if isinstance(value, list) else value

    def to_python(self, value: Any) -> Any:
        return [line.strip() for line in str(value or "").splitlines() if line.strip()]

    def has_changed(self, initial: Any, data: Any) -> bool:
        return bool(self.to_python(data) != (initial or []))


class UplineModelAdmin(admin.ModelAdmin):
    """Read-only unless a key says otherwise. `search_prefixes` are columns whose beginnings are searched: an index serves that,
    and it is leakproof, while LIKE is not. `money_fields` are shown with their currency, `json_fields` as lines of text."""

    view_keys: ClassVar[Sequence[str]] = ()
    add_keys: ClassVar[Sequence[str]] = ()
    change_keys: ClassVar[Sequence[str]] = ()
    search_prefixes: ClassVar[Sequence[str]] = ()
    editable: ClassVar[Sequence[str]] = ()
    money_fields: ClassVar[Sequence[str]] = ()
    json_fields: ClassVar[Sequence[str]] = ()
    plural: ClassVar[str] = ""
    intro: ClassVar[str] = ""
    empty_text: ClassVar[str] = ""
    add_word: ClassVar[str] = ""

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
        hidden = {"site", *(self.exclude or ())}
        names = [f.name for f in self.opts.local_fields if f.name not in self.editable and f.name not in hidden]
        return [*names, *(name for name in self.readonly_fields if name not in names)]

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        """What is only shown goes through its formatter: money with its currency, JSON as text."""
        fixed = set() if obj is None else set(self.get_readonly_fields(request, obj))
        hidden = {"site", *(self.exclude or ())}  # Django leaves those out of forms only, not of what is shown
        names = [name for name in super().get_fields(request, obj) if name not in hidden]
        if not self.fields and obj is not None:
            names = [name for name in names if name != "id"]
            names = [field.name for field in self.opts.local_fields if field.name in names] + [
                name for name in names if name not in {field.name for field in self.opts.local_fields}
            ]
        allowed = self.has_change_permission(request, obj)
        return [self._shown(name) if name in fixed or (obj is not None and not allowed) else name for name in names]

    def currency_of(self, row: Any) -> str:
        """Of a row, or of new ones when there is none. Where rows have no currency of their own, the site's."""
        return str(row.currency)

    def _shown(self, name: Any) -> Any:
        if name not in self.money_fields and name not in self.json_fields:
            return name
        label = str(getattr(self.opts.get_field(name), "verbose_name", name))
        return _plain_money(name, label, self.currency_of) if name in self.money_fields else _plain_json(name, label)

    def formfield_for_dbfield(self, db_field: Any, request: Any, **kwargs: Any) -> Any:
        if db_field.name in self.money_fields:
            return amount_field(db_field, self.currency_of(None))
        if isinstance(db_field, models.JSONField):
            label = str(db_field.verbose_name).capitalize()
            return LinesField(required=False, label=label, help_text=f"One on each line. {db_field.help_text}")
        if isinstance(db_field, models.URLField):
            kwargs["assume_scheme"] = "https"
        return super().formfield_for_dbfield(db_field, request, **kwargs)

    @property
    def media(self) -> forms.Media:
        """Ours are in every page; Django's would bring jQuery along."""
        return forms.Media()

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> Any:
        said = {
            "plural": self.plural, "intro": self.intro, "empty_text": self.empty_text, "add_word": self.add_word,
        }  # fmt: skip
        return super().changelist_view(request, {**said, **(extra_context or {})})

    def changeform_view(
        self, request: HttpRequest, object_id: str | None = None, form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> Any:  # fmt: skip
        """A service's refusal is a message on the same page, and nothing has changed."""
        said = {"plural": self.plural, "intro": self.intro, "add_word": self.add_word}
        context: dict[str, Any] = {**said, **(extra_context or {})}
        obj = self.get_object(request, object_id) if object_id and request.method == "GET" else None
        if obj is not None:
            context |= self._row_context(request, obj)
        try:
            with transaction.atomic():
                return super().changeform_view(request, object_id, form_url, context)
        except DomainError as error:
            messages.error(request, error.message)
            return HttpResponseRedirect(request.get_full_path())

    def _row_context(self, request: HttpRequest, obj: Any) -> dict[str, Any]:
        actions = [
            (name, str(action[2]))
            for name, action in self.get_actions(request).items()
            if action and self.offers(name, obj)
        ]
        form = self.action_form(auto_id="id_row_%s")
        fields = [form[name] for name in form.fields if name not in {"action", "select_across"}]
        return {
            "row_title": self.title_of(obj), "row_state": self.state(obj) if hasattr(self, "state") else "",
            "row_actions": actions, "row_action_fields": fields,
            "row_links": self.row_links(request, obj),
        }  # fmt: skip

    def title_of(self, obj: Any) -> str:
        """The headline of a row's page."""
        return str(obj)

    def offers(self, action: str, obj: Any) -> bool:
        """May this action do anything for this row? What may not is left off its page."""
        return True

    def row_links(self, request: HttpRequest, obj: Any) -> list[tuple[str, str]]:
        """(label, address) beside the title of a row's page."""
        if not may(request, ("user.read", "permission.read")):
            return []
        return [("History", f"{reverse('admin:audit_auditevent_changelist')}?q={obj.pk}")]

    def history_view(self, request: HttpRequest, object_id: str, extra_context: Any = None) -> HttpResponse:
        """Ours is the audit."""
        return redirect(f"{reverse('admin:audit_auditevent_changelist')}?q={object_id}")

    def response_action(self, request: HttpRequest, queryset: QuerySet[Any], *args: Any) -> HttpResponse | None:
        """An action that was chosen on a row's page leads back there."""
        response = super().response_action(request, queryset, *args)
        after = request.POST.get("next", "")
        if isinstance(response, HttpResponseRedirect) and url_has_allowed_host_and_scheme(after, {request.get_host()}):
            return HttpResponseRedirect(after)
        return response

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
    """Run a service for each chosen row and say what happened, `done` being "payout{s} approved"; one that is refused holds
    up no other."""
    finished, refused = 0, []
    for row in rows:
        try:
            with transaction.atomic():
                act(row)
            finished += 1
        except DomainError as error:
            refused.append(f"{row}: {error.message}")
    if finished:
        messages.success(request, f"{finished} {done.replace('{s}', '' if finished == 1 else 's')}.")
    for text in refused[:10]:
        messages.error(request, text)
    if len(refused) > 10:
        messages.error(request, f"{len(refused) - 10} more were refused.")


def attempt_with_reason(
    request: HttpRequest, rows: Iterable[Any], act: Callable[[Any, str], Any], *, done: str
) -> None:
    """`attempt` for what needs a reason. Without one nothing is tried."""
    try:
        reason = required_reason(request)
    except DomainError as error:
        messages.error(request, error.message)
        return
    attempt(request, rows, lambda row: act(row, reason), done=done)


def money(name: str, *, label: str = "") -> Callable[[Any, Any], SafeString]:
    """A column that shows an amount with its currency: `amount_shown = money("amount")`."""

    def shown(self: Any, row: Any) -> SafeString:
        return amount_text(getattr(row, name), self.currency_of(row))

    shown.short_description = label or name.replace("_", " ")  # type: ignore[attr-defined]
    shown.admin_order_field = name  # type: ignore[attr-defined]
    return shown


def amount_text(amount: int | None, currency: str) -> SafeString:
    if amount is None:
        return SafeString("–")
    return format_html('<span class="money">{}</span>', format_money(amount, currency))


def amount_field(db_field: Any, currency: str) -> AmountField:
    """What edits a column of minor units."""
    least = min((v.limit_value for v in db_field.validators if v.code == "min_value" and v.limit_value > -1), default=0)
    text = str(db_field.help_text).replace("Minor units.", "").replace("Minor units for", "For").strip()
    return AmountField(
        currency=currency, minimum=max(least, 0), required=not db_field.blank, initial=db_field.get_default(),
        label=str(db_field.verbose_name).capitalize(), help_text=f"In {currency}. {text}".strip(),
    )  # fmt: skip


def _plain_money(name: str, label: str, currency_of: Callable[[Any], str]) -> Callable[[Any], SafeString]:
    def shown(row: Any) -> SafeString:
        return amount_text(getattr(row, name), currency_of(row))

    shown.__name__ = f"{name}_shown"
    shown.short_description = label  # type: ignore[attr-defined]
    return shown


def _plain_json(name: str, label: str) -> Callable[[Any], SafeString]:
    def shown(row: Any) -> SafeString:
        return json_text(getattr(row, name))

    shown.__name__ = f"{name}_shown"
    shown.short_description = label  # type: ignore[attr-defined]
    return shown


def named(user: Any, more: str) -> SafeString:
    """A person and, below, what tells them apart."""
    name = str(user) if user is not None else "–"
    return format_html("{}", name) if name == more else format_html("{}<small>{}</small>", name, more)


def json_text(value: Any) -> SafeString:
    """A flat object as a table, a list of texts as text, anything else as it is stored."""
    if not value:
        return SafeString("–")
    if isinstance(value, list) and all(isinstance(item, str) for item in value):
        return format_html("{}", ", ".join(value))
    if isinstance(value, Mapping):
        rows = (
            (key, item if isinstance(item, str) else json.dumps(item, ensure_ascii=False))
            for key, item in value.items()
        )
        return format_html(
            '<table class="bo-changes">{}</table>',
            format_html_join("", '<tr><th scope="row">{}</th><td>{}</td></tr>', rows),
        )
    return format_html("<pre>{}</pre>", json.dumps(value, indent=1, ensure_ascii=False))


def badge(status: str, label: str) -> SafeString:
    """A state as word, sign and colour (design kit)."""
    return format_html('<span class="badge" data-status="{}">{}</span>', status, label)


__all__ = [
    "AmountField",
    "CappedPaginator",
    "LinesField",
    "ReasonForm",
    "UplineModelAdmin",
    "amount_field",
    "amount_text",
    "attempt",
    "attempt_with_reason",
    "badge",
    "json_text",
    "may",
    "money",
    "named",
    "reason_of",
    "required_reason",
]
