"""What is told, in each language: sentences by kind and `what`, made from a notification's params when it is read.

Params hold facts: amounts in minor units beside their currency, names, counts. A language that lacks nothing that English has is
what the test of this package asks for.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

from django.conf import settings

from apps.core.money import format_money
from apps.notifications.words import en, hi

TEXTS: dict[str, Any] = {"en": en, "hi": hi}


class Said(NamedTuple):
    title: str
    text: str


def language_of(locale: str) -> str:
    """Of the languages there are, the one of a person's locale ("hi-IN" → hi), else the installation's."""
    base = locale.partition("-")[0].lower()
    return base if base in TEXTS else settings.LANGUAGE_CODE.partition("-")[0]


def said(kind: str, params: Mapping[str, Any], language: str) -> Said:
    """`params["what"]` chooses among the sentences of a kind that has several."""
    texts = TEXTS[language].SAID
    title, text = texts.get((kind, params.get("what", ""))) or texts[kind, ""]
    values = _Values(params)
    return Said(one_line(title.format_map(values)), one_line(text.format_map(values)))


def frame(language: str) -> dict[str, str]:
    """Words around the sentences of a mail: greeting, button, ending."""
    found: dict[str, str] = TEXTS[language].FRAME
    return found


def one_line(text: str) -> str:
    """Names are typed by people; what has a line break in it would begin another header of a mail."""
    return " ".join("".join(char if char.isprintable() else " " for char in text).split())


class _Values(dict[str, Any]):
    """Params as they stand in a sentence: an amount with its currency. What is missing stays empty."""

    def __missing__(self, name: str) -> str:
        return ""

    def __getitem__(self, name: str) -> Any:
        value = super().__getitem__(name)
        if name == "amount" and isinstance(value, int):
            return format_money(value, str(self.get("currency", "")))
        return value
