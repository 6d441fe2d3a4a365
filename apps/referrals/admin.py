"""The tree in the back office: read-only, with status by action. The service writes, as it does for the API."""

from collections.abc import Callable, Sequence
from typing import Any, ClassVar
from uuid import UUID

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import path, reverse

from apps.core.backoffice import Outcome, ReasonForm, UplineModelAdmin, attempt, badge, decision, may, named
from apps.core.errors import DomainError
from apps.referrals import explorer, services
from apps.referrals.models import CampaignLink, Click, Conversion, Partner, TreeMove
from apps.referrals.selectors import read_stats

KEYS = ("affiliate.read", "affiliate.manage")


# What the design kit calls the states of a partner, and of a move.
_TONE = {"pending": "pending", "active": "paid", "inactive": "inactive", "frozen": "frozen"}
_MOVE_TONE = {"scheduled": "pending", "applied": "paid", "refused": "rejected", "cancelled": "rejected"}


class MoveForm(forms.Form):
    """Where a partner goes, why, and from when on."""

    sponsor = forms.CharField(
        label="New sponsor",
        max_length=254,
        required=False,
        help_text="Their code or e-mail. Empty: the top of the site.",
    )
    reason = forms.CharField(label="Reason", max_length=500, help_text="Kept with the move and in the audit.")
    effective_at = forms.DateTimeField(
        label="From", required=False, help_text="In the site's time. Empty: at once.",
        widget=forms.DateTimeInput(attrs={"type": "datetime-local"}),
    )  # fmt: skip

    def clean_sponsor(self) -> Partner | None:
        written = self.cleaned_data["sponsor"].strip()
        if not written:
            return None
        people = Partner.objects.people().select_related("user")
        found = people.filter(user__email=written.lower()) if "@" in written else people.filter(code=written.upper())
        partner = found.first()
        if partner is None:
            raise forms.ValidationError("No partner of this site has that code or e-mail.")
        return partner


