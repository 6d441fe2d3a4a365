"""R4, small: what Stripe tells us five times and in any order, while workers work it off, has one effect."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connections
from django.test import Client

from apps.core import outbox
from apps.core.models import InboxEvent, OutboxEvent
from apps.core.tenancy import site_context
from apps.payments.tests.factories import send
from tests.story import storm

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]

CONSUMERS = ("payments", "commissions")


def post(told):
    try:
        return send(Client(), told).status_code
    finally:
        connections.close_all()


def work(site_id, stop):
    """A worker, until there is nothing to come."""
    while not stop.is_set():
        for consumer in CONSUMERS:
            outbox.drain(site_id, consumer)
    connections.close_all()


def test_sixty_orders_told_five_times_in_any_order(transactional_alpha):
    with site_context(transactional_alpha):
        sales = storm.sell(storm.open_shop(), 60)
        told = storm.deliveries(sales)
    stop = threading.Event()

    with ThreadPoolExecutor(6) as pool:
        workers = [pool.submit(work, transactional_alpha, stop) for _ in range(2)]
        answers = list(pool.map(post, told))
        stop.set()
        for worker in workers:
            worker.result()
    for consumer in CONSUMERS * 2:
        outbox.drain(transactional_alpha, consumer)

    assert set(answers) == {200}
    with site_context(transactional_alpha):
        assert storm.differences(sales) == []
        assert storm.waiting() == 0
        assert InboxEvent.objects.count() == len({one["id"] for one in told})
        assert not OutboxEvent.objects.exclude(dead_at=None).exists()
