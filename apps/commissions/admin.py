"""Plans and commissions in the back office. Everything is written by the services that the API uses."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from django import forms
from django.contrib import admin
from django.db.models import Q, QuerySet
from django.forms.models import BaseInlineFormSet
from django.http import HttpRequest
from django.utils import timezone

from apps.commissions import engine, services
from apps.commissions.models import (
    Commission,
    CommissionOutcome,
    CommissionPlan,
    PartnerOverride,
    PlanRule,
    PlanVersion,
)
from apps.commissions.services.plans import TERMS, check_rules
from apps.core.backoffice import (
    Outcome,
    ReasonForm,
    UplineModelAdmin,
    amount_field,
    amount_text,
    attempt,
    badge,
    decision,
    may,
    money,
    named,
)
from apps.core.errors import DomainError
from apps.core.money import format_money
from apps.sites.selectors import currency_of_site

READ, CREATE, UPDATE = ("commission.read",), ("commission.create",), ("commission.update",)
APPROVE = ("commission.approve",)


class PlanRuleFormSet(BaseInlineFormSet):
    """The rules of a draft as the engine knows them; `clean` refuses what the service would."""

    def rules(self) -> list[engine.Rule]:
        kept = [form for form in self.forms if form.cleaned_data and not form.cleaned_data.get("DELETE")]
        return [form.instance.to_engine() for form in kept]

    def clean(self) -> None:
        super().clean()
        if any(form.errors for form in self.forms):
            return
        try:
            check_rules(self.rules(), depth=self.instance.depth or engine.MAX_DEPTH)
        except DomainError as error:
            raise forms.ValidationError(error.message) from error


class PlanRuleInline(admin.TabularInline):
    """Part of its version: whoever may change that may change these."""

    model = PlanRule
    formset = PlanRuleFormSet
    fields = ("category", "level", "kind", "rate", "flat_amount", "cap")
    verbose_name_plural = "rules"
    extra = 0

    readonly_fields = ("pays", "most")

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        """Published, a rule is read: its rate as a percentage, its amounts with their currency."""
        return self.fields if self.has_change_permission(request, obj) else ("category", "level", "pays", "most")

    @admin.display(description="pays")
    def pays(self, rule: PlanRule) -> str:
        return _pays(rule.rate, rule.flat_amount, currency_of_site(rule))

    @admin.display(description="at most")
    def most(self, rule: PlanRule) -> str:
        return amount_text(rule.cap, currency_of_site(rule))

    def get_extra(self, request: HttpRequest, obj: Any = None, **kwargs: Any) -> int:
        """One empty row: it is left out when it stays empty, and without script it is the way to add one."""
        return 1 if self.has_change_permission(request, obj) else 0

    def formfield_for_dbfield(self, db_field: Any, request: Any, **kwargs: Any) -> Any:
        if db_field.name in {"flat_amount", "cap"}:
            return amount_field(db_field, currency_of_site())
        return super().formfield_for_dbfield(db_field, request, **kwargs)

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return True

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return may(request, UPDATE if obj else CREATE) and not (obj and obj.is_published)

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.has_change_permission(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.has_change_permission(request, obj)


@admin.register(PlanVersion)
class PlanVersionAdmin(UplineModelAdmin):
    """A draft is edited here; what is published is only looked at. The next draft is opened by an action."""

    plural = "Plans"
    view_keys = (*READ, *CREATE)
    add_keys = CREATE
    change_keys = UPDATE
    editable = TERMS
    list_display = ("name", "version", "state", "depth", "base", "compression", "approval", "hold_days", "published_at")
    list_filter = ("status", "base", "compression", "approval")
    fields = (*TERMS, "status", "version", "currency", "published_at", "published_by")
    readonly_fields = ("status", "version", "currency", "published_at", "published_by")
    money_fields = ("minimum",)
    inlines = (PlanRuleInline,)
    actions = ("publish", "open_draft")
    search_prefixes = ("name",)
    search_help_text = "The beginning of a name"
    intro = "The newest published version is what the next order is paid by. Published ones never change."
    add_word = "New plan"
    empty_text = "Make the first plan, look it over, publish it. Nothing is paid before."

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        """A new one has no state, version or date to show."""
        return list(TERMS) if obj is None else super().get_fields(request, obj)

    def currency_of(self, row: Any) -> str:
        return currency_of_site(row)

    def offers(self, action: str, obj: PlanVersion) -> bool:
        return obj.is_published == (action == "open_draft")

    @admin.display(description="status", ordering="status")
    def state(self, version: PlanVersion) -> str:
        return badge("approved" if version.is_published else "pending", version.get_status_display())

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return not (obj and obj.is_published) and super().has_change_permission(request, obj)

    def save_model(self, request: HttpRequest, obj: PlanVersion, form: Any, change: bool) -> None:
        """Nothing yet: terms and rules are written together, by `save_related`."""

    def save_related(self, request: HttpRequest, form: Any, formsets: Sequence[Any], change: bool) -> None:
        actor: Any = request.user
        terms, rules = {name: form.cleaned_data[name] for name in TERMS}, formsets[0].rules()
        if change:
            version = services.update_plan(plan=form.instance.plan, terms=terms, rules=rules, actor=actor)
        else:
            version = services.create_plan(terms=terms, rules=rules, actor=actor)
        form.instance.pk, form.instance.version = version.pk, version.version

    def construct_change_message(self, request: HttpRequest, form: Any, formsets: Any, add: bool = False) -> Any:
        """The audit has it, and the formset, which was not saved, can't tell."""
        return []

    @decision("Publish: pay by it from now on", needs="change", done="plan{s} published")
    def publish(self, request: HttpRequest, rows: QuerySet[PlanVersion], reason: str) -> Outcome:
        actor: Any = request.user
        return attempt(
            rows.select_related("plan"), lambda version: services.publish_plan(plan=version.plan, actor=actor)
        )

    @decision("Open the next version as a draft", needs="change", done="draft{s} opened")
    def open_draft(self, request: HttpRequest, rows: QuerySet[PlanVersion], reason: str) -> Outcome:
        actor: Any = request.user

        def act(version: PlanVersion) -> None:
            services.update_plan(plan=version.plan, terms={}, rules=None, actor=actor)

        return attempt(rows.select_related("plan"), act)


