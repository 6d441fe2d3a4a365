"""How values are shown in lists and on rows: money with its currency, states as badges, JSON as text."""

import json
from collections.abc import Callable, Mapping
from typing import Any

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from apps.core.money import format_money


def money(name: str, *, label: str = "") -> Callable[[Any, Any], SafeString]:
    """A column that shows an amount with its currency: `amount_shown = money("amount")`."""

    def shown(self: Any, row: Any) -> SafeString:
        return amount_text(getattr(row, name), self.currency_of(row))

    shown.short_description = label or name.replace("_", " ")  # type: ignore[attr-defined]
    shown.admin_order_field = name  # type: ignore[attr-defined]
    shown.money_of = name  # type: ignore[attr-defined]
    return shown


def amount_text(amount: int | None, currency: str) -> SafeString:
    if amount is None:
        return SafeString("–")
    return format_html('<span class="money">{}</span>', format_money(amount, currency))


def plain_money(name: str, label: str, currency_of: Callable[[Any], str]) -> Callable[[Any], SafeString]:
    def shown(row: Any) -> SafeString:
        return amount_text(getattr(row, name), currency_of(row))

    shown.__name__ = f"{name}_shown"
    shown.short_description = label  # type: ignore[attr-defined]
    return shown


def plain_json(name: str, label: str) -> Callable[[Any], SafeString]:
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
