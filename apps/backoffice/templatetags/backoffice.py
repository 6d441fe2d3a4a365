"""Lists as the design draws them: on a phone each row is a card, whose values carry the name of their column."""

import re
from typing import Any

from django import template
from django.contrib.admin.templatetags import admin_list
from django.utils.html import conditional_escape, format_html
from django.utils.safestring import SafeString

from apps.core import money as amounts

register = template.Library()

_PICTURE = re.compile(r'<img src="[^"]*icon-(yes|no|unknown)[^"]*\.svg" alt="[^"]*">')
_WORDS = {"yes": "Yes", "no": "No", "unknown": "–"}


@register.simple_tag
def table(changelist: Any) -> dict[str, Any]:
    """Headers and rows of a change list."""
    headers = list(admin_list.result_headers(changelist))
    names = [str(header["text"]) for header in headers]
    rows = [
        [_labelled(cell, name) for cell, name in zip(row, names, strict=False)]
        for row in admin_list.results(changelist)
    ]
    return {"headers": headers, "rows": rows, "selectable": bool(names and "action-toggle" in names[0])}


def _labelled(cell: SafeString, name: str) -> SafeString:
    if "<input" in name:
        return cell
    cell = plain(cell)
    label = format_html(' data-label="{}"', name[:1].upper() + name[1:])
    return SafeString(cell[:3] + label + cell[3:])


@register.filter
def plain(shown: str) -> SafeString:
    """Yes and no in words, where Django draws a green or a red picture: off is not wrong."""
    return SafeString(_PICTURE.sub(lambda found: _WORDS[found[1]], conditional_escape(shown)))


@register.filter
def money(amount: int, currency: str) -> str:
    """₹1,23,456.78."""
    return amounts.format_money(amount, currency)


@register.filter
def whole(amount: int, currency: str) -> str:
    """Without the minor part, for axes."""
    text = amounts.format_money(amount, currency)
    return text.rpartition(".")[0] if amounts.exponent(currency) else text


@register.filter
def initials(name: str) -> str:
    words = [word for word in name.replace("@", " ").split() if word[:1].isalnum()]
    return "".join(word[0] for word in ([*words[:1], *words[-1:]] if len(words) > 1 else words)).upper() or "?"


@register.filter
def chosen(choices: list[dict[str, Any]]) -> str:
    """What a filter is set to, as its words."""
    return next((str(choice["display"]) for choice in choices if choice["selected"]), "All")


@register.filter
def filtered(choices: list[dict[str, Any]]) -> bool:
    """Is it set to anything but its first choice, which is everything?"""
    return bool(choices) and not choices[0]["selected"]
