"""The audit log, to read."""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet

from apps.audit.models import AuditEvent, AuditLink
from apps.core.backoffice import UplineModelAdmin


class ActionFilter(admin.SimpleListFilter):
    """By the noun of an action: a range of an indexed column, where Django would read every row for the list of choices."""

    title = "about"
    parameter_name = "about"

    def lookups(self, request: Any, model_admin: Any) -> list[tuple[str, str]]:
        nouns = ("api_key", "commission", "job", "login", "member", "order", "partner", "password", "payout", "plan", "role",
                 "sessions", "site", "sitesettings", "two_factor")  # fmt: skip
        return [(noun, noun.replace("_", " ").replace("sitesettings", "settings").capitalize()) for noun in nouns]

    def queryset(self, request: Any, queryset: QuerySet[AuditEvent]) -> QuerySet[AuditEvent]:
        noun = self.value()
        return queryset.filter(action__gte=f"{noun}.", action__lt=f"{noun}/") if noun else queryset


@admin.register(AuditEvent)
class AuditEventAdmin(UplineModelAdmin):
    plural = "Audit"
    view_keys = ("user.read", "permission.read")
    list_display = ("created_at", "actor_name", "action", "target_name", "reason", "ip")
    list_filter = ("actor_kind", ActionFilter)
    search_prefixes = ("actor_name", "action", "target_id", "request_id")
    search_help_text = "An actor, action, target's id or request's id"
    json_fields = ("before", "after")

    def note_of(self, obj: AuditEvent) -> str:
        return f"{obj.created_at:%Y-%m-%d %H:%M} UTC, {obj.reason or obj.target_id}"

    intro = "Who did what, to what, and why. Nothing here can be changed."


@admin.register(AuditLink)
class AuditLinkAdmin(UplineModelAdmin):
    plural = "Audit chain"
    view_keys = ("permission.read",)
    intro = "The chain that shows whether an event was ever changed."
    list_display = ("seq", "row_id")
    exclude = ("hash",)
