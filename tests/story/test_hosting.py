"""Document H's flow: register by a link, activate by a server, refer, sell server + 2 domains + addon, refund half (issue 4)."""

import json

import pytest
from django.test import Client
from rest_framework.test import APIClient

from apps.audit.services import SYSTEM
from apps.catalogue.models import Product
from apps.commissions.models import Commission
from apps.commissions.services import create_plan, publish_plan
from apps.core import outbox
from apps.core.tenancy import site_context
from apps.onboarding.demo.sites import SITES
from apps.onboarding.demo.story import Story
from apps.orders.models import Order
from apps.payments.models import Payment
from apps.payments.services import set_stripe_account
from apps.payments.tests.factories import event, send
from apps.rbac.models import Role
from apps.rbac.services import assign_role
from apps.referrals.models import Partner
from apps.sites.services import change_settings

pytestmark = pytest.mark.django_db(transaction=True)

PASSWORD = "correct horse battery"
HOSTING = next(demo for demo in SITES if demo.code == "HOSTING")
# Worked example 12: server ₹10,000, two domains, addon ₹999; levels 1, 2, 3.
PAYS = {"server": [200_000, 100_000, 50_000], "domain": [20_000, 10_000, 5_000], "addon": [14_985, 7_992, 3_996]}
HALF = {"server": [100_000, 50_000, 25_000], "domain": [10_000, 5_000, 2_500], "addon": [7_492, 3_996, 1_998]}


@pytest.fixture
def alpha(transactional_alpha, fake_stripe, settings):
    """ALPHA with HOSTING's settings, plan and shelf."""
    settings.STRIPE_API_BASE, settings.UPLINE_THROTTLE = fake_stripe.url, False
    keys = fake_stripe.register()
    keys["account_id"] = keys.pop("account")
    with site_context(transactional_alpha):
        change_settings(changes=HOSTING.settings | {"revoke_activation_on_refund": True}, actor=SYSTEM)
        publish_plan(plan=create_plan(terms=HOSTING.plan, rules=HOSTING.rules, actor=SYSTEM).plan, actor=SYSTEM)
        set_stripe_account(actor=SYSTEM, **keys)
    Story(HOSTING, transactional_alpha, PASSWORD).fill_shelf()
    return Hosting(transactional_alpha, fake_stripe, keys["webhook_secret"])


class Hosting:
    """The site as its members see it, and Stripe beside it."""

    def __init__(self, site_id, stripe, secret):
        self.site_id, self.stripe, self.secret = site_id, stripe, secret

    def client(self, token=""):
        found = APIClient(headers={"X-Site-Code": "ALPHA"})
        if token:
            found.credentials(HTTP_AUTHORIZATION=f"Bearer {token}")
        return found

    def register(self, name, code=""):
        body = {"email": f"{name}@example.com", "password": PASSWORD, "full_name": name.title()}
        if code:
            click = self.client().post("/api/v1/track/click", {"referral_code": code}).json()
            body["click_id"] = click["click_id"]
        answer = self.client().post("/api/v1/auth/register", body)
        assert answer.status_code == 201, answer.content
        return answer.json()["partner"]["referral_code"], self.client(answer.json()["access"])

    def buy(self, client, *items):
        """Order, pay at Stripe, and hear of it twice."""
        answer = client.post("/api/v1/orders", {"items": [{"sku": sku, "quantity": n} for sku, n in items]})
        assert answer.status_code == 201, answer.content
        self.stripe.pay(answer.json()["client_secret"].split("_secret_")[0])
        self.hear(answer.json()["id"])
        return answer.json()["id"]

    def hear(self, order_id):
        with site_context(self.site_id):
            payment = Payment.objects.get(subject_id=order_id)
        told = {
            "id": payment.provider_id, "amount": payment.amount, "amount_received": payment.amount, "currency": "inr",
            "metadata": {"site": "ALPHA", "payment_id": str(payment.pk)},
        }  # fmt: skip
        happened = json.loads(json.dumps(event("payment_intent.succeeded", told)))
        for _ in range(2):
            assert send(Client(), happened, secret=self.secret).status_code == 200
            self.deliver()

    def deliver(self):
        while any(outbox.drain(self.site_id, consumer) for consumer in sorted(outbox.consumers())):
            pass

    def owed(self, order_id):
        """{category: what each level is owed, level 1 first}."""
        found = {}
        with site_context(self.site_id):
            rows = Commission.objects.filter(order_id=order_id).order_by("category", "level")
            for category, amount in rows.values_list("category", "amount"):
                found.setdefault(category, []).append(amount)
        return found

    def status(self, code):
        with site_context(self.site_id):
            return Partner.objects.get(code=code).status

    def staff(self):
        with site_context(self.site_id):
            from apps.accounts.models import Membership, User

            user = User.objects.create_user(email="staff@example.com", password=PASSWORD)
            Membership.objects.create(user=user)
            assign_role(user=user, role=Role.objects.get(key="super_admin"), actor=SYSTEM, access=None)
        pair = self.client().post("/api/v1/auth/token", {"email": "staff@example.com", "password": PASSWORD}).json()
        return self.client(pair["access"])


def test_a_hosting_program(alpha):
    code, chain = "", []
    for name in ("ann", "ben", "cara"):  # each comes by the link of the one before, and a server makes them active
        code, client = alpha.register(name, code)
        assert alpha.status(code) == "pending"
        refused = alpha.client().post("/api/v1/track/click", {"referral_code": code})
        assert (refused.status_code, refused.json()["code"]) == (400, "referral_code_inactive")
        server = alpha.buy(client, ("vps-2", 1))
        assert alpha.status(code) == "active"
        chain.append((code, client, server))
    _, dora = alpha.register("dora", code)

    order = alpha.buy(dora, ("vps-2", 1), ("domain", 2), ("backups", 1))

    assert alpha.owed(order) == PAYS
    owned = dora.get("/api/v1/services").json()["results"]
    assert sorted((row["sku"], row["quantity"], row["status"]) for row in owned) == [
        ("backups", 1, "active"), ("domain", 2, "active"), ("vps-2", 1, "active"),
    ]  # fmt: skip

    staff = alpha.staff()
    amount = dora.get(f"/api/v1/orders/{order}").json()["amount"]
    refund = staff.post(f"/api/v1/orders/{order}/refunds", {"external_id": "half", "amount": amount // 2})
    alpha.deliver()
    assert (refund.status_code, refund.json()["order_status"]) == (201, "partially_refunded")
    assert alpha.owed(order) == HALF

    staff.post(f"/api/v1/orders/{order}/refunds", {"external_id": "rest"})
    alpha.deliver()
    assert alpha.owed(order) == {category: [0, 0, 0] for category in PAYS}
    assert {row["status"] for row in dora.get("/api/v1/services").json()["results"]} == {"cancelled"}

    _, _, server = chain[-1]
    staff.post(f"/api/v1/orders/{server}/refunds", {"external_id": "server"})
    assert (alpha.status(code), alpha.status(chain[0][0])) == ("pending", "active")
    with site_context(alpha.site_id):
        assert Order.objects.filter(status="refunded").count() == 2
        assert Product.objects.get(sku="vps-2").inventory is None
