"""Shapes of what people type. Rules are the services'; their refusals come back to the field they name."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from django import forms

from apps.accounts.models import CryptoAddress, Membership
from apps.core import money
from apps.core.forms import PageForm, code_field, email_field, password_field, text_field
from apps.orders.services import Item

MAX_MINOR = 2**63 - 1
MAX_QUANTITY = 1_000_000


class AmountField(forms.CharField):
    """An amount as people write it, "12,000.50" or "₹500"; cleaned, minor units of the site's currency."""

    default_error_messages = {
        "invalid": "Write an amount such as {example}.",
        "places": "{currency} has {places} decimal places.",
        "range": "Write an amount above zero.",
    }

    def __init__(self, *, currency: str, **kwargs: Any) -> None:
        self.currency = currency
        attrs = {"inputmode": "decimal", "autocomplete": "off"}
        super().__init__(max_length=30, widget=forms.TextInput(attrs=attrs), **kwargs)

    def prepare_value(self, value: Any) -> Any:
        return f"{Decimal(value).scaleb(-money.exponent(self.currency)):f}" if isinstance(value, int) else value

    def clean(self, value: Any) -> Any:
        written = super().clean(value)
        return self._minor(written) if written else None

    def _minor(self, written: str) -> int:
        places = money.exponent(self.currency)
        symbol = money.SYMBOLS.get(self.currency, self.currency)
        plain = written.replace(symbol, "").replace(self.currency, "").replace(",", "").replace(" ", "").strip()
        whole, dot, decimals = plain.partition(".")
        if not (whole + decimals).isascii() or not (whole + decimals).isdigit() or (dot and not decimals):
            raise self._wrong("invalid", example=money.format_money(50000, self.currency))
        if len(decimals) > places:
            raise self._wrong("places", currency=self.currency, places=places)
        minor = int(whole or "0") * 10**places + int(decimals.ljust(places, "0") or "0")
        if not 0 < minor <= MAX_MINOR:
            raise self._wrong("range")
        return minor

    def _wrong(self, code: str, **values: Any) -> forms.ValidationError:
        return forms.ValidationError(str(self.error_messages[code]).format(**values), code=code)


class SignInForm(PageForm):
    email = email_field(autocomplete="username")
    password = password_field("Password")


class ResetRequestForm(PageForm):
    email = email_field(autocomplete="username")


class ResetConfirmForm(PageForm):
    new_password = password_field("New password", new=True, help_text="8 characters or more, not only digits")


JOINS_AS = [(kind.value, kind.label) for kind in (Membership.Kind.INDIVIDUAL, Membership.Kind.ENTERPRISE)]


class JoinForm(PageForm):
    full_name = text_field("Name", autocomplete="name", max_length=120)
    email = email_field()
    password = password_field("Password", new=True, help_text="8 characters or more, not only digits")
    referral_code = text_field("Invited by", required=False, max_length=32, attrs={"class": "mono", "spellcheck": "false"},
                               help_text="The code of whoever told you, if somebody did. It can’t be changed later.")  # fmt: skip
    click_id = forms.CharField(required=False, max_length=64, widget=forms.HiddenInput)
    user_type = forms.ChoiceField(choices=JOINS_AS, required=False)
    otp = code_field(required=False)

    def clean_user_type(self) -> str:
        return str(self.cleaned_data["user_type"] or Membership.Kind.INDIVIDUAL)