@admin.register(Partner)
class PartnerAdmin(UplineModelAdmin):
    view_keys = KEYS
    pages = (("Tree", "admin:referrals_partner_tree"),)
    list_display = ("who", "state", "level", "team", "kind", "email", "joined_at")
    action_form = ReasonForm
    intro = "Everybody in the tree, whoever brought them."
    empty_text = "They register by a link or code, or your shop registers them over the API."
    list_filter = ("status", "kind")
    list_select_related = ("user", "sponsor")
    search_prefixes = ("code", "user__email")
    search_help_text = "The beginning of a code or e-mail"
    actions = ("make_active", "make_inactive", "freeze")
    scope_by = "user_id"
    # What apps above have to offer on a partner's page: (request, partner) -> [(label, address)].
    more_links: ClassVar[list[Callable[[HttpRequest, Partner], list[tuple[str, str]]]]] = []
    fields = (
        "code", "person", "email", "state", "kind", "sponsor", "level", "team_by_level", "joined_at", "activated_at",
    )  # fmt: skip
    readonly_fields = fields

    def get_queryset(self, request: HttpRequest) -> QuerySet[Partner]:
        return super().get_queryset(request).filter(depth__gt=1)

    def get_changelist_instance(self, request: HttpRequest) -> Any:
        """The page's statistics in one statement, instead of one per row."""
        changelist = super().get_changelist_instance(request)
        changelist.result_list = list(changelist.result_list)
        self.prepare(changelist.result_list)
        return changelist

    def prepare(self, rows: Sequence[Any]) -> None:
        stats = read_stats([row.pk for row in rows]) if rows else {}
        for row in rows:
            row.levels_now = stats[row.pk]

    def related_history(self, obj: Partner) -> list[tuple[str, Any]]:
        return [("accounts.user", obj.user_id)]

    def title_of(self, obj: Partner) -> str:
        return str(obj.user or obj)

    def note_of(self, obj: Partner) -> str:
        return f"{obj.code}, level {obj.depth - 1} of the tree"

    @admin.display(description="partner", ordering="code")
    def who(self, partner: Partner) -> str:
        return named(partner.user, partner.code)

    @admin.display(description="status", ordering="status")
    def state(self, partner: Partner) -> str:
        return badge(_TONE[partner.status], partner.get_status_display())

    @admin.display(description="name")
    def person(self, partner: Partner) -> str:
        return partner.user.full_name if partner.user else ""

    @admin.display(description="e-mail")
    def email(self, partner: Partner) -> str:
        return partner.user.email if partner.user else ""

    @admin.display(description="depth", ordering="depth")
    def level(self, partner: Partner) -> int:
        return partner.depth - 1

    @admin.display(description="team")
    def team(self, partner: Partner) -> int:
        return sum(_levels(partner))

    @admin.display(description="team by level")
    def team_by_level(self, partner: Partner) -> str:
        found = [f"{level}: {people}" for level, people in enumerate(_levels(partner), start=1) if people]
        return ", ".join(found) or "nobody yet"

    def has_status_permission(self, request: HttpRequest) -> bool:
        return self.may(request, "affiliate.manage")

    @decision("Make active", needs="status", done="partner{s} made active", keys=("affiliate.manage",), reason=True)
    def make_active(self, request: HttpRequest, rows: QuerySet[Partner], reason: str) -> Outcome:
        return _set_status(request, rows, Partner.Status.ACTIVE, reason)

    @decision("Make inactive", needs="status", done="partner{s} made inactive", keys=("affiliate.manage",), reason=True)
    def make_inactive(self, request: HttpRequest, rows: QuerySet[Partner], reason: str) -> Outcome:
        return _set_status(request, rows, Partner.Status.INACTIVE, reason)

    @decision("Freeze", needs="status", done="partner{s} made frozen", keys=("affiliate.manage",), reason=True)
    def freeze(self, request: HttpRequest, rows: QuerySet[Partner], reason: str) -> Outcome:
        return _set_status(request, rows, Partner.Status.FROZEN, reason)

    def offers(self, action: str, obj: Partner) -> bool:
        target = {"make_active": "active", "make_inactive": "inactive", "freeze": "frozen"}[action]
        return target in Partner.TRANSITIONS[obj.status]

    def row_links(self, request: HttpRequest, obj: Any) -> list[tuple[str, str]]:
        links = super().row_links(request, obj)
        links.insert(0, ("Tree", f"{reverse('admin:referrals_partner_tree')}?root={obj.pk}"))
        if may(request, ("affiliate.manage",)):
            links.insert(0, ("Move", reverse("admin:referrals_partner_move", args=[obj.pk])))
        return [link for more in self.more_links for link in more(request, obj)] + links

    def get_urls(self) -> list[Any]:
        view = self.admin_site.admin_view
        return [
            path("tree/", view(self.tree_view), name="referrals_partner_tree"),
            path("tree/<uuid:pk>/", view(self.branch_view), name="referrals_partner_branch"),
            path("<path:object_id>/move/", view(self.move_view), name="referrals_partner_move"),
            *super().get_urls(),
        ]

    def tree_view(self, request: HttpRequest) -> HttpResponse:
        return explorer.explore(request, {**self.admin_site.each_context(request), "opts": self.opts})

    def branch_view(self, request: HttpRequest, pk: UUID) -> HttpResponse:
        return explorer.branch(request, str(pk), self.admin_site.each_context(request))

    def move_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Twice the same form: first it shows what the move would change, then it moves."""
        if not may(request, ("affiliate.manage",)):
            raise PermissionDenied
        partner = self.get_object(request, object_id)
        if partner is None:
            raise Http404
        form, plan = MoveForm(request.POST or None), None
        if request.method == "POST" and form.is_valid():
            try:
                plan = services.preview_move(partner=partner, new_sponsor=form.cleaned_data["sponsor"])
                if "confirm" in request.POST:
                    return self._move(request, partner, form.cleaned_data)
            except DomainError as error:
                if error.code == services.INTO_OWN_DOWNLINE:
                    actor: Any = request.user
                    services.note_circle(partner_id=partner.pk, reason=error.code, actor=actor)
                form.add_error({"new_sponsor_id": "sponsor"}.get(error.field or "", error.field), error.message)
        context = {
            **self.admin_site.each_context(request), "opts": self.opts, "title": "Move a partner", "original": partner,
            "form": form, "plan": plan, "changes": _changes(plan) if plan else [],
        }  # fmt: skip
        return TemplateResponse(request, "admin/tools/move.html", context)

    def _move(self, request: HttpRequest, partner: Partner, wanted: dict[str, Any]) -> HttpResponse:
        actor: Any = request.user
        move = services.move_partner(
            partner=partner, new_sponsor=wanted["sponsor"], reason=wanted["reason"], actor=actor,
            effective_at=wanted["effective_at"],
        )  # fmt: skip
        to = move.to_sponsor.code if move.to_sponsor else "the top of the site"
        done = move.status == TreeMove.Status.APPLIED
        messages.success(request, f"{partner} {'stands below' if done else 'is going to stand below'} {to}.")
        return HttpResponseRedirect(reverse("admin:referrals_partner_change", args=[partner.pk]))


def _set_status(request: HttpRequest, rows: QuerySet[Partner], status: str, reason: str) -> Outcome:
    actor: Any = request.user
    return attempt(
        rows, lambda row: services.set_partner_status(partner=row, status=status, reason=reason, actor=actor)
    )


def _changes(plan: services.MovePlan) -> list[dict[str, Any]]:
    """Everybody above, before or after, with the size of their team."""
    people = Partner.objects.filter(pk__in=plan.changes).select_related("user").order_by("depth")
    return [
        {"partner": person, "before": sum(plan.changes[person.pk][0]), "after": sum(plan.changes[person.pk][1])}
        for person in people
    ]


def _levels(partner: Any) -> list[int]:
    known: list[int] | None = getattr(partner, "levels_now", None)
    return known if known is not None else read_stats([partner.pk])[partner.pk]


@admin.register(TreeMove)
class TreeMoveAdmin(UplineModelAdmin):
    plural = "Moves"
    view_keys = KEYS
    intro = "Who was moved to another sponsor, when, and why. Partners are moved from their own page."
    empty_text = "Nobody has been moved."
    list_display = ("partner", "from_sponsor", "to_sponsor", "state", "people", "effective_at", "reason")
    list_filter = ("status",)
    list_select_related = ("partner", "from_sponsor", "to_sponsor")
    search_prefixes = ("partner__code",)
    search_help_text = "The beginning of a partner's code"

    @admin.display(description="status", ordering="status")
    def state(self, move: TreeMove) -> str:
        return badge(_MOVE_TONE.get(move.status, "unknown"), move.get_status_display())


@admin.register(Click)
class ClickAdmin(UplineModelAdmin):
    view_keys = KEYS
    intro = "Every visit by a partner's link or code."
    empty_text = "The first click on a link appears here."
    search_help_text = "The beginning of a device's id"

    def title_of(self, obj: Click) -> str:
        return f"Click on {obj.partner}'s link"

    list_display = ("created_at", "partner", "link", "ip", "device_id", "referrer")
    list_select_related = ("partner", "link")
    search_prefixes = ("device_id",)


@admin.register(Conversion)
class ConversionAdmin(UplineModelAdmin):
    view_keys = KEYS
    intro = "Signups and sales, and whom they are counted for."
    search_prefixes = ("partner__code",)
    search_help_text = "The beginning of a partner's code"
    list_display = ("created_at", "partner", "kind", "source", "link")
    list_filter = ("kind", "source")
    list_select_related = ("partner", "link")


@admin.register(CampaignLink)
class CampaignLinkAdmin(UplineModelAdmin):
    plural = "Links"
    view_keys = KEYS
    intro = "Links that partners have named, to tell one from another."
    search_help_text = "The beginning of a link's address"
    list_display = ("name", "partner", "slug", "is_active", "created_at")
    list_select_related = ("partner",)
    search_prefixes = ("slug",)
