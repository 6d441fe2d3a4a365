"""The base task and the tasks of the foundation."""

import logging
from datetime import timedelta
from typing import Any

from celery import Task, shared_task
from django.db import connection
from django.utils import timezone

from apps.core import anchoring, chain, outbox
from apps.core.anchors import default_file
from apps.core.models import IdempotencyKey
from apps.core.tenancy import site_context

logger = logging.getLogger(__name__)


class SiteTask(Task):
    """Acknowledged after the work, given back when a worker dies. Every task is idempotent.

    A task that touches tenant data takes `site_id` first and enters `site_context` itself, in as many transactions as it needs;
    with `in_site = True` the base does it in one.
    """

    acks_late = True
    reject_on_worker_lost = True
    in_site = False

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if not self.in_site:
            return super().__call__(*args, **kwargs)
        with site_context(kwargs.get("site_id") or args[0]):
            return super().__call__(*args, **kwargs)


def site_ids() -> list[str]:
    """Every active site. `sites_site` is a shared table, so this works without a context."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT id FROM sites_site WHERE is_active ORDER BY code")
        return [str(row[0]) for row in cursor.fetchall()]


@shared_task
def drain_outbox(site_id: str, consumer: str) -> int:
    return outbox.drain(site_id, consumer)


@shared_task
def sweep_outbox() -> int:
    """What the wake-up after a commit missed. Also the answer to a lost Redis (R6)."""
    waiting = outbox.waiting()
    for site_id, consumer in waiting:
        drain_outbox.delay(str(site_id), consumer)
    return len(waiting)


@shared_task
def forget_idempotency_keys() -> int:
    """Keys are kept for two days; api.md promises one."""
    gone = 0
    for site_id in site_ids():
        with site_context(site_id):
            old = IdempotencyKey.objects.filter(created_at__lt=timezone.now() - timedelta(hours=48))
            gone += old.delete()[0]
    return gone


@shared_task
def seal_chains() -> int:
    """Chain what was committed since the last run, per site and chain."""
    sealed = 0
    for site_id in site_ids():
        for name in chain.names():
            sealed += chain.seal(site_id, name)
    return sealed


@shared_task
def anchor_chains() -> int:
    """Write down outside the database how far each chain is (ADR 0012)."""
    done = anchoring.anchor_chains(default_file())
    for problem in done.problems:
        logger.error("chain.contradicts_anchor", extra={"problem": problem})
    return done.written
