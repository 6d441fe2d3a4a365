"""Rows of reliability that the tests run small, at full size: bin/bench --soak. One that does not hold ends the run."""

import logging
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import UUID

from django.db import connections
from django.test import override_settings
from rest_framework.test import APIClient

from apps.accounts.models import Membership, User
from apps.accounts.tokens import issue_pair
from apps.audit.services import SYSTEM
from apps.commissions.models import Commission
from apps.commissions.services import create_plan, publish_plan
from apps.commissions.services.commissioning import commission_orders
from apps.core.errors import Conflict
from apps.core.ids import uuid7
from apps.core.models import OutboxEvent
from apps.core.tenancy import site_context
from apps.onboarding.demo.sites import SITES
from apps.referrals.models import Partner
from apps.referrals.tests.factories import make_chain, make_partner
from apps.referrals.tests.races import race
from apps.referrals.tests.trees import assert_tree_is_sound
from apps.sites import registry
from apps.wallet import selectors, services
from apps.wallet.tests.factories import give_earnings
from bench.commissions import record_orders
from bench.data import make_site
from bench.figures import Figure
from tests.isolation.test_leakage import run_requests


def run(size: int) -> list[Figure]:
    rows = (
        ("R2 overdraft", "100 rounds × 40 withdrawals of 10 from 100", overdraft),
        ("R5 redelivery", "500 orders of 20 levels, each handed out 3 times at once", redelivery),
        ("R11 tree races", "5,000 signups, 16 clients, 3 hot sponsors, 50 moves", tree_races),
        ("R14 leakage", "20,000 requests, 50 sites, 4 connections, 10 % fail", leakage),
        ("R19 refresh", "100 uses of one refresh token, 50 at a time", refreshes),
    )
    return [_row(*row) for row in rows]


def _row(name: str, work: str, check: Callable[[], str]) -> Figure:
    started = time.perf_counter()
    figure = check()
    return Figure(name, work, figure, f"{time.perf_counter() - started:.0f} s", None, "holds")


def overdraft(rounds: int = 100, at_once: int = 40) -> str:
    site_id = make_site("SOAKFUNDS").pk
    assert site_id
    counts = []
    with ThreadPoolExecutor(at_once) as pool:
        for _ in range(rounds):
            with site_context(site_id):
                user = member()
                give_earnings(user, 100)
            start = threading.Barrier(at_once)
            counts.append(sum(pool.map(lambda _: withdraw(site_id, user.pk, start), range(at_once))))  # noqa: B023
        list(pool.map(lambda _: connections.close_all(), range(at_once)))
    with site_context(site_id):
        require(selectors.contradictions() == [], "the ledger contradicts itself")
    require(set(counts) == {10}, f"withdrawals that succeeded: {sorted(set(counts))}")
    return f"10 of {at_once} succeed, {rounds} times of {rounds}"


def withdraw(site_id: UUID, user_id: UUID, start: threading.Barrier) -> bool:
    start.wait(30)
    try:
        with site_context(site_id):
            services.transfer_to_funds(user_id=user_id, amount=10, currency="INR")
    except Conflict:
        return False
    return True


def redelivery(orders: int = 500) -> str:
    site_id = make_site("SOAKTWICE").pk
    assert site_id
    trading = next(demo for demo in SITES if demo.code == "TRADING")
    with site_context(site_id):
        publish_plan(plan=create_plan(terms=trading.plan or {}, rules=trading.rules, actor=SYSTEM).plan, actor=SYSTEM)
        buyer = make_chain(21)[-1].user_id
    record_orders(site_id, buyer, orders)
    with site_context(site_id):
        payloads = OutboxEvent.objects.filter(topic="order.paid").order_by("id").values_list("payload", flat=True)
        ids = [UUID(payload["order_id"]) for payload in payloads]

    def deliver(_: int) -> int:
        done = 0
        for first in range(0, len(ids), 50):
            with site_context(site_id):
                done += commission_orders(ids[first : first + 50])
        connections.close_all()
        return done

    with ThreadPoolExecutor(3) as pool:
        done = sum(pool.map(deliver, range(3)))
    with site_context(site_id):
        made = Commission.objects.count()
    require((done, made) == (orders, orders * 20), f"{done} orders done, {made} commissions")
    return f"{made:,} commissions, none twice"


def tree_races() -> str:
    site_id = make_site("SOAKTREE").pk
    assert site_id
    with site_context(site_id):
        hot = [make_partner().pk for _ in range(3)]
    outcome = race(site_id, signups=5000, clients=16, hot=hot, moves=50)
    require(not outcome.errors, str(outcome.errors[:3]))
    with site_context(site_id):
        require(Partner.objects.people().count() == 5003, "a signup was lost")
        assert_tree_is_sound()
    return f"0 lost, 0 deadlocks, {outcome.moved} moved, {outcome.refused} refused"


def leakage() -> str:
    for number in range(50):
        make_site(f"LEAK{number}")
    registry.forget()
    sites = [site for site in registry.all_sites() if site.code.startswith("LEAK")]
    wrong = run_requests(sites, threads=4, each=5000)
    require(not wrong, str(wrong[:3]))
    return "0 foreign rows"


@override_settings(UPLINE_THROTTLE=False)
def refreshes() -> str:
    logging.getLogger("upline.access").setLevel(logging.WARNING)
    site = make_site("SOAKTOKEN")
    registry.forget()
    with site_context(site.pk):
        refresh = issue_pair(user=member(), site=site)["refresh"]

    def use(token: str) -> Any:
        client = APIClient(headers={"X-Site-Code": site.code, "Host": "localhost"})
        try:
            return client.post("/api/v1/auth/token/refresh", {"refresh": token}, format="json")
        finally:
            connections.close_all()

    with ThreadPoolExecutor(50) as pool:
        answers = list(pool.map(use, [refresh] * 100))
    won = [answer for answer in answers if answer.status_code == 200]
    require(len(won) == 1, f"{len(won)} succeeded")
    require({answer.status_code for answer in answers} == {200, 401}, "an answer that is neither 200 nor 401")
    require(use(won[0].json()["refresh"]).status_code == 401, "the family lives on")
    return "1 success, its family ended"


def member() -> User:
    user = User(email=f"{uuid7().hex}@soak.example", password="!")
    user.save(force_insert=True)
    Membership.objects.create(user=user)
    return user


def require(holds: bool, otherwise: str) -> None:
    if not holds:
        raise RuntimeError(otherwise)
