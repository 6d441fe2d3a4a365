"""How values look on a page: money, times, states, links to the same list (design: README.md, Principles)."""

from datetime import date, datetime
from decimal import Decimal
from typing import Any

from django import template
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString

from apps.core import money as amounts
from apps.referrals.selectors import masked_email

register = template.Library()

# A state's word, where it is not the machine value with a capital.
WORDS = {
    "requested": "Asked for",
    "completed": "Paid",
    "credited": "Paid to wallet",
    "partially_refunded": "Partly refunded",
}
LOOKS = {
    "failed": "rejected",
    "refunded": "reversed",
    "partially_refunded": "reversed",
}


@register.filter
def money(amount: int, currency: str) -> str:
    """₹1,23,456.78 as plain text, for sentences."""
    return amounts.format_money(amount, currency)


@register.filter
def figure(amount: int, currency: str) -> SafeString:
    """The same with its minor part small, for columns and headlines."""
    text = amounts.format_money(amount, currency)
    if not amounts.exponent(currency):
        return format_html('<span class="money">{}</span>', text)
    whole, _, minor = text.rpartition(".")
    return format_html('<span class="money">{}<small>.{}</small></span>', whole, minor)


@register.filter
def headline(amount: int, currency: str) -> SafeString:
    """The one big amount of a page."""
    return SafeString(figure(amount, currency).replace('class="money"', 'class="money big"', 1))


@register.filter
def whole(amount: int, currency: str) -> str:
    """Without the minor part, for axes and round figures."""
    text = amounts.format_money(amount, currency)
    return text.rpartition(".")[0] if amounts.exponent(currency) else text


@register.filter
def rounded(amount: int, currency: str) -> str:
    """Minor units shown only when there are some: ₹100, ₹99.50."""
    unit = 10 ** amounts.exponent(currency)
    return whole(amount, currency) if amount % unit == 0 else amounts.format_money(amount, currency)


@register.filter
def signed(amount: int, currency: str) -> str:
    """+₹5.00 or −₹5.00, for a column of movements."""
    return f"{'+' if amount > 0 else ''}{amounts.format_money(amount, currency)}"


@register.filter
def exact_money(amount: Decimal, currency: str) -> str:
    """An amount before rounding, ₹89.396; never fewer decimals than the currency has."""
    places = amounts.exponent(currency)
    units = abs(amount).scaleb(-places)
    whole_part, _, decimals = f"{units:f}".partition(".")
    text = amounts.format_money(int(whole_part) * 10**places, currency)
    head = text.rpartition(".")[0] if places else text
    decimals = decimals.rstrip("0").ljust(places, "0")
    return f"{amounts.MINUS if amount < 0 else ''}{head}{'.' + decimals if decimals else ''}"


@register.filter
def rounding(amount: Decimal, currency: str) -> str:
    """What rounding added or took: "+ ₹0.004"."""
    return f"{'−' if amount < 0 else '+'} {exact_money(abs(amount), currency)}"


@register.filter
def percent(rate: Decimal | float) -> str:
    """0.125 → "12.5 %"."""
    text = f"{Decimal(str(rate)) * 100:.2f}".rstrip("0").rstrip(".")
    return f"{text}\N{NO-BREAK SPACE}%"


@register.filter
def about(rate: Decimal | float) -> str:
    """A rate that was measured: 0.40625 → "40.6 %"."""
    return f"{Decimal(str(rate)) * 100:.1f}".removesuffix(".0") + "\N{NO-BREAK SPACE}%"


@register.filter
def count(number: int) -> str:
    """1234 → "1,234"."""
    return f"{number:,}"


def _local(value: datetime | date) -> datetime | date:
    return timezone.localtime(value) if isinstance(value, datetime) else value


def _time(value: datetime | date, text: str) -> SafeString:
    return format_html('<time datetime="{}">{}</time>', value.isoformat(), text)


def _this_year(local: datetime | date) -> bool:
    return local.year == timezone.localdate().year


@register.filter
def day(value: datetime | date | None) -> SafeString | str:
    """14 Nov; with the year when it is not this one."""
    if value is None:
        return ""
    local = _local(value)
    return _time(value, f"{local.day} {local:%b}" if _this_year(local) else f"{local.day} {local:%b %Y}")


@register.filter
def moment(value: datetime | None) -> SafeString | str:
    """14 Nov, 11:20."""
    if value is None:
        return ""
    local = _local(value)
    text = f"{local.day} {local:%b}, {local:%H:%M}" if _this_year(local) else f"{local.day} {local:%b %Y, %H:%M}"
    return _time(value, text)


@register.filter
def clock(value: datetime) -> str:
    """09:15."""
    return f"{_local(value):%H:%M}"


@register.filter
def long_day(value: datetime | date | None) -> SafeString | str:
    """1 July 2026."""
    if value is None:
        return ""
    local = _local(value)
    return _time(value, f"{local.day} {local:%B %Y}")


@register.filter
def weekday(value: datetime | date | None) -> SafeString | str:
    """Monday 23 November: for the days somebody waits for."""
    if value is None:
        return ""
    local = _local(value)
    year = "" if _this_year(local) else f" {local:%Y}"
    return _time(value, f"{local:%A} {local.day} {local:%B}{year}")


@register.simple_tag
def badge(status: str, word: str = "") -> SafeString:
    """A state as word, sign and colour."""
    status = str(status)
    shown = word or WORDS.get(status) or status.replace("_", " ").capitalize()
    return format_html('<span class="badge" data-status="{}">{}</span>', LOOKS.get(status, status), shown)


@register.filter
def masked(email: str) -> str:
    return masked_email(email)


@register.filter
def initials(name: str) -> str:
    """ "Meera Krishnan" → "MK"."""
    words = [word for word in name.replace("@", " ").split() if word[:1].isalnum()]
    return "".join(word[0] for word in ([*words[:1], *words[-1:]] if len(words) > 1 else words)).upper() or "?"


@register.simple_tag(takes_context=True)
def query(context: Any, **changes: Any) -> str:
    """The present address with some parameters changed; None or "" drops one."""
    params = context["request"].GET.copy()
    for name, value in changes.items():
        params.pop(name, None)
        if value not in {None, ""}:
            params[name] = value
    text = params.urlencode()
    return f"?{text}" if text else context["request"].path


@register.simple_tag(takes_context=True)
def here(context: Any, **changes: Any) -> str:
    """The present page of a list with something added, such as which row is open."""
    params = context["request"].GET.copy()
    for name, value in changes.items():
        params[name] = str(value)
    return f"?{params.urlencode()}"


@register.filter
def category(name: str) -> str:
    """A category as people read it; `*` stands for all that have no rule of their own."""
    return "Anything else" if name == "*" else name.replace("_", " ").replace("-", " ").capitalize()
