"""Payments for the same service, and on how many of them the plan pays (H10)."""

import pytest
from django.db import IntegrityError, transaction

from apps.audit.services import SYSTEM
from apps.commissions.models import Commission, CommissionOutcome, PlanVersion
from apps.commissions.services import publish_plan, update_plan
from apps.commissions.tests.engine_values import percent
from apps.commissions.tests.factories import amounts, make_plan, refund_order
from apps.core.ids import uuid7
from apps.orders.models import Service
from apps.orders.services import ExternalOrder, ReportedLine, record_external_order
from apps.orders.services.customers import CustomerIds
from apps.referrals.tests.factories import make_chain

V1 = "/api/v1"


@pytest.fixture
def chain(site):
    """A sponsor of the sponsor, the sponsor, and who buys."""
    return make_chain(3)


@pytest.fixture
def pay(chain, deliver):
    """pay() buys a server for a month, pay(service) renews it. Returns the order, commissioned."""

    def run(service=None):
        line = ReportedLine("server", 10_000, sku="vps", period="month", renews=service.pk if service else None)
        told = ExternalOrder(str(uuid7()), CustomerIds(user_id=chain[2].user_id), "INR", (line,))
        order, _ = record_external_order(report=told, actor=SYSTEM)
        deliver()
        return order

    return run


def paid_on(order):
    return amounts(order=order)


def reasons(order):
    rows = CommissionOutcome.objects.filter(order=order).order_by("level")
    return dict(rows.values_list("level", "reason"))


def test_every_payment_pays_unless_the_plan_says_otherwise(pay):
    make_plan(*percent("0.10", "0.05"))
    first = pay()

    renewals = [pay(Service.objects.get()) for _ in range(3)]

    assert [paid_on(order) for order in (first, *renewals)] == [{1: 1000, 2: 500}] * 4


@pytest.mark.parametrize(("recurring", "paying"), [(1, 1), (2, 2), (3, 3)])
def test_on_the_first_so_many(pay, recurring, paying):
    make_plan(*percent("0.10", "0.05"), recurring=recurring)

    orders = [pay(), *(pay(Service.objects.get()) for _ in range(3))]

    assert [bool(paid_on(order)) for order in orders] == [True] * paying + [False] * (4 - paying)
    assert reasons(orders[-1]) == {1: "recurrence_limit", 2: "recurrence_limit"}


def test_another_service_begins_to_count_anew(pay):
    make_plan(*percent("0.10"), recurring=1)
    pay()

    assert paid_on(pay()) == {1: 1000}
    assert Service.objects.count() == 2


def test_a_refund_of_a_payment_that_paid_nothing_takes_nothing_back(pay, deliver):
    make_plan(*percent("0.10"), recurring=1)
    first = pay()
    renewal = pay(Service.objects.get())

    refund_order(renewal)
    deliver()
    assert (paid_on(first), Commission.objects.filter(order=renewal).count()) == ({1: 1000}, 0)
    refund_order(first)
    deliver()

    assert Commission.objects.get(order=first).status == "reversed"


def test_a_later_plan_does_not_reach_back(pay):
    version = make_plan(*percent("0.10"), recurring=2)
    orders = [pay(), pay(Service.objects.get())]
    update_plan(plan=version.plan, terms={"recurring": 1}, rules=None, actor=SYSTEM)
    publish_plan(plan=version.plan, actor=SYSTEM)

    third = pay(Service.objects.get())

    assert [paid_on(order) for order in (*orders, third)] == [{1: 1000}, {1: 1000}, {}]


def test_the_partner_above_is_told_why(pay, chain, api):
    make_plan(*percent("0.10"), recurring=1)
    pay()
    order = pay(Service.objects.get())

    rows = api(chain[1].user).get(f"{V1}/orders/{order.pk}/outcomes").json()["results"]

    assert [(row["level"], row["reason"]) for row in rows] == [(1, "recurrence_limit")]


def test_over_the_api(api, make_user, site):
    client = api(make_user("boss@example.com", roles=["super_admin"]))
    rule = {"category": "*", "level": 1, "kind": "percent", "value": "0.10"}

    made = client.post(f"{V1}/commission-plans", {"name": "P", "depth": 1, "rules": [rule], "recurring": 12})
    default = client.post(f"{V1}/commission-plans", {"name": "Q", "depth": 1, "rules": [rule]})
    changed = client.patch(f"{V1}/commission-plans/{made.json()['id']}", {"recurring": None})

    assert (made.status_code, made.json()["recurring"], default.json()["recurring"]) == (201, 12, None)
    assert changed.json()["recurring"] is None


@pytest.mark.parametrize("recurring", [0, -1, 1201, 1.5, "first", True, [], 10**30])
def test_a_number_that_is_none_is_400_and_nothing_is_made(api, make_user, site, recurring):
    client = api(make_user("boss@example.com", roles=["super_admin"]))
    rule = {"category": "*", "level": 1, "kind": "percent", "value": "0.10"}

    answer = client.post(f"{V1}/commission-plans", {"name": "P", "depth": 1, "rules": [rule], "recurring": recurring})

    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (400, "recurring")
    assert PlanVersion.objects.count() == 0


def test_the_database_wants_one_at_least(site):
    with pytest.raises(IntegrityError), transaction.atomic():
        make_plan(*percent("0.10"), recurring=0)
