"""Plans and commissions in the back office. Everything is written by the services that the API uses."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.helpers import ActionForm
from django.db.models import Q, QuerySet
from django.forms.models import BaseInlineFormSet
from django.http import HttpRequest

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
from apps.core.backoffice import UplineModelAdmin, attempt, badge, may, money
from apps.core.errors import DomainError, Invalid
from apps.core.money import format_money

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
    extra = 0

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

    view_keys = (*READ, *CREATE)
    add_keys = CREATE
    change_keys = UPDATE
    editable = TERMS
    list_display = ("name", "version", "state", "depth", "base", "compression", "approval", "hold_days", "published_at")
    list_filter = ("status", "base", "compression", "approval")
    fields = (*TERMS, "status", "version", "currency", "published_at", "published_by")
    readonly_fields = ("status", "version", "currency", "published_at", "published_by")
    inlines = (PlanRuleInline,)
    actions = ("publish", "open_draft")
    search_prefixes = ("name",)

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

    @admin.action(description="Publish: pay by it from now on", permissions=["change"])
    def publish(self, request: HttpRequest, queryset: QuerySet[PlanVersion]) -> None:
        actor: Any = request.user

        def act(version: PlanVersion) -> None:
            services.publish_plan(plan=version.plan, actor=actor)

        attempt(request, queryset.select_related("plan"), act, done="plans published")

    @admin.action(description="Open the next version as a draft", permissions=["change"])
    def open_draft(self, request: HttpRequest, queryset: QuerySet[PlanVersion]) -> None:
        actor: Any = request.user

        def act(version: PlanVersion) -> None:
            services.update_plan(plan=version.plan, terms={}, rules=None, actor=actor)

        attempt(request, queryset.select_related("plan"), act, done="drafts are open")


@admin.register(CommissionPlan)
class CommissionPlanAdmin(UplineModelAdmin):
    view_keys = READ
    list_display = ("id", "created_at")


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

    view_keys = READ
    list_display = ("partner", "category", "level", "kind", "value", "cap", "started_at", "ended_at")
    list_filter = ("kind", ("ended_at", admin.EmptyFieldListFilter))
    list_select_related = ("partner",)
    search_prefixes = ("partner__code",)


class DecisionForm(ActionForm):
    """Beside the list of actions: the reason of a rejection."""

    note = forms.CharField(label="Reason", max_length=500, required=False)


@admin.register(Commission)
class CommissionAdmin(ByOrder):
    view_keys = (*READ, *APPROVE)
    list_display = (
        "earned_at", "kind", "partner", "level", "category", "amount_shown", "rule", "state", "hold_until", "version",
    )  # fmt: skip
    list_select_related = ("partner", "version")
    list_filter = ("status", "kind", "level", "earned_at")
    search_prefixes = ("partner__code", "user__email")
    action_form = DecisionForm
    actions = ("approve", "reject")
    amount_shown = money("amount")

    @admin.display(description="status", ordering="status")
    def state(self, commission: Commission) -> str:
        return badge(commission.status, commission.get_status_display())

    @admin.display(description="rule")
    def rule(self, commission: Commission) -> str:
        own = ", own rate" if commission.override else ""
        if commission.rate is not None:
            return f"{commission.rate * 100:f}".rstrip("0").rstrip(".") + f" %{own}"
        return f"{format_money(commission.flat_amount or 0, commission.currency)} each{own}"

    def has_decide_permission(self, request: HttpRequest) -> bool:
        return may(request, APPROVE)

    @admin.action(description="Approve, into the partners' earnings", permissions=["decide"])
    def approve(self, request: HttpRequest, queryset: QuerySet[Commission]) -> None:
        actor: Any = request.user
        ids = list(queryset.values_list("pk", flat=True)[:1000])
        decided = services.approve_commissions(ids=ids, actor=actor)
        level = messages.WARNING if decided.refused else messages.SUCCESS
        messages.add_message(
            request, level, f"{len(decided.approved)} approved, {len(decided.refused)} could not be (held or decided)."
        )

    @admin.action(description="Reject, with a reason", permissions=["decide"])
    def reject(self, request: HttpRequest, queryset: QuerySet[Commission]) -> None:
        actor: Any = request.user
        reason = request.POST.get("note", "").strip()

        def act(commission: Commission) -> None:
            if not reason:
                raise Invalid("invalid", "Say why: write the reason beside the action.")
            services.reject_commission(commission=commission, reason=reason, actor=actor)

        attempt(request, queryset, act, done="commissions rejected")


@admin.register(CommissionOutcome)
class CommissionOutcomeAdmin(ByOrder):
    """Why a level of a line pays nothing."""

    view_keys = READ
    list_display = ("order", "line", "level", "partner", "reason", "version")
    list_filter = ("reason", "level")
    list_select_related = ("order", "line", "partner", "version")
    search_prefixes = ("partner__code",)
