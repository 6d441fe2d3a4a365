"""The audit log, to read: filters that are ranges of an index, pages that nobody counts."""

from typing import Any
from uuid import UUID

from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.safestring import SafeString

from apps.audit import words
from apps.audit.models import AuditEvent, AuditLink
from apps.audit.selectors import changes_of, currencies
from apps.core.backoffice import DayRangeFilter, ExactFilter, UplineModelAdmin
from apps.core.backoffice.keyset import KeysetChangeList


class NounFilter(admin.SimpleListFilter):
    """By the noun of an action: a range of an indexed column, where Django would read every row for the list of choices."""

    title = "about"
    parameter_name = "about"

    def lookups(self, request: Any, model_admin: Any) -> list[tuple[str, str]]:
        return words.nouns()

    def queryset(self, request: Any, queryset: QuerySet[AuditEvent]) -> QuerySet[AuditEvent]:
        noun = self.value()
        return queryset.filter(action__gte=f"{noun}.", action__lt=f"{noun}/") if noun else queryset


class KindFilter(admin.SimpleListFilter):
    title = "by"
    parameter_name = "actor_kind"

    def lookups(self, request: Any, model_admin: Any) -> list[tuple[str, str]]:
        return [("user", "People"), ("api_key", "API keys"), ("system", "The system")]

    def queryset(self, request: Any, queryset: QuerySet[AuditEvent]) -> QuerySet[AuditEvent]:
        return queryset.filter(actor_kind=self.value()) if self.value() else queryset


@admin.register(AuditEvent)
class AuditEventAdmin(UplineModelAdmin):
    plural = "Audit"
    view_keys = ("user.read", "permission.read")
    list_display = ("created_at", "who", "did", "target", "reason", "ip")
    list_filter = (
        NounFilter, KindFilter, DayRangeFilter, ExactFilter.of("actor_name", title="who", label="E-mail, or an API key's name"),
        ExactFilter.of("action", title="action", label="Such as payout.approved", lower=True),
        ExactFilter.of("target_id", title="target", label="Its id", lower=True), ExactFilter.of("ip", title="address"),
        ExactFilter.of("request_id", title="request", label="Its id"),
    )  # fmt: skip
    search_prefixes = ("action",)
    search_help_text = "An action, or a whole id, name or e-mail"
    fields = (
        "created_at", "who", "actor_kind", "did", "action", "target", "target_id", "changes", "reason", "ip", "request_id",
    )  # fmt: skip
    readonly_fields = ("who", "did", "target", "changes")
    intro = "Who did what, to what, and why. Nothing here can be changed."

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[KeysetChangeList]:
        return KeysetChangeList

    def get_search_results(self, request: HttpRequest, queryset: Any, search_term: str) -> tuple[Any, bool]:
        """The beginning of an action, else the whole of what an index finds."""
        term = search_term.strip()
        if not term or "\x00" in term:
            return queryset, False
        found = Q(action__gte=term.lower(), action__lt=term.lower() + "\U0010ffff") | Q(request_id=term)
        found |= Q(actor_name=term) | Q(actor_name=term.lower())
        try:
            pk = UUID(term)
        except ValueError:
            return queryset.filter(found), False
        return queryset.filter(found | Q(pk=pk) | Q(target_id=str(pk)) | Q(actor_id=pk)), False

    def note_of(self, obj: AuditEvent) -> str:
        return f"{obj.target_name} {obj.created_at:%Y-%m-%d %H:%M} UTC".strip()

    def title_of(self, obj: AuditEvent) -> str:
        return f"{obj.actor_name} {words.said(obj.action)}"

    @admin.display(description="who")
    def who(self, event: AuditEvent) -> str:
        return event.actor_name

    @admin.display(description="what")
    def did(self, event: AuditEvent) -> str:
        return words.said(event.action)

    @admin.display(description="to what")
    def target(self, event: AuditEvent) -> str:
        if not event.target_type:
            return "–"
        noun = words.target_noun(event.target_type)
        return format_html("{}<small>{}</small>", event.target_name or event.target_id, noun)

    @admin.display(description="what changed")
    def changes(self, event: AuditEvent) -> SafeString:
        from django.template.loader import render_to_string

        return render_to_string("admin/includes/changes.html", {"changes": changes_of(event, currencies())})


@admin.register(AuditLink)
class AuditLinkAdmin(UplineModelAdmin):
    plural = "Audit chain"
    view_keys = ("permission.read",)
    intro = "The chain that shows whether an event was ever changed."
    list_display = ("seq", "row_id")
    exclude = ("hash",)