class TransferForm(PageForm):
    def __init__(self, *args: Any, currency: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["amount"] = AmountField(currency=currency, label="Amount")


class DepositForm(PageForm):
    def __init__(self, *args: Any, currency: str, **kwargs: Any) -> None:
        super().__init__(*args, auto_id="deposit_%s", **kwargs)
        self.fields["amount"] = AmountField(currency=currency, label="Amount to add")


class ShopForm(PageForm):
    """How many of each product; at least one of something. A refusal of the service comes to the product it names."""

    def __init__(self, *args: Any, products: Sequence[dict[str, Any]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.products = products
        for product in products:
            field = forms.IntegerField(label=product["name"], required=False, min_value=0, max_value=MAX_QUANTITY)
            field.widget.attrs |= {"class": "quantity", "inputmode": "numeric"}
            field.disabled = product["inventory"] == 0
            self.fields[product["sku"]] = field

    def clean(self) -> dict[str, Any]:
        given: dict[str, Any] = super().clean() or {}
        if not self.errors and not any(given.values()):
            raise forms.ValidationError("Say how many you want of something.")
        return given

    def items(self) -> list[Item]:
        return [Item(sku, quantity) for sku, quantity in self.cleaned_data.items() if quantity]

    def rows(self) -> list[dict[str, Any]]:
        return [product | {"field": self[product["sku"]]} for product in self.products]


class LinkForm(PageForm):
    name = text_field("Where will you share it?", max_length=80, attrs={"placeholder": "Newsletter, December"})


class PayoutForm(PageForm):
    """Empty amount: all there is. Empty method: by arrangement with the site."""

    def __init__(self, *args: Any, currency: str, methods: Sequence[tuple[str, str]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["amount"] = AmountField(currency=currency, label="Amount", required=False)
        choices = [*methods, ("", "By arrangement with the site")]
        self.fields["method"] = forms.ChoiceField(label="To", choices=choices, required=False)


class BankForm(PageForm):
    account_holder = text_field("Account holder", autocomplete="name", max_length=120)
    account_number = text_field("Account number or IBAN", max_length=40, attrs={"class": "mono"})
    bank_code = text_field("Bank code", max_length=15, help_text="IFSC, SWIFT or sort code", attrs={"class": "mono"})
    bank_name = text_field("Bank", max_length=80, required=False)


class UpiForm(PageForm):
    vpa = text_field("UPI address", max_length=130, help_text="Such as name@bank", attrs={"class": "mono"})


class CryptoForm(PageForm):
    network = forms.ChoiceField(label="Network", choices=CryptoAddress.Network.choices)
    address = text_field(
        "Address", max_length=90, attrs={"class": "mono", "spellcheck": "false", "autocapitalize": "off"}
    )


# The pages are in English; news and mail are in each language of apps.notifications.words.
LOCALES = [
    ("en-IN", "English (India)"), ("en-GB", "English (UK)"), ("en-US", "English (US)"),
    ("hi-IN", "हिन्दी (भारत), news and mail"),
]  # fmt: skip


class ProfileForm(PageForm):
    full_name = text_field("Name", autocomplete="name", max_length=120)
    locale = forms.ChoiceField(label="Language and region", choices=LOCALES)


class PasswordForm(PageForm):
    old_password = password_field("Present password")
    new_password = password_field("New password", new=True, help_text="8 characters or more, not only digits")


def secret_field(label: str, **kwargs: Any) -> forms.CharField:
    """Typed once, and never filled in again by us or a browser."""
    widget = forms.PasswordInput(attrs={"autocomplete": "off", "spellcheck": "false"})
    return forms.RegexField(r"^[\x21-\x7e]+\Z", label=label, widget=widget, **kwargs)


class BrokerForm(PageForm):
    broker_name = forms.ChoiceField(label="Broker")
    client_id = forms.RegexField(r"^[A-Za-z0-9._-]+\Z", label="Client id", max_length=64)
    api_key = secret_field("API key", max_length=1024)
    api_secret = secret_field(
        "API secret", max_length=4096, required=False, help_text="The token of a session there. Without it nobody is asked.",
    )  # fmt: skip

    def __init__(self, *args: Any, brokers: Sequence[str], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["broker_name"].choices = [(name, name) for name in brokers]  # type: ignore[attr-defined]


class ReportForm(PageForm):
    report = forms.ChoiceField(label="Report")
    format = forms.ChoiceField(label="File", choices=[("pdf", "PDF"), ("xlsx", "XLSX")])
    date_from = forms.DateField(label="From", required=False, widget=forms.DateInput(attrs={"type": "date"}))
    date_to = forms.DateField(label="To", required=False, widget=forms.DateInput(attrs={"type": "date"}))

    def __init__(self, *args: Any, reports: Sequence[str], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["report"].choices = [(name, name.capitalize()) for name in reports]  # type: ignore[attr-defined]

    def params(self) -> dict[str, Any]:
        days = {name: self.cleaned_data[name] for name in ("date_from", "date_to")}
        told = {name: self.cleaned_data[name] for name in ("report", "format")}
        return told | {name: day.isoformat() for name, day in days.items() if day}


class SubUserForm(PageForm):
    """Of a new one with e-mail and password; of one there is without."""

    email = email_field(autocomplete="off")
    full_name = text_field("Name", max_length=120, required=False)
    password = password_field("First password", new=True)
    allowed = forms.MultipleChoiceField(
        label="May", required=False, widget=forms.CheckboxSelectMultiple,
        choices=[("report_generation", "run reports"), ("form_download", "download forms"), ("statistics", "see all figures")],
    )  # fmt: skip

    def __init__(self, *args: Any, currency: str, is_new: bool = True, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["spending_limit"] = AmountField(
            currency=currency, label="Limit a month", required=False, help_text="Empty for no limit."
        )
        if not is_new:
            del self.fields["email"], self.fields["password"]
