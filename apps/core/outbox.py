"""The outbox: how a lower app tells an upper one, and how nothing is lost when Redis is.

    # in the lower app, inside the transaction that made it true
    outbox.publish("order.paid", key=str(order.pk), payload={"order_id": str(order.pk)})

    # in the upper app's AppConfig.ready
    outbox.subscribe("order.paid", "commissions", "apps.commissions.services.commission_orders", batch=100)

A handler gets a list of events of one site, runs inside that site's transaction, and is idempotent. Its effects and the mark
`done_at` commit together. After the commit of `publish` a task is queued at once; a sweep every five seconds finds whatever
that missed, so Redis is needed for speed only (spec: architecture.md, Queues).
"""

import logging
import random
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.db import IntegrityError, connection, transaction
from django.utils import timezone
from django.utils.module_loading import import_string

from apps.core import waking
from apps.core.models import OutboxEvent
from apps.core.tenancy import require_site_id, site_context

logger = logging.getLogger(__name__)

Handler = Callable[[Sequence[OutboxEvent]], Any]


@dataclass(frozen=True)
class Subscription:
    topic: str
    consumer: str
    handler: str
    batch: int

    def load(self) -> Handler:
        handler: Handler = import_string(self.handler)
        return handler


DRAIN = "apps.core.tasks.drain_outbox"
_by_topic: dict[str, dict[str, Subscription]] = defaultdict(dict)


def subscribe(topic: str, consumer: str, handler: str, *, batch: int = 1) -> None:
    """Name the function (dotted path) that consumes a topic. `batch`: how many events it may be handed at once."""
    _by_topic[topic][consumer] = Subscription(topic, consumer, handler, batch)


def consumers() -> set[str]:
    return {name for subscriptions in _by_topic.values() for name in subscriptions}


def publish(topic: str, *, key: str, payload: dict[str, Any]) -> None:
    """Write one row per consumer. Call it inside the transaction of the change; the same key twice is one event."""
    publish_many(topic, [(key, payload)])


def publish_many(topic: str, events: Sequence[tuple[str, dict[str, Any]]]) -> None:
    """As `publish`, of (key, payload) each, in one statement."""
    site_id = require_site_id()
    subscriptions = _by_topic.get(topic, {})
    if not subscriptions or not events:
        return
    rows = [
        OutboxEvent(topic=topic, consumer=name, key=key, payload=payload)
        for key, payload in events
        for name in subscriptions
    ]
    OutboxEvent.objects.bulk_create(rows, ignore_conflicts=True)
    for name in subscriptions:
        waking.after_commit(DRAIN, str(site_id), name)


def drain(site_id: UUID | str, consumer: str, *, limit: int = 1000) -> int:
    """Work off what waits for one consumer at one site. Returns how many events were done."""
    done = 0
    while done < limit:
        worked = _drain_batch(site_id, consumer)
        if not worked:
            break
        done += worked
    return done


def _drain_batch(site_id: UUID | str, consumer: str) -> int:
    events: list[OutboxEvent] = []
    try:
        with site_context(site_id):
            events = _claim(consumer)
            if not events:
                return 0
            _handle(events)
        return len(events)
    except Exception as error:
        if len(events) == 1:
            _failed(site_id, events[0], error)
            return 1
        if not events:
            raise
        logger.info("outbox.batch_split", extra={"consumer": consumer, "size": len(events)})
    return sum(_drain_one(site_id, event) for event in events)


def _claim(consumer: str) -> list[OutboxEvent]:
    """Due events of the oldest topic, locked until the transaction ends; others' locked rows are skipped."""
    due = OutboxEvent.objects.filter(consumer=consumer, done_at=None, dead_at=None, next_at__lte=timezone.now())
    first = due.select_for_update(skip_locked=True).order_by("next_at", "id").first()
    if first is None:
        return []
    subscription = _by_topic.get(first.topic, {}).get(consumer)
    size = subscription.batch if subscription else 1
    if size == 1:
        return [first]
    same = due.filter(topic=first.topic).exclude(pk=first.pk).select_for_update(skip_locked=True)
    return [first, *same.order_by("next_at", "id")[: size - 1]]


def _handle(events: Sequence[OutboxEvent]) -> None:
    first = events[0]
    subscription = _by_topic.get(first.topic, {}).get(first.consumer)
    if subscription is None:
        raise LookupError(f"no consumer {first.consumer} for {first.topic}")
    with transaction.atomic():
        subscription.load()(events)
    OutboxEvent.objects.filter(pk__in=[event.pk for event in events]).update(done_at=timezone.now())


def _drain_one(site_id: UUID | str, event: OutboxEvent) -> int:
    try:
        with site_context(site_id):
            again = OutboxEvent.objects.select_for_update(skip_locked=True).filter(
                pk=event.pk, done_at=None, dead_at=None
            )
            found = again.first()
            if found is not None:
                _handle([found])
    except Exception as error:
        _failed(site_id, event, error)
    return 1


def _failed(site_id: UUID | str, event: OutboxEvent, error: Exception) -> None:
    """Later again with jitter, or never: a broken constraint will be just as broken the next time."""
    attempts = event.attempts + 1
    hopeless = isinstance(error, IntegrityError)
    dead = hopeless or attempts >= OutboxEvent.MAX_ATTEMPTS
    delay = min(2**attempts, 300) * random.uniform(0.5, 1.5)  # noqa: S311
    with site_context(site_id):
        OutboxEvent.objects.filter(pk=event.pk, done_at=None).update(
            attempts=attempts,
            next_at=timezone.now() + timedelta(seconds=delay),
            dead_at=timezone.now() if dead else None,
            last_error=f"{type(error).__name__}: {error}"[:2000],
        )
    logger.error(
        "outbox.failed", extra={"topic": event.topic, "consumer": event.consumer, "dead": dead}, exc_info=error
    )


def replay(event: OutboxEvent) -> None:
    """Staff give a dead event another eight tries."""
    site_id, consumer = require_site_id(), event.consumer
    OutboxEvent.objects.filter(pk=event.pk, done_at=None).update(
        attempts=0, dead_at=None, next_at=timezone.now(), last_error=""
    )
    waking.after_commit(DRAIN, str(site_id), consumer)


def waiting() -> list[tuple[UUID, str]]:
    """(site, consumer) with due events, over all sites: a guard function that returns names and no rows."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT site_id, consumer FROM outbox_waiting()")
        return [(row[0], row[1]) for row in cursor.fetchall()]
