"""The tree in the back office: read-only, with status by action. The service writes, as it does for the API."""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from apps.core.backoffice import UplineModelAdmin, attempt, may
from apps.referrals import services
from apps.referrals.models import CampaignLink, Click, Conversion, Partner, TreeMove
from apps.referrals.selectors import read_stats

KEYS = ("affiliate.read", "affiliate.manage")


@admin.register(Partner)
class PartnerAdmin(UplineModelAdmin):
    view_keys = KEYS
    list_display = ("code", "person", "email", "level", "status", "kind", "team", "joined_at")
    list_filter = ("status", "kind")
    list_select_related = ("user", "sponsor")
    search_prefixes = ("code", "user__email")
    search_help_text = "The start of a code or of an e-mail."
    actions = ("make_active", "make_inactive", "freeze")
    fields = (
        "code", "person", "email", "status", "kind", "sponsor", "level", "team_by_level", "joined_at", "activated_at",
    )  # fmt: skip
    readonly_fields = fields

    def get_queryset(self, request: HttpRequest) -> QuerySet[Partner]:
        return super().get_queryset(request).filter(depth__gt=1)

    def get_changelist_instance(self, request: HttpRequest) -> Any:
        """The page's statistics in one statement, instead of one per row."""
        changelist = super().get_changelist_instance(request)
        rows = list(changelist.result_list)
        stats = read_stats([row.pk for row in rows]) if rows else {}
        for row in rows:
            row.levels_now = stats[row.pk]
        changelist.result_list = rows
        return changelist

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
        return may(request, ("affiliate.manage",))

    @admin.action(description="Make active", permissions=["status"])
    def make_active(self, request: HttpRequest, queryset: QuerySet[Partner]) -> None:
        self._set_status(request, queryset, Partner.Status.ACTIVE)

    @admin.action(description="Make inactive", permissions=["status"])
    def make_inactive(self, request: HttpRequest, queryset: QuerySet[Partner]) -> None:
        self._set_status(request, queryset, Partner.Status.INACTIVE)

    @admin.action(description="Freeze", permissions=["status"])
    def freeze(self, request: HttpRequest, queryset: QuerySet[Partner]) -> None:
        self._set_status(request, queryset, Partner.Status.FROZEN)

    def _set_status(self, request: HttpRequest, queryset: QuerySet[Partner], status: str) -> None:
        actor: Any = request.user

        def act(partner: Partner) -> None:
            services.set_partner_status(partner=partner, status=status, reason="Back office", actor=actor)

        attempt(request, queryset, act, done=f"partners are {status} now")


def _levels(partner: Any) -> list[int]:
    known: list[int] | None = getattr(partner, "levels_now", None)
    return known if known is not None else read_stats([partner.pk])[partner.pk]


@admin.register(TreeMove)
class TreeMoveAdmin(UplineModelAdmin):
    view_keys = KEYS
    list_display = ("partner", "from_sponsor", "to_sponsor", "status", "people", "effective_at", "reason")
    list_filter = ("status",)
    list_select_related = ("partner", "from_sponsor", "to_sponsor")


@admin.register(Click)
class ClickAdmin(UplineModelAdmin):
    view_keys = KEYS
    list_display = ("created_at", "partner", "link", "ip", "device_id", "referrer")
    list_select_related = ("partner", "link")
    search_prefixes = ("device_id",)


@admin.register(Conversion)
class ConversionAdmin(UplineModelAdmin):
    view_keys = KEYS
    list_display = ("created_at", "partner", "kind", "source", "link")
    list_filter = ("kind", "source")
    list_select_related = ("partner", "link")


@admin.register(CampaignLink)
class CampaignLinkAdmin(UplineModelAdmin):
    view_keys = KEYS
    list_display = ("name", "partner", "slug", "is_active", "created_at")
    list_select_related = ("partner",)
    search_prefixes = ("slug",)
