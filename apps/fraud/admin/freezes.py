"""Freezes in the back office: the radius is shown, then exactly that is frozen, and lifted with a reason."""

from typing import Any
from uuid import UUID

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import Count, QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import path, reverse

from apps.core.backoffice import Outcome, ReasonForm, UplineModelAdmin, attempt, badge, decision, may, money, named
from apps.core.backoffice.columns import amount_text
from apps.core.backoffice.filters import TypedFilter
from apps.core.errors import DomainError
from apps.fraud import services
from apps.fraud.models import Freeze, FreezeItem, Review
from apps.fraud.services.freezing import FREEZES_BONUSES
from apps.rbac.access import access_of
from apps.referrals.admin import PartnerAdmin
from apps.referrals.models import Partner

DECIDE = ("affiliate.manage",)
READ = (*DECIDE, FREEZES_BONUSES)


class FreezeForm(forms.Form):
    """Why, and who of those that share something is frozen along."""

    reason = forms.CharField(label="Reason", max_length=500, help_text="Kept with the freeze and in the audit.")
    also = forms.TypedMultipleChoiceField(
        label="Freeze along", required=False, coerce=UUID, widget=forms.CheckboxSelectMultiple,
        help_text="They share something with the partner. Nobody is frozen along unless you choose them.",
    )  # fmt: skip

    def __init__(self, radius: services.Radius, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        choices = [(str(each.partner.pk), _words(each)) for each in radius.shared]
        if choices:
            self.fields["also"].choices = choices  # type: ignore[attr-defined]
        else:
            del self.fields["also"]


def _words(each: services.Shared) -> str:
    return f"{each.partner.user}, {each.partner.code}: {', '.join(each.reasons)}"


@admin.register(Freeze)
class FreezeAdmin(UplineModelAdmin):
    view_keys = READ
    intro = "Who was frozen, why, and what depended on them. Nothing is released by itself: a person lifts a freeze."
    empty_text = "A partner is frozen from their own page."
    list_display = ("number", "who", "state", "reason", "by", "created_at", "lifted_at")
    list_filter = ("status",)
    list_select_related = ("partner__user", "created_by")
    search_prefixes = ("partner__code", "partner__user__email")
    search_help_text = "The beginning of a code or e-mail"
    action_form = ReasonForm
    actions = ("lift",)
    fields = (
        "number", "who", "state", "reason", "by", "created_at", "lifted_by", "lifted_at", "lift_reason", "touched",
    )  # fmt: skip
    readonly_fields = ("number", "who", "state", "by", "touched")

    @admin.display(description="freeze")
    def number(self, row: Freeze) -> str:
        return str(row)

    @admin.display(description="partner")
    def who(self, row: Freeze) -> str:
        return named(row.partner.user, row.partner.code)

    @admin.display(description="status", ordering="status")
    def state(self, row: Freeze) -> str:
        return badge(row.tone, row.get_status_display())

    @admin.display(description="by")
    def by(self, row: Freeze) -> str:
        return str(row.created_by or "System")

    @admin.display(description="what it touched")
    def touched(self, row: Freeze) -> str:
        counts = dict(row.items.order_by().values_list("kind").annotate(n=Count("pk")))
        return ", ".join(
            f"{label.lower()}: {counts[kind]}" for kind, label in FreezeItem.Kind.choices if kind in counts
        )

    def note_of(self, obj: Freeze) -> str:
        return f"{obj.partner.user}, {obj.get_status_display().lower()}"

    def related_history(self, obj: Freeze) -> list[tuple[str, Any]]:
        return [("referrals.partner", obj.partner_id)]

    def row_links(self, request: HttpRequest, obj: Any) -> list[tuple[str, str]]:
        listed = f"{reverse('admin:fraud_freezeitem_changelist')}?of_freeze={obj.pk}"
        return [("What it touched", listed), *super().row_links(request, obj)]

    def offers(self, action: str, obj: Freeze) -> bool:
        return obj.status == Freeze.Status.ACTIVE

    def has_lift_permission(self, request: HttpRequest) -> bool:
        return self.may(request, *DECIDE)

    @decision("Lift", needs="lift", done="freeze{s} lifted", reason=True)
    def lift(self, request: HttpRequest, rows: QuerySet[Freeze], reason: str) -> Outcome:
        actor: Any = request.user
        bonuses = access_of(request).at_site(FREEZES_BONUSES)
        return attempt(rows, lambda row: services.lift_freeze(freeze=row, reason=reason, actor=actor, bonuses=bonuses))

    def get_urls(self) -> list[Any]:
        view = self.admin_site.admin_view(self.freeze_view)
        return [path("partner/<uuid:pk>/", view, name="fraud_freeze_partner"), *super().get_urls()]

    def freeze_view(self, request: HttpRequest, pk: Any) -> HttpResponse:
        """First the radius; what is sent back with its digest is frozen, if it is still the same. `?review=` is confirmed by it,
        with the signals whose digest is `?seen=`."""
        if not may(request, DECIDE):
            raise PermissionDenied
        partner = Partner.objects.people().filter(pk=pk).select_related("user").first()
        if partner is None:
            raise Http404
        if partner.status == Partner.Status.FROZEN:
            messages.error(request, "This partner is frozen already.")
            return HttpResponseRedirect(reverse("admin:referrals_partner_change", args=[pk]))
        review = _review(request, partner)
        bonuses = access_of(request).at_site(FREEZES_BONUSES)
        found = services.radius(partner, bonuses=bonuses)
        form = FreezeForm(found, request.POST or None)
        if request.method == "POST" and form.is_valid():
            try:
                with transaction.atomic():
                    return self._freeze(request, partner, review, form.cleaned_data, bonuses=bonuses)
            except DomainError as error:
                form.add_error(None, error.message)
        context = {
            **self.admin_site.each_context(request), "opts": self.opts, "title": "Freeze a partner", "original": partner,
            "form": form, "radius": found, "totals": _rows(found), "bonuses": bonuses, "review": review,
        }  # fmt: skip
        return TemplateResponse(request, "admin/tools/freeze.html", context)

    def _freeze(
        self, request: HttpRequest, partner: Partner, review: Review | None, wanted: dict[str, Any], *, bonuses: bool
    ) -> HttpResponse:
        actor: Any = request.user
        if review is not None:
            services.confirm_review(
                review=review, reason=wanted["reason"], actor=actor, also=wanted.get("also", []), bonuses=bonuses,
                seen=request.GET.get("seen", "")[:32], radius_seen=request.POST.get("seen", "")[:32],
            )  # fmt: skip
            messages.success(request, f"{partner.user} is frozen, with what depends on them.")
            return HttpResponseRedirect(reverse("admin:fraud_review_change", args=[review.pk]))
        freeze = services.freeze_partner(
            partner=partner, reason=wanted["reason"], actor=actor, also=wanted.get("also", []), bonuses=bonuses,
            seen=request.POST.get("seen", "")[:32],
        )  # fmt: skip
        messages.success(request, f"{partner.user} is frozen, with what depends on them.")
        return HttpResponseRedirect(reverse("admin:fraud_freeze_change", args=[freeze.pk]))


def _review(request: HttpRequest, partner: Partner) -> Review | None:
    """The open review that this page was come to from."""
    try:
        pk = UUID(request.GET.get("review", ""))
    except ValueError:
        return None
    review = Review.objects.filter(pk=pk, partner=partner, status=Review.Status.OPEN).first()
    if review is None:
        raise Http404
    return review


_BECOMES = {
    FreezeItem.Kind.PARTNER: "earns and refers nobody", FreezeItem.Kind.COMMISSION: "not approved, not paid out",
    FreezeItem.Kind.BONUS: "frozen", FreezeItem.Kind.PAYOUT: "not approved, not paid",
    FreezeItem.Kind.ALLOCATION: "not sent",
}  # fmt: skip


def _rows(found: services.Radius) -> list[dict[str, Any]]:
    return [
        {
            "name": FreezeItem.Kind(row["kind"]).label, "count": row["count"], "becomes": _BECOMES[row["kind"]],
            "amount": f"{row['tokens']} tokens" if row["tokens"] else amount_text(row["amount"], row["currency"]),
        }
        for row in found.totals
    ]  # fmt: skip


class OfFreezeFilter(TypedFilter):
    """What one freeze touched, by its id."""

    title = "freeze"
    inputs = (("of_freeze", "text", "A freeze's id"),)

    def queryset(self, request: Any, queryset: QuerySet[Any]) -> QuerySet[Any]:
        value = self.value("of_freeze")
        if not value:
            return queryset
        try:
            return queryset.filter(freeze_id=UUID(value))
        except ValueError:
            return queryset.none()


@admin.register(FreezeItem)
class FreezeItemAdmin(UplineModelAdmin):
    plural = "Frozen things"
    view_keys = READ
    intro = "What each freeze touched, as it was before."
    empty_text = "The first freeze brings some."
    list_display = ("name", "kind", "whose", "effect", "state_before", "amount_shown", "outcome_shown")
    list_filter = ("kind", "effect", "outcome", OfFreezeFilter)
    list_select_related = ("partner__user",)
    search_prefixes = ("partner__code",)
    search_help_text = "The beginning of a partner's code"
    money_fields = ("amount",)
    amount_shown = money("amount")

    @admin.display(description="partner")
    def whose(self, row: FreezeItem) -> str:
        return named(row.partner.user, row.partner.code)

    @admin.display(description="now", ordering="outcome")
    def outcome_shown(self, row: FreezeItem) -> str:
        tone = {"": "frozen", "restored": "approved", "left": "inactive"}[row.outcome]
        return badge(tone, FreezeItem.Outcome(row.outcome).label)


def _freeze_link(request: HttpRequest, partner: Partner) -> list[tuple[str, str]]:
    if partner.status == Partner.Status.FROZEN or not may(request, DECIDE):
        return []
    return [("Freeze…", reverse("admin:fraud_freeze_partner", args=[partner.pk]))]


PartnerAdmin.more_links.append(_freeze_link)
