"""Stripe's webhooks at full size: five deliveries of everything in any order (R4), and Redis dead for half a minute (R6)."""

import http.client
import json
import tempfile
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from uuid import UUID

from django.db import connections

from apps.core import outbox
from apps.core.models import InboxEvent
from apps.core.tenancy import site_context
from apps.payments.tests.factories import signature
from apps.sites import registry
from bench.data import make_site
from bench.figures import Figure
from bench.soak import require
from bench.web import serving
from tests.story import outage, storm

CLIENTS, WORKERS = 8, 2
CONSUMERS = ("payments", "commissions")


def run(size: int) -> list[Figure]:
    rows = (
        (
            "R4 webhooks",
            "1,000 orders × 5 deliveries, shuffled, 5 % refunded before paid, 10 % under two ids",
            deliveries,
        ),
        ("R6 Redis dead", "killed for 30 s and back empty, 300 orders paid before, meanwhile and after", redis_dead),
    )
    return [_row(*row) for row in rows]


def _row(name: str, work: str, check: Callable[[], str]) -> Figure:
    started = time.perf_counter()
    figure = check()
    return Figure(name, work, figure, f"{time.perf_counter() - started:.0f} s", None, "holds")


def deliveries(orders: int = 1000) -> str:
    site_id = make_site("SOAKSTORM").pk
    registry.forget()
    with site_context(site_id):
        sales = storm.sell(storm.open_shop(), orders)
        told = storm.deliveries(sales)
    stop = threading.Event()
    with serving("config.wsgi:application", "/ready/") as server, ThreadPoolExecutor(CLIENTS + WORKERS) as pool:
        workers = [pool.submit(work_off, site_id, stop) for _ in range(WORKERS)]
        answers = pool.map(lambda number: send(server.port, "SOAKSTORM", told[number::CLIENTS]), range(CLIENTS))
        statuses = {status for some in answers for status in some}
        stop.set()
        for worker in workers:
            worker.result()
    for consumer in CONSUMERS * 2:
        while outbox.drain(site_id, consumer):
            continue
    require(statuses == {200}, f"answers: {statuses}")
    with site_context(site_id):
        wrong = storm.differences(sales)
        require(not wrong, f"{len(wrong)} orders: {wrong[:2]}")
        kept = InboxEvent.objects.count()
        require(kept == len({one["id"] for one in told}), f"{kept} events kept")
        require(storm.waiting() == 0, "an event waits")
    return f"{len(told):,} deliveries of {kept:,} events, every order as the oracle says"


def send(port: int, code: str, told: list[dict[str, Any]]) -> set[int]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    statuses = set()
    for one in told:
        body = json.dumps(one).encode()
        headers = {"Content-Type": "application/json", "Stripe-Signature": signature(body), "Host": "localhost"}
        connection.request("POST", f"/webhooks/stripe/{code}", body, headers)
        answer = connection.getresponse()
        answer.read()
        statuses.add(answer.status)
    connection.close()
    return statuses


def work_off(site_id: UUID, stop: threading.Event) -> None:
    while not stop.is_set():
        for consumer in CONSUMERS:
            outbox.drain(site_id, consumer)
    connections.close_all()


def redis_dead(orders: int = 300, down: float = 30.0) -> str:
    site_id = make_site("SOAKREDIS").pk
    registry.forget()
    with site_context(site_id):
        sales = storm.sell(storm.open_shop(), orders, with_refunds=False)
    with (
        tempfile.TemporaryDirectory() as directory,
        outage.stage(Path(directory), code="SOAKREDIS", site_id=site_id) as on,
    ):
        slowest = outage.through_an_outage(on, sales, down=down)
    require(set(on.answers) == {200}, f"answers: {dict(on.answers)}")
    with site_context(site_id):
        wrong = storm.differences(sales)
        require(not wrong, f"{len(wrong)} orders: {wrong[:2]}")
    return (
        f"{on.answers[200]} webhooks, all 200, within {on.slowest_answer:.1f} s; the last order {slowest:.1f} s after"
    )
