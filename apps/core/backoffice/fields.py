"""Form fields that staff type into: amounts as people write them, lists as lines of text."""

from decimal import Decimal
from typing import Any

from django import forms

from apps.core.money import SYMBOLS, exact_text, exponent, format_money


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


class ExactField(forms.CharField):
    """An exact decimal, shown without needless zeros or an exponent and written as people do: "11,000.5"."""

    def __init__(self, *, places: int, digits: int, **kwargs: Any) -> None:
        self.places, self.digits = places, digits
        widget = forms.TextInput(attrs={"inputmode": "decimal", "autocomplete": "off"})
        super().__init__(max_length=2 * digits, widget=widget, **kwargs)

    def prepare_value(self, value: Any) -> Any:
        return exact_text(value) if isinstance(value, Decimal) else value

    def to_python(self, value: Any) -> Any:
        if isinstance(value, Decimal):
            return value
        text = str(value or "").replace(",", "").replace("\N{NO-BREAK SPACE}", "").replace(" ", "")
        if not text:
            return None
        whole, dot, decimals = text.partition(".")
        figures = whole + decimals
        if not (figures.isascii() and figures.isdigit()) or not whole or (dot and not decimals):
            raise forms.ValidationError("Write a number such as 11,000.5.", code="invalid")
        if len(decimals) > self.places or len(whole.lstrip("0")) > self.digits - self.places:
            many = f"At most {self.digits - self.places} digits, and {self.places} after the point."
            raise forms.ValidationError(many, code="invalid")
        return Decimal(text)

    def validate(self, value: Any) -> None:
        if value is None and self.required:
            raise forms.ValidationError(self.error_messages["required"], code="required")

    def run_validators(self, value: Any) -> None:
        """Its digits were counted with the text."""

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


# What a column's own words say of its unit, and what the field says, which shows the currency's.
_NOT_MINOR = (
    ("Minor units.", ""), ("Minor units for", "For"), ("Minor units, of", "Of"), ("Minor units; ", ""), (", minor units", ""),
)  # fmt: skip


def amount_field(db_field: Any, currency: str) -> AmountField:
    """What edits a column of minor units."""
    least = min((v.limit_value for v in db_field.validators if v.code == "min_value" and v.limit_value > -1), default=0)
    text = str(db_field.help_text)
    for written, shown in _NOT_MINOR:
        text = text.replace(written, shown)
    text = text.strip()
    return AmountField(
        currency=currency, minimum=max(least, 0), required=not db_field.blank, initial=db_field.get_default(),
        label=str(db_field.verbose_name).capitalize(), help_text=f"In {currency}. {text}".strip(),
    )  # fmt: skip
