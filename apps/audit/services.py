"""Recording. Services call `record` in the transaction of the act, so that neither exists without the other."""

from collections.abc import Mapping
from typing import Any, Protocol
from uuid import UUID

from django.db import models

from apps.audit.models import AuditEvent
from apps.core import logs


class Actor(Protocol):
    """A user, an API key, or SYSTEM."""

    @property
    def actor_kind(self) -> str: ...
    @property
    def actor_id(self) -> UUID | None: ...
    @property
    def actor_name(self) -> str: ...


class _System:
    actor_kind = "system"
    actor_id = None
    actor_name = "System"


SYSTEM: Actor = _System()


def record(
    *, actor: Actor, action: str, target: models.Model | None = None, before: Mapping[str, Any] | None = None,
    after: Mapping[str, Any] | None = None, reason: str = "",
) -> AuditEvent:  # fmt: skip
    """Append one event. `action` is noun.verb in the past tense, such as `payout.approved`. Values must be JSON or str()-able."""
    return AuditEvent.objects.create(**_fields(actor, action, target, before, after, reason))


def record_many(
    *, actor: Actor, action: str, targets: list[models.Model], after: Mapping[str, Any] | None = None, reason: str = ""
) -> None:
    """One event per target, in one statement."""
    AuditEvent.objects.bulk_create(
        [AuditEvent(**_fields(actor, action, target, None, after, reason)) for target in targets], batch_size=500
    )


def _fields(
    actor: Actor, action: str, target: models.Model | None, before: Mapping[str, Any] | None,
    after: Mapping[str, Any] | None, reason: str,
) -> dict[str, Any]:  # fmt: skip
    return {
        "actor_kind": actor.actor_kind,
        "actor_id": actor.actor_id,
        "actor_name": actor.actor_name[:254],
        "action": action,
        "target_type": target._meta.label_lower if target is not None else "",
        "target_id": str(target.pk) if target is not None else "",
        "target_name": str(target)[:200] if target is not None else "",
        "before": _plain(before),
        "after": _plain(after),
        "reason": reason[:500],
        "request_id": logs.request_id.get(),
        "ip": logs.client_ip.get()[:45],
    }


def _plain(values: Mapping[str, Any] | None) -> dict[str, Any]:
    simple = (str, int, bool, type(None), list, dict)
    return {key: value if isinstance(value, simple) else str(value) for key, value in (values or {}).items()}
