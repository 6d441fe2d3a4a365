"""The main job, end to end over HTTP: register → order → 20 levels → approve → payout → refund, on a plan like TRADING's."""

import threading

import pytest
from django.db import connections
from rest_framework.test import APIClient

from apps.accounts.models import Membership, User
from apps.accounts.services import create_api_key
from apps.audit.services import SYSTEM
from apps.commissions.models import Commission, CommissionOutcome
from apps.commissions.services import commission_orders, create_plan, publish_plan
from apps.core import outbox
from apps.core.tenancy import site_context
from apps.onboarding.demo.sites import SITES
from apps.orders.models import Order
from apps.rbac.models import Role
from apps.rbac.services import assign_role
from apps.referrals.services import fold_stats
from apps.wallet import selectors as wallet

pytestmark = pytest.mark.django_db(transaction=True)

PASSWORD = "correct horse battery"
AMOUNT = 100_000
# What the demo plan of TRADING pays of 1,000.00, level 1 first: running.md, "Published plans".
PAYS = [10_000, 5_000, 3_000, 2_000, 2_000] + [1_000] * 5 + [500] * 10


class Shop:
    """A site as its clients see it."""

    def __init__(self, site_id, code):
        self.site_id, self.code = site_id, code

    def client(self, authorization=""):
        found = APIClient(headers={"X-Site-Code": self.code})
        if authorization:
            found.credentials(HTTP_AUTHORIZATION=authorization)
        return found

    def staff(self, email, role):
        with site_context(self.site_id):
            user = User.objects.create_user(email=email, password=PASSWORD)
            Membership.objects.create(user=user, user_type="staff")
            assign_role(user=user, role=Role.objects.get(key=role), actor=SYSTEM, access=None)
        answer = self.client().post("/api/v1/auth/token", {"email": email, "password": PASSWORD})
        return self.client(f"Bearer {answer.json()['access']}")

    def deliver(self):
        while any(outbox.drain(self.site_id, consumer) for consumer in sorted(outbox.consumers())):
            pass


@pytest.fixture
def shop(transactional_alpha):
    trading = next(demo for demo in SITES if demo.code == "TRADING")
    with site_context(transactional_alpha):
        publish_plan(plan=create_plan(terms=trading.plan, rules=trading.rules, actor=SYSTEM).plan, actor=SYSTEM)
        key = create_api_key(name="shop", scopes=["orders.write"], actor=SYSTEM, access=None)[1]
    found = Shop(transactional_alpha, "ALPHA")
    found.server = found.client(f"Api-Key {key}")
    return found


def register_chain(shop, length):
    """People registered one under the other over HTTP: [(client, body)], the top first."""
    people, code = [], ""
    for number in range(length):
        body = {
            "email": f"p{number}@example.com",
            "password": PASSWORD,
            "full_name": f"Person {number}",
            "referral_code": code,
        }
        answer = shop.client().post("/api/v1/auth/register", body)
        assert answer.status_code == 201, answer.json()
        people.append((shop.client(f"Bearer {answer.json()['access']}"), answer.json()))
        code = answer.json()["partner"]["referral_code"]
    return people


def report(shop, external_id="T-1", **extra):
    body = {
        "external_id": external_id, "customer": {"email": "p21@example.com"}, "currency": "INR",
        "lines": [{"category": "brokerage", "amount": AMOUNT}], **extra,
    }  # fmt: skip
    return shop.server.post("/api/v1/orders/external", body)


def state(shop):
    with site_context(shop.site_id):
        rows = Commission.objects.order_by("level", "id").values_list("level", "user_id", "amount", "status", "kind")
        return list(rows), CommissionOutcome.objects.count(), Order.objects.count()


