"""What a site makes of signals: thresholds, points, windows, and how long who and with what is kept."""

from collections.abc import Sequence
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Sum

from apps.audit import services as audit
from apps.core import outbox
from apps.core.errors import Invalid
from apps.core.locks import hold
from apps.core.models import OutboxEvent
from apps.fraud.models import FraudSettings, Kind
from apps.fraud.models.reviews import MOST_POINTS
from apps.fraud.selectors import fraud_settings
from apps.fraud.services.reviewing import assess, counting

FIELDS = tuple(field.name for field in FraudSettings._meta.local_fields if field.name not in ("id", "site"))
CHANGED = "fraud.settings_changed"
MOST_DOMAINS, CHUNK = 500, 200


@transaction.atomic
def change_fraud_settings(*, changes: dict[str, Any], actor: audit.Actor) -> FraudSettings:
    """What is left out stays, of `points` too. Lower thresholds count for the signals there are; an open review is never lowered.

    Raises Invalid, naming the field.
    """
    hold("fraud.settings")
    row = fraud_settings()
    before = {name: getattr(row, name) for name in changes if name in FIELDS}
    for name in before:
        setattr(row, name, _value(row, name, changes[name]))
    changed = {name: getattr(row, name) for name, was in before.items() if getattr(row, name) != was}
    if not changed:
        return row
    _check(row)
    if row._state.adding:
        row.save(force_insert=True)
    else:
        row.save(update_fields=list(changed))
    event = audit.record(
        actor=actor, action="fraudsettings.changed", target=row, before={name: before[name] for name in changed},
        after=changed,
    )  # fmt: skip
    outbox.publish(CHANGED, key=str(event.pk), payload={})
    return row


def follow_settings(events: Sequence[OutboxEvent]) -> None:
    """Consumes `fraud.settings_changed`: whose score passes a threshold now."""
    settings = fraud_settings()
    scores = counting().order_by().values("partner_id").annotate(score=Sum("points"))
    ids = sorted(scores.filter(score__gte=settings.note_at).values_list("partner_id", flat=True))
    for at in range(0, len(ids), CHUNK):
        assess(ids[at : at + CHUNK], settings)


def _value(row: FraudSettings, name: str, value: Any) -> Any:
    if name == "points":
        return {**row.points, **_points(value)}
    if name == "disposable_domains":
        return _domains(value)
    return value


def _points(given: Any) -> dict[str, int]:
    if not isinstance(given, dict):
        raise Invalid("invalid", "Points are an object: kind and number.", field="points")
    for kind, points in given.items():
        if kind not in Kind.values:
            raise Invalid("invalid", f"There is no kind {str(kind)[:40]}.", field="points")
        if isinstance(points, bool) or not isinstance(points, int) or not 0 <= points <= MOST_POINTS:
            raise Invalid("invalid", f"Points of a kind are 0 to {MOST_POINTS}.", field="points")
    return given


def _domains(given: Sequence[str]) -> list[str]:
    domains = sorted({str(each).strip().lower().lstrip("@") for each in given} - {""})
    if len(domains) > MOST_DOMAINS or any(len(each) > 253 or "." not in each for each in domains):
        raise Invalid("invalid", "Domains such as example.com, at most 500.", field="disposable_domains")
    return domains


def _check(row: FraudSettings) -> None:
    try:
        row.clean_fields(exclude=["id", "site", "points", "disposable_domains"])
    except ValidationError as error:
        field, messages = next(iter(error.message_dict.items()))
        raise Invalid("invalid", messages[0], field=field) from error
    if row.hold_at < row.note_at:
        raise Invalid("invalid", "Money is held at no less than a review opens at.", field="hold_at")
    if row.freeze_at < row.hold_at:
        raise Invalid("invalid", "A partner is frozen at no less than money is held at.", field="freeze_at")
