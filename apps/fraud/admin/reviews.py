"""The queue of reviews, and the settings that fill it. A review shows its score beside the thresholds, and what it is made of."""

from typing import Any
from urllib.parse import urlencode

from django import forms
from django.contrib import admin
from django.db.models import QuerySet, Sum
from django.http import HttpRequest
from django.template.loader import render_to_string
from django.urls import reverse

from apps.core.axes import share
from apps.core.backoffice import (
    DayRangeFilter,
    LinesField,
    Outcome,
    ReasonForm,
    SetByForm,
    UplineModelAdmin,
    attempt,
    badge,
    decision,
    may,
    named,
)
from apps.core.errors import Conflict
from apps.core.tenancy import reading_across
from apps.fraud import selectors, services
from apps.fraud.admin.freezes import DECIDE, READ
from apps.fraud.models import FraudSettings, Kind, Review, Signal
from apps.fraud.models.reviews import MOST_POINTS
from apps.fraud.services.freezing import FREEZES_BONUSES
from apps.fraud.services.settling import FIELDS
from apps.rbac.access import access_of
from apps.referrals.admin import PartnerAdmin
from apps.referrals.models import Partner


class DecideForm(ReasonForm):
    """On a review's page, with the digest of the signals that it shows."""

    seen = forms.CharField(required=False, widget=forms.HiddenInput)


@admin.register(Review)
class ReviewAdmin(UplineModelAdmin):
    plural = "Fraud reviews"
    view_keys = READ
    intro = (
        "Partners about whom so much was noticed that somebody should look. What is held or frozen stays so until a person "
        "decides."
    )
    empty_text = "Nobody’s score has passed a threshold."
    list_display = ("number", "who", "score", "level_shown", "state", "created_at", "decided_at", "by")
    list_filter = ("status", "level", DayRangeFilter)
    list_select_related = ("partner__user", "decided_by")
    search_prefixes = ("partner__code", "partner__user__email")
    search_help_text = "The beginning of a code or e-mail"
    action_form = DecideForm
    actions = ("clear", "confirm")
    fields = (
        "who", "level_shown", "score_shown", "signals_shown", "created_at", "freeze_shown", "by", "decided_at", "reason",
    )  # fmt: skip
    readonly_fields = ("who", "level_shown", "score_shown", "signals_shown", "freeze_shown", "by")

    @admin.display(description="review")
    def number(self, row: Review) -> str:
        return str(row)

    @admin.display(description="partner")
    def who(self, row: Review) -> str:
        return named(row.partner.user, row.partner.code)

    @admin.display(description="status", ordering="status")
    def state(self, row: Review) -> str:
        return badge(row.tone, row.get_status_display())

    @admin.display(description="level", ordering="level")
    def level_shown(self, row: Review) -> str:
        return badge(row.level_tone, row.get_level_display())

    @admin.display(description="decided by")
    def by(self, row: Review) -> str:
        return str(row.decided_by or "–")

    @admin.display(description="score")
    def score_shown(self, row: Review) -> str:
        settings = selectors.fraud_settings()
        thresholds = (settings.note_at, settings.hold_at, settings.freeze_at)
        top = max(row.score, settings.freeze_at)
        said = "a review opens at {}, money is held at {}, the partner is frozen at {}".format(*thresholds)
        return render_to_string("admin/tools/score.html", {
            "score": row.score, "said": said, "tone": row.level_tone, "width": share(row.score, top),
            "marks": [{"x": share(at, top)} for at in thresholds if at < top],
        })  # fmt: skip

    @admin.display(description="signals")
    def signals_shown(self, row: Review) -> str:
        return render_to_string("admin/tools/signals.html", {"rows": selectors.signals_of(row)})

    @admin.display(description="freeze")
    def freeze_shown(self, row: Review) -> str:
        return f"{row.freeze}, {row.freeze.get_status_display().lower()}" if row.freeze else "–"

    def title_of(self, obj: Review) -> str:
        return f"Review of {obj.partner.user}"

    def note_of(self, obj: Review) -> str:
        return f"{obj.partner.user}, score {obj.score}, {obj.get_status_display().lower()}"

    def related_history(self, obj: Review) -> list[tuple[str, Any]]:
        return [("referrals.partner", obj.partner_id), ("fraud.freeze", obj.freeze_id)]

    def row_links(self, request: HttpRequest, obj: Any) -> list[tuple[str, str]]:
        links = [("Partner", reverse("admin:referrals_partner_change", args=[obj.partner_id]))]
        if obj.status == Review.Status.OPEN and not _is_frozen(obj) and may(request, DECIDE):
            asked = urlencode({"review": obj.pk, "seen": _digest(obj)})
            links.insert(0, ("Freeze…", f"{reverse('admin:fraud_freeze_partner', args=[obj.partner_id])}?{asked}"))
        return [*links, *super().row_links(request, obj)]

    def _row_context(self, request: HttpRequest, obj: Any) -> dict[str, Any]:
        context = super()._row_context(request, obj)
        for bound in context["row_action_fields"]:
            if bound.name == "seen":
                bound.form.initial["seen"] = _digest(obj)
        return context

    def offers(self, action: str, obj: Review) -> bool:
        return obj.status == Review.Status.OPEN and (action == "clear" or _is_frozen(obj))

    def has_decide_permission(self, request: HttpRequest) -> bool:
        return self.may(request, *DECIDE)

    @decision("Clear", needs="decide", done="review{s} cleared", reason=True, moves_money=True)
    def clear(self, request: HttpRequest, rows: QuerySet[Review], reason: str) -> Outcome:
        actor, seen = _actor(request), request.POST.get("seen", "")[:32]
        bonuses = access_of(request).at_site(FREEZES_BONUSES)
        return attempt(
            rows,
            lambda row: services.clear_review(review=row, reason=reason, actor=actor, seen=seen, bonuses=bonuses),
        )

    @decision("Confirm, they stay frozen", needs="decide", done="review{s} confirmed", reason=True)
    def confirm(self, request: HttpRequest, rows: QuerySet[Review], reason: str) -> Outcome:
        """Only of who is frozen: whoever is not is frozen after a look at what that touches."""
        actor, seen = _actor(request), request.POST.get("seen", "")[:32]

        def act(row: Review) -> None:
            if row.status == Review.Status.OPEN and not _is_frozen(row):
                raise Conflict("look_first", "Open the review, and look at what a freeze touches first.")
            services.confirm_review(review=row, reason=reason, actor=actor, seen=seen)

        return attempt(rows, act)