def test_the_main_job(shop):
    people = register_chain(shop, 22)
    top, buyer = people[0][0], people[21][1]

    # an order of the last pays exactly 20 levels above, the 21st ancestor nothing
    order = report(shop)
    assert (order.status_code, order.json()["status"]) == (201, "paid")
    shop.deliver()
    with site_context(shop.site_id):
        paid = {row.level: (str(row.user_id), row.amount) for row in Commission.objects.all()}
    above = [people[21 - level][1]["user"]["id"] for level in range(1, 21)]
    assert paid == {level: (above[level - 1], PAYS[level - 1]) for level in range(1, 21)}
    assert top.get("/api/v1/commissions").json()["results"] == []

    # statistics and tree of the first are exact at once, before and after a fold
    for _ in range(2):
        stats = top.get("/api/v1/referrals/stats").json()
        assert stats == {
            "direct_referrals": 1, "total_team_size": 20, "level_breakdown": {str(level): 1 for level in range(1, 21)},
        }  # fmt: skip
        with site_context(shop.site_id):
            fold_stats(wait=True)
    tree = top.get("/api/v1/referrals/tree").json()["results"]
    assert [row["level"] for row in tree] == list(range(1, 21))

    # replaying the order, the task and the parallel case changes nothing
    before = state(shop)
    again = report(shop)
    assert (again.status_code, again.json()["id"]) == (200, order.json()["id"])
    in_parallel(lambda: commission_again(shop, order.json()["id"]), times=6)
    in_parallel(lambda: report(shop), times=4)
    shop.deliver()
    assert state(shop) == before
    other = report(shop, lines=[{"category": "brokerage", "amount": 1}])
    assert (other.status_code, other.json()["code"]) == (409, "external_id_conflict")

    # the same token on another site, and another site's ids
    assert people[20][0].get("/api/v1/commissions", headers={"X-Site-Code": "BETA"}).json()["code"] == "site_mismatch"

    # approve → wallet → payout request → approve → process: wallet empty, commissions paid, ledger verified
    sponsor = people[20][0]
    manager, payouts = (
        shop.staff("manager@example.com", "affiliate_manager"),
        shop.staff("payouts@example.com", "payout_manager"),
    )
    ids = [row["id"] for row in manager.get("/api/v1/commissions?limit=200").json()["results"]]
    approved = manager.post("/api/v1/commissions/approve", {"ids": ids}).json()
    assert (len(approved["approved"]), approved["refused"]) == (20, [])
    assert sponsor.get("/api/v1/wallet").json()["earnings"]["available"] == 10_000
    payout = sponsor.post("/api/v1/payouts/request", {}).json()
    assert payout["amount"] == 10_000
    assert payouts.post(f"/api/v1/payouts/{payout['id']}/approve").json()["status"] == "approved"
    done = manager.post(f"/api/v1/payouts/{payout['id']}/process", {"reference": "BANK-1"})
    assert done.json()["status"] == "completed"
    assert sponsor.get("/api/v1/wallet").json()["earnings"] == {"balance": 0, "available": 0, "held": 0, "owed": 0}
    assert [row["status"] for row in sponsor.get("/api/v1/commissions").json()["results"]] == ["paid"]
    assert books(shop) == []

    # a refund claws every level back: what was paid is owed, what was not shrinks to nothing
    refund = shop.server.post(f"/api/v1/orders/{order.json()['id']}/refunds", {"external_id": "R-1"})
    assert refund.status_code == 201
    shop.deliver()
    with site_context(shop.site_id):
        per_level = {}
        for row in Commission.objects.all():
            per_level[row.level] = per_level.get(row.level, 0) + row.amount
    assert per_level == dict.fromkeys(range(1, 21), 0)
    assert sponsor.get("/api/v1/wallet").json()["earnings"] == {
        "balance": -10_000,
        "available": 0,
        "held": 0,
        "owed": 10_000,
    }
    second = people[19][0].get("/api/v1/wallet").json()["earnings"]
    assert second == {"balance": 0, "available": 0, "held": 0, "owed": 0}
    assert books(shop) == []
    assert buyer["partner"]["status"] == "active"


def books(shop):
    with site_context(shop.site_id):
        return wallet.contradictions()


def commission_again(shop, order_id):
    with site_context(shop.site_id):
        commission_orders([order_id])


def in_parallel(act, *, times):
    errors = []

    def run():
        try:
            act()
        except Exception as error:
            errors.append(error)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=run) for _ in range(times)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
