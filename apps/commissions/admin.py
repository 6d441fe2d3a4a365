"""Plans and commissions in the back office. Everything is written by the services that the API uses."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from django import forms
from django.contrib import admin, messages
from django.db.models import Q, QuerySet
from django.forms.models import BaseInlineFormSet
from django.http import HttpRequest

from apps.commissions import engine, services
from apps.commissions.models import Commission, CommissionOutcome, PartnerOverride, PlanRule, PlanVersion
from apps.commissions.services.plans import TERMS, check_rules
from apps.core import money
from apps.core.errors import DomainError
from apps.rbac.access import access_of
from apps.referrals.admin import ReadOnlyAdmin


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
    model = PlanRule
    formset = PlanRuleFormSet
    fields = ("category", "level", "kind", "rate", "flat_amount", "cap")
    extra = 0


@admin.register(PlanVersion)
class PlanVersionAdmin(admin.ModelAdmin):
    """A draft is edited here; what is published is only looked at. The next draft is opened by an action."""

    list_display = ("__str__", "status", "depth", "base", "compression", "approval", "hold_days", "published_at")
    list_filter = ("status", "base", "compression", "approval")
    fields = (*TERMS, "status", "version", "currency", "published_at", "published_by")
    readonly_fields = ("status", "version", "currency", "published_at", "published_by")
    inlines = (PlanRuleInline,)
    actions = ("publish", "open_draft")
    ordering = ("-id",)
    show_full_result_count = False
    list_per_page = 50

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return (obj is None or not obj.is_published) and super().has_change_permission(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def save_model(self, request: HttpRequest, obj: PlanVersion, form: Any, change: bool) -> None:
        """Nothing yet: terms and rules are written together, by `save_related`."""

    def save_related(self, request: HttpRequest, form: Any, formsets: Sequence[Any], change: bool) -> None:
        terms, rules, actor = {name: form.cleaned_data[name] for name in TERMS}, formsets[0].rules(), _actor(request)
        if change:
            version = services.update_plan(plan=form.instance.plan, terms=terms, rules=rules, actor=actor)
        else:
            version = services.create_plan(terms=terms, rules=rules, actor=actor)
        form.instance.pk, form.instance.version = version.pk, version.version

    @admin.action(description="Publish: pay by it from now on", permissions=["change"])
    def publish(self, request: HttpRequest, queryset: QuerySet[PlanVersion]) -> None:
        for version in queryset.select_related("plan"):
            _try(self, request, version, lambda found: services.publish_plan(plan=found.plan, actor=_actor(request)))

    @admin.action(description="Open the next version as a draft", permissions=["change"])
    def open_draft(self, request: HttpRequest, queryset: QuerySet[PlanVersion]) -> None:
        for version in queryset.select_related("plan"):
            _try(
                self,
                request,
                version,
                lambda found: services.update_plan(plan=found.plan, terms={}, rules=None, actor=_actor(request)),
            )


class ByCodeOrId:
    """Search by what an index finds: a referral code, or a whole id."""

    id_fields: tuple[str, ...] = ()

    def get_search_results(self, request: HttpRequest, queryset: Any, search_term: str) -> tuple[Any, bool]:
        term = search_term.strip()
        if not term:
            return queryset, False
        found = Q(partner__code=term.upper())
        try:
            pk = UUID(term)
        except ValueError:
            return queryset.filter(found), False
        for name in self.id_fields:
            found |= Q(**{name: pk})
        return queryset.filter(found), False


@admin.register(PartnerOverride)
class PartnerOverrideAdmin(ByCodeOrId, ReadOnlyAdmin):
    """Rates of their own are set over the API, where all of a partner's are one."""

    list_display = ("partner", "category", "level", "kind", "value", "cap", "started_at", "ended_at")
    list_filter = ("kind", ("ended_at", admin.EmptyFieldListFilter))
    list_select_related = ("partner",)
    search_fields = ("partner__code",)
    search_help_text = "A referral code."
    ordering = ("-id",)


@admin.register(Commission)
class CommissionAdmin(ByCodeOrId, ReadOnlyAdmin):
    list_display = ("created_at", "kind", "partner", "level", "category", "worth", "rule", "status", "hold_until", "plan")
    list_filter = ("status", "kind", "level", "earned_at")
    list_select_related = ("partner", "version")
    search_fields = ("partner__code",)
    id_fields = ("order_id", "pk")
    search_help_text = "A referral code, or the id of an order or commission."
    actions = ("approve",)
    ordering = ("-id",)

    def has_approve_permission(self, request: HttpRequest) -> bool:
        return access_of(request).at_site("commission.approve")

    @admin.display(description="amount", ordering="amount")
    def worth(self, commission: Commission) -> str:
        return money.format_money(commission.amount, commission.currency)

    @admin.display(description="rule")
    def rule(self, commission: Commission) -> str:
        own = " (own rate)" if commission.override else ""
        if commission.rate is not None:
            return f"{commission.rate * 100:f}".rstrip("0").rstrip(".") + f" %{own}"
        return money.format_money(commission.flat_amount or 0, commission.currency) + f" each{own}"

    @admin.display(description="plan")
    def plan(self, commission: Commission) -> str:
        return str(commission.version)

    @admin.action(description="Approve, into the partner's earnings", permissions=["approve"])
    def approve(self, request: HttpRequest, queryset: QuerySet[Commission]) -> None:
        ids = list(queryset.values_list("pk", flat=True)[:1000])
        decided = services.approve_commissions(ids=ids, actor=_actor(request))
        self.message_user(request, f"{len(decided.approved)} approved, {len(decided.refused)} refused.")


@admin.register(CommissionOutcome)
class CommissionOutcomeAdmin(ByCodeOrId, ReadOnlyAdmin):
    """Why a level of a line pays nothing."""

    list_display = ("order_id", "line_id", "level", "partner", "reason", "version")
    list_filter = ("reason", "level")
    list_select_related = ("partner", "version")
    search_fields = ("partner__code",)
    id_fields = ("order_id",)
    search_help_text = "A referral code, or the id of an order."
    ordering = ("-id",)


def _actor(request: HttpRequest) -> Any:
    return request.user


def _try(model_admin: Any, request: HttpRequest, target: Any, act: Any) -> None:
    """One that is refused says so and holds up no other."""
    try:
        act(target)
    except DomainError as error:
        model_admin.message_user(request, f"{target}: {error.message}", messages.ERROR)
    else:
        model_admin.message_user(request, f"{target}: done.", messages.SUCCESS)