def _actor(request: HttpRequest) -> Any:
    return request.user


def _is_frozen(review: Review) -> bool:
    return review.partner.status == Partner.Status.FROZEN


def _digest(review: Review) -> str:
    return services.digest(list(selectors.signals_of(review)))


def _points_field(kind: str) -> str:
    return f"points_{kind}"


class FraudSettingsForm(forms.Form):
    """Every threshold, window and weight. The service says what goes together."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        plain = [name for name in FIELDS if name not in ("points", "disposable_domains")]
        self.fields.update(forms.fields_for_model(FraudSettings, fields=plain))
        for kind in Kind:
            self.fields[_points_field(kind)] = forms.IntegerField(
                min_value=0, max_value=MOST_POINTS, label=f"Points: {kind.label.lower()}"
            )
        self.fields["disposable_domains"] = LinesField(
            required=False, label="Further throwaway domains",
            help_text="One on each line, beside the list that comes along.",
        )  # fmt: skip


@admin.register(FraudSettings)
class FraudSettingsAdmin(SetByForm):
    plural = "Fraud settings"
    view_keys = READ
    add_keys = DECIDE
    intro = "What signals weigh, and what a score leads to. Points of 0 switch a kind off."
    add_word = "Change fraud settings"
    empty_text = "Nobody has changed them: everything is as it comes."
    list_display = ("named", "note_at", "hold_at", "freeze_at", "retention_days")
    json_fields = ("points", "disposable_domains")
    set_form = FraudSettingsForm

    @admin.display(description="settings")
    def named(self, row: FraudSettings) -> str:
        return "Fraud settings"

    def set_intro(self, request: Any) -> str:
        return "Lower thresholds count for what was noticed before; higher ones release nobody."

    def _known(self) -> dict[str, Any]:
        row = selectors.fraud_settings()
        known = {name: getattr(row, name) for name in FIELDS if name != "points"}
        return known | {_points_field(kind): row.points_of(kind) for kind in Kind}

    def set_by(self, **values: Any) -> Any:
        actor = values.pop("actor")
        points = {str(kind): values.pop(_points_field(kind)) for kind in Kind}
        return services.change_fraud_settings(changes={**values, "points": points}, actor=actor)


def _score_link(request: HttpRequest, partner: Partner) -> list[tuple[str, str]]:
    """Of who may see it, when anything was noticed."""
    if reading_across() or not may(request, READ):
        return []
    rows = Signal.objects.filter(partner=partner)
    score = rows.filter(review=None, expired_at=None).aggregate(score=Sum("points"))["score"] or 0
    review = Review.objects.filter(partner=partner, status=Review.Status.OPEN).first()
    if review is not None:
        return [(f"Review, score {score}", reverse("admin:fraud_review_change", args=[review.pk]))]
    if not score and not rows.exists():
        return []
    return [(f"Signals, score {score}", f"{reverse('admin:fraud_signal_changelist')}?of_partner={partner.pk}")]


PartnerAdmin.more_links.append(_score_link)
