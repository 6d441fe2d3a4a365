"""Bonuses to decide about, and the rules that make them (A13)."""

from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from apps.bonuses import services
from apps.bonuses.models import Bonus, BonusRule, DailyCount, Event, FirstEvent, ReportedRefund
from apps.core.backoffice import (
    DayRangeFilter,
    ExactFilter,
    Outcome,
    ReasonForm,
    SetByForm,
    UplineModelAdmin,
    attempt,
    badge,
    decision,
    json_text,
    money,
    named,
)
from apps.core.backoffice.fields import AmountField
from apps.core.money import format_money
from apps.sites.selectors import currency_of_site

READ, DECIDE, FREEZE = ("referral.history.view_all",), ("referral.payout.approve",), ("referral.bonus.freeze",)
SETTINGS = ("referral.settings.manage",)
_BECOMES = {
    "approve": "approved",
    "credit": "credited",
    "reject": "rejected",
    "freeze": "frozen",
    "unfreeze": "pending",
}


@admin.register(Bonus)
class BonusAdmin(UplineModelAdmin):
    view_keys = (*READ, *DECIDE, *FREEZE)
    intro = (
        "What first deposits and bids brought those who referred them. Frozen ones wait for a person to look at them."
    )
    empty_text = "The first deposit or bid of somebody who was referred brings one, once a rule says so."
    list_display = (
        "number", "event_shown", "amount_shown", "state", "why", "referrer_shown", "referred_shown", "created_at",
    )  # fmt: skip
    list_filter = (
        "status", "event_type", "source", "flagged_fraud", "approval_mode", DayRangeFilter,
        ExactFilter.of("device_id", title="device"), ExactFilter.of("ip_address", title="address"),
    )  # fmt: skip
    list_select_related = ("referrer", "referred")
    search_prefixes = ("referrer__email", "referred__email")
    search_help_text = "The beginning of an e-mail of either"
    action_form = ReasonForm
    actions = ("approve", "credit", "reject", "freeze", "unfreeze")
    fields = (
        "number", "event_shown", "referrer_shown", "referred_shown", "amount_shown", "reversed_shown", "state", "flag",
        "fraud_notes", "reason", "approval_mode", "worked_out", "device_id", "ip_address", "approved_by", "frozen_by",
        "created_at", "decided_at", "credited_at",
    )  # fmt: skip
    readonly_fields = (
        "number", "event_shown", "referrer_shown", "referred_shown", "amount_shown", "reversed_shown", "state", "flag",
        "worked_out",
    )  # fmt: skip
    amount_shown = money("amount")
    reversed_shown = money("reversed_amount", label="taken back")

    @admin.display(description="bonus")
    def number(self, row: Bonus) -> str:
        return str(row)

    @admin.display(description="event", ordering="event_type")
    def event_shown(self, row: Bonus) -> str:
        return f"{Event(row.event_type).label}, {row.get_source_display().lower()}"

    @admin.display(description="referrer")
    def referrer_shown(self, row: Bonus) -> str:
        return named(row.referrer, row.referrer.email)

    @admin.display(description="referred")
    def referred_shown(self, row: Bonus) -> str:
        return named(row.referred, row.referred.email)

    @admin.display(description="status", ordering="status")
    def state(self, row: Bonus) -> str:
        return badge(row.tone, row.get_status_display())

    @admin.display(description="fraud", ordering="flagged_fraud")
    def flag(self, row: Bonus) -> str:
        return badge("rejected", "Flagged") if row.flagged_fraud else ""

    @admin.display(description="flag and reason")
    def why(self, row: Bonus) -> str:
        return ". ".join(
            part for part in ("Flagged" if row.flagged_fraud else "", row.reason or row.fraud_notes) if part
        )

    @admin.display(description="how it was worked out")
    def worked_out(self, row: Bonus) -> str:
        rule = {f"rule {name}": value for name, value in row.explained["rule"].items()}
        return str(json_text(rule | {name: value for name, value in row.explained.items() if name != "rule"}))

    def note_of(self, obj: Bonus) -> str:
        return f"{format_money(obj.amount, obj.currency)} to {obj.referrer} for {obj.referred}"

    def offers(self, action: str, obj: Bonus) -> bool:
        return _BECOMES[action] in Bonus.TRANSITIONS.get(obj.status, ())

    def has_decide_permission(self, request: HttpRequest) -> bool:
        return self.may(request, *DECIDE)

    def has_freeze_permission(self, request: HttpRequest) -> bool:
        return self.may(request, *FREEZE)

    @decision("Approve", needs="decide", done="bonus{es} approved")
    def approve(self, request: HttpRequest, rows: QuerySet[Bonus], reason: str) -> Outcome:
        return _decide(request, rows, "approved", reason)

    @decision("Credit to earnings", needs="decide", done="bonus{es} credited", moves_money=True)
    def credit(self, request: HttpRequest, rows: QuerySet[Bonus], reason: str) -> Outcome:
        return _decide(request, rows, "credited", reason)

    @decision("Reject", needs="decide", done="bonus{es} rejected", reason=True)
    def reject(self, request: HttpRequest, rows: QuerySet[Bonus], reason: str) -> Outcome:
        return _decide(request, rows, "rejected", reason)

    @decision("Freeze", needs="freeze", done="bonus{es} frozen", reason=True)
    def freeze(self, request: HttpRequest, rows: QuerySet[Bonus], reason: str) -> Outcome:
        actor: Any = request.user
        return attempt(rows, lambda row: services.freeze_bonus(bonus=row, fraud_notes=reason, actor=actor))

    @decision("Unfreeze", needs="freeze", done="bonus{es} waiting again")
    def unfreeze(self, request: HttpRequest, rows: QuerySet[Bonus], reason: str) -> Outcome:
        actor: Any = request.user
        return attempt(rows, lambda row: services.unfreeze_bonus(bonus=row, fraud_notes=reason, actor=actor))