@admin.register(CommissionPlan)
class CommissionPlanAdmin(UplineModelAdmin):
    plural = "Plan ids"
    view_keys = READ
    list_display = ("id", "created_at")
    intro = "What all versions of a plan share: its id, by which the API knows it."


class ByOrder(UplineModelAdmin):
    """A whole id may also be that of the order."""

    def get_search_results(self, request: HttpRequest, queryset: Any, search_term: str) -> tuple[Any, bool]:
        try:
            pk = UUID(search_term.strip())
        except ValueError:
            return super().get_search_results(request, queryset, search_term)
        return queryset.filter(Q(pk=pk) | Q(order_id=pk)), False


@admin.register(PartnerOverride)
class PartnerOverrideAdmin(UplineModelAdmin):
    """Rates of their own are set over the API, where all of a partner's are one."""

    plural = "Own rates"
    view_keys = READ
    list_display = ("partner", "category", "level", "kind", "pays", "cap_shown", "started_at", "ended_at")
    money_fields = ("flat_amount", "cap")
    cap_shown = money("cap")
    intro = "Rates that single partners have of their own, in place of the plan's."
    empty_text = "Everybody is paid by the plan."
    list_filter = ("kind", ("ended_at", admin.EmptyFieldListFilter))
    list_select_related = ("partner",)
    search_prefixes = ("partner__code",)
    search_help_text = "The beginning of a partner's code"

    def currency_of(self, row: Any) -> str:
        return currency_of_site(row)

    @admin.display(description="value")
    def pays(self, override: PartnerOverride) -> str:
        return _pays(override.rate, override.flat_amount, currency_of_site(override))


def _pays(rate: Any, flat_amount: int | None, currency: str) -> str:
    if rate is not None:
        return f"{rate * 100:f}".rstrip("0").rstrip(".") + " %"
    return f"{format_money(flat_amount or 0, currency)} each"


class ReadyFilter(admin.SimpleListFilter):
    """Pending ones apart by whether somebody may decide them yet."""

    title = "hold"
    parameter_name = "ready"

    def lookups(self, request: Any, model_admin: Any) -> list[tuple[str, str]]:
        return [("yes", "To approve, hold over"), ("no", "Still held")]

    def queryset(self, request: Any, queryset: QuerySet[Commission]) -> QuerySet[Commission]:
        pending = queryset.filter(status=Commission.Status.PENDING)
        if self.value() == "yes":
            return pending.filter(hold_until__lte=timezone.now())
        return pending.filter(hold_until__gt=timezone.now()) if self.value() == "no" else queryset


