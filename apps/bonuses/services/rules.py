"""What each type of bonus pays (A8). Setting a rule writes its next version; bonuses keep theirs."""

from decimal import Decimal

from django.db import transaction

from apps.audit import services as audit
from apps.bonuses.models import BonusRule
from apps.core import money
from apps.core.errors import Invalid
from apps.core.locks import hold
from apps.referrals.models import Partner

Kind = BonusRule.Kind


def rule_type(event_type: str, source: str) -> str:
    return f"agent_{event_type}" if source == Partner.Kind.AGENT else event_type


def rule_in_force(rule: str) -> BonusRule | None:
    """None where nobody has set one, or it is switched off."""
    found = BonusRule.objects.filter(type=rule).order_by("-version").first()
    return found if found is not None and found.is_active else None


@transaction.atomic
def set_rule(
    *, type: str, kind: str, value: str | int, min_deposit: int = 0, cap: int | None = None, auto_credit: bool = False,  # noqa: A002
    is_active: bool = True, actor: audit.Actor,
) -> BonusRule:  # fmt: skip
    """The rule of a type from now on. `value` is a fraction string for percent ("0.05"), minor units for fixed.

    The same again writes nothing. Raises Invalid naming the field.
    """
    if type not in BonusRule.Type.values:
        raise Invalid("invalid", "There is no such type of bonus.", field="type")
    rate, flat = _value(type, kind, value)
    values = {
        "kind": kind, "rate": rate, "flat_amount": flat, "min_deposit": min_deposit, "cap": cap, "auto_credit": auto_credit,
        "is_active": is_active,
    }  # fmt: skip
    hold(f"bonuses.rule.{type}")  # two who set the same type at once follow each other
    known = BonusRule.objects.filter(type=type).order_by("-version").first()
    if known is not None and all(getattr(known, name) == wanted for name, wanted in values.items()):
        return known
    rule = BonusRule.objects.create(type=type, version=known.version + 1 if known else 1, **values)
    audit.record(
        actor=actor, action="bonus_rule.set", target=rule, before=_said(known) if known else {}, after=_said(rule)
    )
    return rule


def _value(rule: str, kind: str, value: str | int) -> tuple[Decimal | None, int | None]:
    if kind == Kind.PERCENT:
        try:
            return money.parse_rate(value), None  # type: ignore[arg-type]
        except ValueError as error:
            raise Invalid("invalid", f"Percent: {error}.", field="value") from error
    if kind != Kind.FIXED:
        raise Invalid("invalid", "It is percent or fixed.", field="kind")
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= money.MAX_AMOUNT:
        raise Invalid("invalid", "Fixed: whole minor units.", field="value")
    return None, value


def _said(rule: BonusRule) -> dict[str, object]:
    return {
        "type": rule.type, "version": rule.version, "kind": rule.kind, "value": rule.value, "min_deposit": rule.min_deposit,
        "cap": rule.cap, "auto_credit": rule.auto_credit, "is_active": rule.is_active,
    }  # fmt: skip
