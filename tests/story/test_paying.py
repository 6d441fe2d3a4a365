"""Document P's way of buying, end to end over HTTP: order → Stripe's page → its event → paid → commissions; then money back.

Both sides are real servers: ours answers Stripe's webhooks, the fake answers ours.
"""

import urllib.parse
import urllib.request

import pytest
import stripe as library
from rest_framework.test import APIClient

from apps.accounts.models import Membership, User
from apps.accounts.tokens import issue_pair
from apps.audit.services import SYSTEM
from apps.catalogue.tests.factories import make_product
from apps.commissions.models import Commission
from apps.commissions.tests.engine_values import percent
from apps.commissions.tests.factories import make_plan
from apps.core import outbox
from apps.core.models import InboxEvent
from apps.core.tenancy import site_context
from apps.orders.models import Order
from apps.payments import stripe_api
from apps.payments.services import set_stripe_account
from apps.rbac.models import Role
from apps.rbac.services import assign_role
from apps.referrals.tests.factories import make_chain
from apps.sites import registry

pytestmark = pytest.mark.django_db(transaction=True)


class Shop:
    """ALPHA with a plan of two levels, one product, and an account at the fake that tells our own server."""

    def __init__(self, site_id, fake, server):
        self.site_id, self.fake = site_id, fake
        self.keys = fake.register(webhook_url=f"{server.url}/webhooks/stripe/ALPHA")
        with site_context(site_id):
            account = {"account_id": self.keys["account"], **{k: v for k, v in self.keys.items() if k != "account"}}
            set_stripe_account(actor=SYSTEM, **account)
            make_plan(*percent("0.12", "0.04"))
            make_product(sku="tier-1", price=25_000, category="token", inventory=10)
            *_, self.buyer = make_chain(3)
            boss = User.objects.create_user(email="boss@example.com", password=None)
            Membership.objects.create(user=boss, user_type="staff")
            assign_role(user=boss, role=Role.objects.get(key="admin"), actor=SYSTEM, access=None)
        self.client, self.staff = self.as_user(self.buyer.user), self.as_user(boss)

    def as_user(self, user):
        client = APIClient(headers={"X-Site-Code": "ALPHA"})
        with site_context(self.site_id):
            token = issue_pair(user=user, site=registry.by_code("ALPHA"))["access"]
        client.credentials(HTTP_AUTHORIZATION=f"Bearer {token}")
        return client

    def buy(self, units):
        answer = self.client.post("/api/v1/orders", {"items": [{"sku": "tier-1", "quantity": units}]})
        assert answer.status_code == 201, answer.content
        return answer.json()

    def pay_on_the_page(self, order, way="pm_card_visa"):
        """As a browser without script posts the form."""
        url = f"{self.fake.url}/pay/{order['client_secret']}"
        with urllib.request.urlopen(url, urllib.parse.urlencode({"way": way}).encode(), timeout=10) as answer:
            assert answer.status == 200

    def catch_up(self):
        """Every event has been taken and worked off."""
        self.fake.wait_delivered()
        while any(outbox.drain(self.site_id, consumer) for consumer in sorted(outbox.consumers())):
            pass

    def order(self, told):
        return self.client.get(f"/api/v1/orders/{told['id']}").json()

    def commissions(self, order):
        with site_context(self.site_id):
            return list(
                Commission.objects.filter(order_id=order["id"]).order_by("level").values_list("amount", flat=True)
            )


@pytest.fixture
def shop(transactional_alpha, fake_stripe, live_server, settings):
    settings.STRIPE_API_BASE = fake_stripe.url
    yield Shop(transactional_alpha, fake_stripe, live_server)
    stripe_api._client.cache_clear()


def test_bought_paid_and_given_back_in_part(shop):
    order = shop.buy(2)
    assert (order["status"], order["amount"]) == ("pending", 50_000)

    shop.pay_on_the_page(order, "pm_card_chargeDeclined")
    shop.catch_up()
    assert (shop.order(order)["status"], shop.commissions(order)) == ("failed", [])
    shop.pay_on_the_page(order)
    shop.catch_up()
    assert (shop.order(order)["status"], shop.commissions(order)) == ("paid", [6_000, 2_000])

    refund = {"external_id": "R-1", "amount": 12_500, "reason": "A quarter"}
    answers = [shop.staff.post(f"/api/v1/orders/{order['id']}/refunds", refund) for _ in range(2)]
    shop.catch_up()

    assert [answer.status_code for answer in answers] == [201, 200]
    back = shop.order(order)
    assert (back["status"], back["refunded_amount"]) == ("partially_refunded", 12_500)
    assert shop.commissions(order) == [4_500, 1_500]
    client = library.StripeClient(shop.keys["secret_key"], base_addresses={"api": shop.fake.url}, max_network_retries=0)
    assert [(row.amount, row.status) for row in client.v1.refunds.list().data] == [(12_500, "succeeded")]


def test_what_is_refunded_at_stripe_follows_here(shop):
    order = shop.buy(1)
    shop.pay_on_the_page(order)
    shop.catch_up()
    intent = order["client_secret"].partition("_secret_")[0]

    page = f"{shop.fake.url}/payments/{intent}"
    urllib.request.urlopen(page, b"act=refund&amount=10000", timeout=10).close()
    urllib.request.urlopen(page, b"act=dispute", timeout=10).close()
    shop.catch_up()
    assert (shop.order(order)["refunded_amount"], shop.commissions(order)) == (10_000, [1_800, 600])
    (dispute,) = shop.fake.server.store.listed("acct_ALPHA", "dispute")
    shop.fake.post(f"disputes/{dispute['id']}/close", status="lost")
    shop.catch_up()

    assert (shop.order(order)["status"], shop.commissions(order)) == ("refunded", [0, 0])


def test_events_that_come_again_and_under_another_id_pay_once(shop):
    shop.fake.faults(duplicate=3, second_id=1.0, shuffle=True, shuffle_seconds=0.3)

    orders = [shop.buy(1) for _ in range(3)]
    for order in orders:
        shop.pay_on_the_page(order)
    shop.catch_up()

    assert [shop.commissions(order) for order in orders] == [[3_000, 1_000]] * 3
    with site_context(shop.site_id):
        assert set(Order.objects.values_list("status", flat=True)) == {"paid"}
        assert not InboxEvent.objects.filter(status="received").exists()
        assert InboxEvent.objects.filter(kind="payment_intent.succeeded", status="done").count() == 3