FIRST = {
    "kind", "partner", "level", "amount_shown", "status", "hold_until", "earned_at", "approved_at", "paid_at", "closed_at",
    "rejected_reason", "order", "version",
}  # fmt: skip


def _name(field: Any) -> str:
    return field if isinstance(field, str) else str(field.__name__)


@admin.register(Commission)
class CommissionAdmin(ByOrder):
    view_keys = (*READ, *APPROVE)
    list_display = (
        "who", "amount_shown", "state", "level", "kind", "category", "rule", "earned_at", "hold_until", "version",
    )  # fmt: skip
    list_select_related = ("partner", "user", "version")
    list_filter = ("status", ReadyFilter, "kind", "level", "earned_at")
    search_prefixes = ("user__partners__code", "user__email")
    search_help_text = "Partner's code, e-mail, or an order's id"
    money_fields = ("amount", "original_amount", "reversed_amount", "base_amount", "flat_amount", "cap", "refunded_before",
                    "refunded_after")  # fmt: skip
    action_form = ReasonForm
    actions = ("approve", "reject")
    scope_by = "user_id"
    exclude = ("rate", "flat_amount", "rule_kind")
    readonly_fields = ("rule",)
    intro = "What partners earned, one row for each line, level and partner."
    empty_text = "They follow from paid orders, a moment after the shop has reported them."
    amount_shown = money("amount")

    @admin.display(description="status", ordering="status")
    def state(self, commission: Commission) -> str:
        return badge(commission.status, commission.get_status_display())

    @admin.display(description="partner", ordering="partner__code")
    def who(self, commission: Commission) -> str:
        return named(commission.user, commission.partner.code)

    @admin.display(description="rule")
    def rule(self, commission: Commission) -> str:
        own = ", own rate" if commission.override else ""
        return _pays(commission.rate, commission.flat_amount, commission.currency) + own

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        """What it is worth first, then how it came about."""
        names = list(self.get_fields(request, obj))
        first = [name for name in names if _name(name) in FIRST]
        return [(None, {"fields": first}), ("How it was worked out", {"fields": [n for n in names if n not in first]})]

    def has_decide_permission(self, request: HttpRequest) -> bool:
        return self.may(request, *APPROVE)

    @decision("Approve, into the partners' earnings", needs="decide", done="approved", keys=APPROVE, moves_money=True)
    def approve(self, request: HttpRequest, rows: QuerySet[Commission], reason: str) -> Outcome:
        actor: Any = request.user
        found = {row.pk: row for row in rows}
        decided = services.approve_commissions(ids=list(found), actor=actor)
        now = timezone.now()

        def why(row: Commission, code: str) -> str:
            if code == "partner_frozen":
                return "the partner is frozen"
            held = row.status == Commission.Status.PENDING and row.hold_until > now
            return "still held" if held else "decided before"

        return Outcome(len(decided.approved), [(str(found[pk]), why(found[pk], code)) for pk, code in decided.refused])

    @decision("Reject, with a reason", needs="decide", done="rejected", keys=APPROVE, reason=True)
    def reject(self, request: HttpRequest, rows: QuerySet[Commission], reason: str) -> Outcome:
        actor: Any = request.user
        return attempt(rows, lambda row: services.reject_commission(commission=row, reason=reason, actor=actor))

    def related_history(self, obj: Commission) -> list[tuple[str, Any]]:
        return [("orders.order", obj.order_id)]

    def title_of(self, obj: Commission) -> str:
        return f"{format_money(obj.amount, obj.currency)} to {obj.user}"

    def note_of(self, obj: Commission) -> str:
        return f"{obj.category}, level {obj.level}, {obj.partner.code}"

    def offers(self, action: str, obj: Commission) -> bool:
        return bool(obj.status == Commission.Status.PENDING)


@admin.register(CommissionOutcome)
class CommissionOutcomeAdmin(ByOrder):
    """Why a level of a line pays nothing."""

    plural = "Levels that pay nothing"
    view_keys = READ
    list_display = ("order", "line", "level", "partner", "reason", "version")
    intro = "Levels of a sale that pay nobody, each with its reason."
    list_filter = ("reason", "level")
    list_select_related = ("order", "line", "partner", "version")
    search_prefixes = ("partner__code",)

    def title_of(self, obj: CommissionOutcome) -> str:
        return f"Level {obj.level}: {obj.get_reason_display().lower()}"
