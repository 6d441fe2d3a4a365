"""Jobs: what waits in the outbox, and what died there."""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from apps.audit import services as audit
from apps.core import outbox
from apps.core.backoffice import Outcome, ReasonForm, UplineModelAdmin, attempt, decision, may
from apps.core.models import ChainHead, IdempotencyKey, InboxEvent, OutboxEvent


class StateFilter(admin.SimpleListFilter):
    title = "state"
    parameter_name = "state"

    def lookups(self, request: Any, model_admin: Any) -> list[tuple[str, str]]:
        return [("dead", "Failed"), ("waiting", "Waiting"), ("done", "Done")]

    def queryset(self, request: Any, queryset: QuerySet[OutboxEvent]) -> QuerySet[OutboxEvent]:
        chosen: dict[str, dict[str, Any]] = {
            "dead": {"dead_at__isnull": False},
            "waiting": {"dead_at": None, "done_at": None},
            "done": {"done_at__isnull": False},
        }
        return queryset.filter(**chosen.get(self.value() or "", {}))


class ConsumerFilter(admin.SimpleListFilter):
    """Named by the code, not by reading every row."""

    title = "consumer"
    parameter_name = "consumer"

    def lookups(self, request: Any, model_admin: Any) -> list[tuple[str, str]]:
        return [(name, name.replace("_", " ").capitalize()) for name in sorted(outbox.consumers())]

    def queryset(self, request: Any, queryset: QuerySet[OutboxEvent]) -> QuerySet[OutboxEvent]:
        return queryset.filter(consumer=self.value()) if self.value() else queryset


@admin.register(OutboxEvent)
class OutboxEventAdmin(UplineModelAdmin):
    """Failed jobs are reviewed and replayed here (W9)."""

    plural = "Jobs"
    view_keys = ("analytics.read", "permission.manage")
    list_display = ("topic", "consumer", "key", "attempts", "created_at", "next_at", "done_at", "dead_at")
    list_filter = (StateFilter, ConsumerFilter)
    json_fields = ("payload",)
    search_prefixes = ("key",)
    search_help_text = "The beginning of a key"
    intro = "News from one part of the system to another. What failed eight times waits here for you."
    action_form = ReasonForm
    actions = ("replay",)

    def has_replay_permission(self, request: HttpRequest) -> bool:
        return may(request, ("permission.manage",))

    def offers(self, action: str, obj: OutboxEvent) -> bool:
        return obj.dead_at is not None

    @decision("Try again", needs="replay", done="job{s} on the way again")
    def replay(self, request: HttpRequest, rows: QuerySet[OutboxEvent], reason: str) -> Outcome:
        actor: Any = request.user

        def act(event: OutboxEvent) -> None:
            outbox.replay(event)
            audit.record(actor=actor, action="job.replayed", target=event, reason=reason)

        return attempt(rows.exclude(dead_at=None), act)


@admin.register(InboxEvent)
class InboxEventAdmin(UplineModelAdmin):
    """What Stripe and others told us, and why what was ignored moved nothing."""

    plural = "News from outside"
    view_keys = ("analytics.read", "permission.manage")
    list_display = ("received_at", "source", "kind", "status", "note", "handled_at")
    list_filter = ("status", "source")
    json_fields = ("payload",)
    search_prefixes = ("event_id",)
    search_help_text = "The beginning of the sender's id"

    def title_of(self, obj: InboxEvent) -> str:
        return obj.kind

    intro = "What payment and custody services told us. An event that was ignored moved nothing, and its note says why."
    empty_text = "The first payment brings some."


@admin.register(ChainHead)
class ChainHeadAdmin(UplineModelAdmin):
    plural = "Seals"
    view_keys = ("analytics.read",)
    intro = "How far the chains over entries and audit have been sealed."
    list_display = ("chain", "seq", "sealed_xid")
    exclude = ("hash",)


@admin.register(IdempotencyKey)
class IdempotencyKeyAdmin(UplineModelAdmin):
    """Which requests were repeated. Their bodies stay out of sight."""

    plural = "Repeated requests"
    intro = "Which requests said who they are, so that a repetition does nothing twice."

    view_keys = ("permission.manage",)
    list_display = ("key", "caller", "status", "created_at")
    exclude = ("body",)