def _decide(request: HttpRequest, rows: QuerySet[Bonus], status: str, reason: str) -> Outcome:
    actor: Any = request.user
    return attempt(rows, lambda row: services.decide_bonus(bonus=row, status=status, reason=reason, actor=actor))


class RuleForm(forms.Form):
    """One type's rule from now on. Amounts are the present site's."""

    type = forms.ChoiceField(choices=BonusRule.Type.choices)
    kind = forms.ChoiceField(choices=BonusRule.Kind.choices)
    rate = forms.CharField(required=False, max_length=12, help_text="Percent: a fraction, 0.05 for five percent.")
    auto_credit = forms.BooleanField(required=False, label="Credit by itself", help_text="Unless it is flagged.")
    is_active = forms.BooleanField(required=False, initial=True, label="Switched on")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        amounts = {"flat_amount": "Fixed amount", "min_deposit": "Smallest deposit", "cap": "At most, of one bonus"}
        for name, label in amounts.items():
            self.fields[name] = AmountField(
                currency=currency_of_site(), minimum=1 if name == "cap" else 0, required=False, label=label
            )
        self.order_fields(["type", "kind", "rate", *amounts, "auto_credit", "is_active"])


@admin.register(BonusRule)
class BonusRuleAdmin(SetByForm):
    plural = "Bonus rules"
    view_keys = (*SETTINGS, *READ)
    add_keys = SETTINGS
    intro = "What each type of bonus pays. The newest version of a type is in force; earlier bonuses keep theirs."
    add_word = "Set a rule"
    empty_text = "Without a rule nothing is paid."
    list_display = (
        "type", "version", "kind", "value_shown", "min_shown", "cap_shown", "auto_credit", "is_active", "created_at",
    )  # fmt: skip
    list_filter = ("type", "is_active")
    money_fields = ("flat_amount", "min_deposit", "cap")
    min_shown, cap_shown = money("min_deposit", label="smallest deposit"), money("cap", label="at most")
    set_form = RuleForm

    def currency_of(self, row: Any) -> str:
        return currency_of_site(row)

    @admin.display(description="value")
    def value_shown(self, row: BonusRule) -> str:
        if row.kind == BonusRule.Kind.PERCENT:
            return str(row.value)
        return format_money(row.flat_amount or 0, currency_of_site(row))

    def _known(self) -> dict[str, Any]:
        return {}

    def set_by(self, **values: Any) -> Any:
        rate, flat = values.pop("rate"), values.pop("flat_amount")
        value = rate if values["kind"] == BonusRule.Kind.PERCENT else flat
        values["min_deposit"] = values["min_deposit"] or 0
        return services.set_rule(value=value if value is not None else "", **values)


@admin.register(FirstEvent)
class FirstEventAdmin(UplineModelAdmin):
    plural = "First events"
    view_keys = READ
    intro = "Whose first deposit or bid has been used, by a bonus or by the cap of a day. Once for ever."
    empty_text = "The first bonus uses one up."
    list_display = ("created_at", "person", "event_type", "event_ref", "used_by")
    list_filter = ("event_type", "used_by")
    list_select_related = ("user",)
    search_prefixes = ("user__email", "event_ref")
    search_help_text = "The beginning of an e-mail or of a transaction"

    @admin.display(description="person")
    def person(self, row: FirstEvent) -> str:
        return named(row.user, row.user.email)


@admin.register(ReportedRefund)
class ReportedRefundAdmin(UplineModelAdmin):
    plural = "Reported refunds"
    view_keys = READ
    intro = "What went back of deposits made elsewhere, as services reported it. Their bonuses follow, once per refund."
    empty_text = "A service reports one when a first deposit goes back."
    list_display = ("created_at", "deposit_ref", "refund_ref", "amount_shown")
    search_prefixes = ("deposit_ref",)
    search_help_text = "The beginning of a transaction"
    money_fields = ("amount",)
    amount_shown = money("amount")

    def currency_of(self, row: Any) -> str:
        return currency_of_site(row)


@admin.register(DailyCount)
class DailyCountAdmin(UplineModelAdmin):
    plural = "Bonuses a day"
    view_keys = READ
    intro = "How many bonuses each referrer was given on a day of the site. At the cap nothing more is created."
    empty_text = "The first bonus of a day begins to count."
    list_display = ("day", "person", "n")
    list_select_related = ("user",)
    search_prefixes = ("user__email",)
    search_help_text = "The beginning of an e-mail"

    @admin.display(description="referrer")
    def person(self, row: DailyCount) -> str:
        return named(row.user, row.user.email)
