"""One request that succeeds for every mutating route, over a small committed world.

`test_writers.py` breaks each after its first write and feeds each what is not the client's to set. A route without a scenario
fails there, so a new writer joins by itself.
"""

import json
import time
from dataclasses import dataclass, field
from functools import cache
from typing import Any
from uuid import UUID

from django.utils import timezone
from rest_framework.test import APIClient

from apps.accounts.models import Membership, User
from apps.accounts.oidc import set_provider
from apps.accounts.services import begin_two_factor, create_api_key
from apps.accounts.sign_ins import begin_sign_in
from apps.accounts.tests.authenticator import Authenticator, enrol
from apps.accounts.tokens import issue_pair, reset_link_parts
from apps.activities.tests.factories import give_funds, make_enterprise, make_sub_user, offer
from apps.allocations.models import Allocation, Transfer
from apps.allocations.services import allocate_orders, send_batch
from apps.allocations.tests.factories import give_address, make_custody, make_token_order
from apps.allocations.tests.factories import key as custody_key
from apps.audit.services import SYSTEM
from apps.bonuses.services import apply_first_event, freeze_bonus, set_rule
from apps.bonuses.services.applying import FirstThing
from apps.brokers.services import save_account
from apps.catalogue.tests.factories import make_product
from apps.commissions.models import Commission
from apps.commissions.services import commission_orders, create_plan
from apps.commissions.tests.engine_values import percent
from apps.commissions.tests.factories import TERMS, make_order, make_plan
from apps.core.models import OutboxEvent
from apps.fraud.models import Review
from apps.fraud.selectors import fraud_settings
from apps.fraud.services import freeze_partner
from apps.fraud.services.evidence import Found
from apps.fraud.services.reviewing import take_note
from apps.notifications.models import Mail, Notification
from apps.notifications.services import News, tell
from apps.orders.models import Service
from apps.orders.services import ExternalOrder, Item, ReportedLine, place_order, record_external_order
from apps.orders.services.customers import CustomerIds
from apps.payments.services import credentials
from apps.payments.stripe_api import open_intent
from apps.payments.tests.factories import make_account, signature
from apps.payouts.models import Payout, PayoutBatch, PayoutBatchItem
from apps.payouts.services import (
    add_method,
    approve_batch,
    approve_payout,
    book_results,
    propose_batch,
    request_payout,
)
from apps.payouts.services.connecting import begin_connecting
from apps.payouts.services.running import run_step
from apps.rbac.models import Department, Role
from apps.rbac.services import add_member, assign_role, create_department, create_role
from apps.referrals.models import Partner
from apps.referrals.services import create_link, join
from apps.sites import registry
from apps.wallet.models import Deposit
from apps.wallet.services import open_deposit
from apps.wallet.services.deposits import DepositPayments, payment_of
from apps.wallet.tests.factories import give_earnings
from fakes.fireblocks.signing import legacy_signature
from fakes.oidc import FakeIssuer

PASSWORD, NEW_PASSWORD = "correct horse battery", "another good phrase"


@cache
def issuer() -> FakeIssuer:
    """One for each process of tests; it ends with that."""
    return FakeIssuer()


@dataclass
class World:
    """Ann brought Ben; each has something of everything. Dora has two-factor, Cara has begun it. `boss` may do all, `server`
    holds a shop's key."""

    site: Any
    ids: dict[str, Any] = field(default_factory=dict)
    clients: dict[str, APIClient] = field(default_factory=dict)

    def build(self) -> "World":
        ann, ben, cara, dora = (self.member(name) for name in ("ann", "ben", "cara", "dora"))
        boss = self.member("boss")
        assign_role(user=boss, role=Role.objects.get(key="super_admin"), actor=SYSTEM, access=None)
        top = join(user=ann)
        below = join(user=ben, sponsor=top)
        join(user=cara)
        plan = make_plan(*percent("0.10"))
        draft = create_plan(terms=TERMS | {"depth": 1, "name": "Next"}, rules=percent("0.20"), actor=SYSTEM)
        orders = [make_order(below), make_order(below)]
        commission_orders([order.pk for order in orders])
        commissions = Commission.objects.order_by("id")
        for user in (ann, ben, cara):
            give_earnings(user, 5000)
        make_account()
        set_provider(issuer=issuer().url, audience="upline", actor=SYSTEM)
        key, raw = create_api_key(name="shop", scopes=["orders.write"], actor=SYSTEM, access=None)
        uid, token = reset_link_parts(cara)
        approved = approve_payout(payout=request_payout(user=cara, amount=1000), actor=boss)
        self.ids = {
            "ann": ann.pk, "top": top.pk, "below": below.pk, "plan": plan.plan_id, "draft": draft.plan_id,
            "order": orders[0].pk, "commission": commissions[0].pk, "key": key.pk, "uid": uid, "reset_token": token,
            "code": top.code, "link": create_link(partner=top, name="Blog").pk,
            "requested": request_payout(user=ben, amount=1000).pk, "approved": approved.pk,
            **self.organise(ann, cara),
            **owe_tokens(ann),
            "method": add_method(user=ann, kind="upi", details={"vpa": "ann@upi"}).pk,
            "connect": begin_connecting(user=ann, details={}).method_id,
            "otp": enrol(dora)[0].code(),
            "first_otp": Authenticator(begin_two_factor(user=cara, password=PASSWORD).secret).code(),
            "id_token": issuer().token(sub="new", email="brought@example.com"),
            "session": begin_sign_in(user=ann, kind="browser").pk,
        }  # fmt: skip
        self.ids |= self.sell(ann)
        save_account(user=ben, **BROKER)
        offer()
        give_funds(ann, 5000)
        firm = make_enterprise("enterprise@example.com", funds=5000)
        self.ids["sub"] = make_sub_user(firm, "sub-user@example.com").user_id
        self.ids |= reward(ann, ben, self.member("eli"))
        frozen = freeze_partner(partner=Partner.objects.get(user__email="eli@example.com"), reason="odd", actor=SYSTEM)
        self.ids["freeze"] = frozen.pk
        self.ids["review"] = suspect(join(user=self.member("faye"), sponsor=top))
        suspect(top, points=30)
        self.ids |= pay_many(self.member("fay"), self.member("gus"))
        people = {"ann": ann, "ben": ben, "boss": boss, "cara": cara, "dora": dora, "firm": firm.user}
        pairs = {name: issue_pair(user=user, site=self.site) for name, user in people.items()}
        self.ids["refresh"] = pairs["ann"]["refresh"]
        self.clients = {name: self.client(f"Bearer {pair['access']}") for name, pair in pairs.items()}
        self.clients |= {"server": self.client(f"Api-Key {raw}"), "nobody": self.client()}
        return self

    def sell(self, ann: User) -> dict[str, Any]:
        """Something on sale, an order that waits for its payment, and two services of Ann's."""
        product, _ = make_product(sku="vps", inventory=100), make_product(sku="tier", tokens="10")
        line = ReportedLine("server", 1000, period="month")
        for number in (1, 2):
            report = ExternalOrder(f"plan-{number}", CustomerIds(user_id=ann.pk), "INR", (line,))
            record_external_order(report=report, actor=SYSTEM)
        return {
            "product": product.pk, "unpaid": place_order(user=ann, items=[Item("vps")])[0].pk,
            "service": Service.objects.order_by("id")[0].pk,
        }  # fmt: skip

    def organise(self, ann: User, cara: User) -> dict[str, Any]:
        """A role of the site's own that nobody holds, one that Cara does, an empty department, and Ann in another."""
        by = {"actor": SYSTEM, "access": None}
        clerk = create_role(key="clerk", name="Clerk", description="", permissions=["order.read"], **by)
        seller = assign_role(user=cara, role=Role.objects.get(key="sales_executive"), **by)
        return {
            "role": clerk.pk, "cara": cara.pk, "user_role": seller.pk,
            "department": create_department(code="LAB", name="Lab", purpose="", **by).pk,
            "support": (support := Department.objects.get(code="SUPPORT")).pk,
            "member": add_member(department=support, user=ann, **by).pk,
        }  # fmt: skip

    def member(self, name: str) -> User:
        user = User.objects.create_user(email=f"{name}@example.com", password=PASSWORD, full_name=name.title())
        Membership.objects.create(user=user)
        return user

    def client(self, authorization: str = "") -> APIClient:
        found = APIClient(raise_request_exception=False, headers={"X-Site-Code": self.site.code})
        if authorization:
            found.credentials(HTTP_AUTHORIZATION=authorization)
        return found


def owe_tokens(user: User) -> dict[str, Any]:
    """Three allocations of somebody's, the first of them failed."""
    make_custody()
    give_address(user)
    for _ in range(3):
        make_token_order(user, "10")
    allocate_orders(list(OutboxEvent.objects.filter(consumer="allocations", topic="order.paid")))
    first, second, _ = Allocation.objects.order_by("id")
    for row in (first, second):
        send_batch(allocation_ids=[row.pk], actor=SYSTEM)
    transfer = Transfer.objects.get(allocation=first)
    transfer.advance(to="failed")
    transfer.save(update_fields=["status"])
    first.refresh_from_db()
    first.advance(to="failed")
    first.save(update_fields=["status"])
    return {"allocation": Allocation.objects.order_by("id").last().pk, "failed_allocation": first.pk}  # type: ignore[union-attr]


def pay_many(paid: User, waits: User) -> dict[str, Any]:
    """Batches in each state that somebody decides, and a payout that failed."""
    ids: dict[str, Any] = {}
    made = {}
    for user in (paid, waits):
        give_earnings(user, 5000)
        add_method(user=user, kind="upi", details={"vpa": f"{user.email.partition('@')[0]}@upi"})
        batch = propose_batch(with_requests=False, with_available=True, actor=SYSTEM)
        PayoutBatchItem.objects.filter(batch=batch).exclude(user=user).update(status="left_out", code="own_payout")
        made[user] = approve_batch(batch=batch, actor=waits if user == paid else paid, seen=batch.digest)
        run_step(batch.pk, 0)
        run_step(batch.pk, 1)
    (first, second) = (Payout.objects.get(user=user) for user in (paid, waits))
    line = f"ref,status,reference,reason\n{first.pk},failed,,no such account\n"
    book_results(batch=PayoutBatch.objects.get(pk=made[paid].pk), text=line, actor=SYSTEM)
    ids |= {"failed": first.pk, "paid_batch": made[paid].pk, "sent_batch": made[waits].pk, "by_hand": second.pk}
    proposed = propose_batch(with_requests=True, with_available=False, actor=SYSTEM)
    return ids | {"proposed": proposed.pk, "digest": proposed.digest}


def reward(referrer: User, *referred: User) -> dict[str, Any]:
    """Rules, two deposits of the referrer's, the first of them paid, and bonuses: one that waits and one that is frozen."""
    for rule in BONUS_RULES:
        set_rule(**rule, actor=SYSTEM)
    deposit, payment = open_deposit(user=referrer, amount=50_000)
    open_deposit(user=referrer, amount=60_000)
    payment.advance(to="succeeded")
    payment.succeeded_at = timezone.now()
    payment.save(update_fields=["status", "succeeded_at"])
    DepositPayments().paid(payment)
    sponsor = Partner.objects.get(user=referrer)
    newcomer = User.objects.create_user(email=f"newcomer-{referrer.pk}@example.com", password=None)
    Membership.objects.create(user=newcomer)
    for user in (*referred, newcomer):
        if not Partner.objects.filter(user=user).exists():
            join(user=user, sponsor=sponsor)
    made = [apply_first_event(thing=FirstThing(user.pk, "first_bid", "b"), actor=SYSTEM).bonus for user in referred]
    waits, frozen = (bonus for bonus in made if bonus is not None)
    freeze_bonus(bonus=frozen, actor=referred[0])
    tell([News(referrer.pk, "bonus", "b-0", {"amount": 100, "currency": "INR"})])
    told, mail = Notification.objects.get(user=referrer, key="b-0"), Mail.objects.get(user=referrer, key="b-0")
    Mail.objects.filter(pk=mail.pk).update(status="sending")
    Mail.objects.filter(pk=mail.pk).update(status="failed")
    return {
        "deposit": deposit.pk, "bonus": waits.pk, "frozen_bonus": frozen.pk, "newcomer": newcomer.pk, "notification": told.pk,
        "failed mail": mail.pk,
    }  # fmt: skip


def pay_at_the_fake(world: World, fake: Any) -> None:
    """The paid deposit of the world is paid at Stripe's fake too, so that it can be given back there."""
    deposit = Deposit.objects.get(pk=world.ids["deposit"])
    payment = payment_of(deposit)
    intent = open_intent(
        credentials(),
        payment_id=payment.pk,
        amount=payment.amount,
        currency=payment.currency,
        description="",
        metadata={},
    )
    fake.pay(intent.id)
    payment.provider_id = intent.id
    payment.save(update_fields=["provider_id"])


def build_world(site_id: UUID) -> World:
    """Call it inside the site's context; it commits with it."""
    return World(registry.by_id(site_id)).build()


def suspect(partner: Partner, *, points: int = 60) -> UUID:
    """The review of somebody about whom something was noticed."""
    found = Found(
        partner.pk, "sponsor_device", "phone", points, "They and their sponsor use the same device", timezone.now()
    )
    take_note([found], fraud_settings())
    return Review.objects.get(partner=partner).pk


BONUS_RULES: tuple[dict[str, Any], ...] = (
    {"type": "first_bid", "kind": "fixed", "value": 2_500},
    {"type": "first_deposit", "kind": "percent", "value": "0.05"},
)
RULE = {"category": "*", "level": 1, "kind": "percent", "value": "0.05"}
PLAN = {"name": "New", "depth": 1, "rules": [RULE]}

# "METHOD route": (who, path after /api/v1/, body); {name} takes an id of the world.
SCENARIOS: dict[str, tuple[str, str, Any]] = {
    "POST auth/register": (
        "nobody", "auth/register", {"email": "new@example.com", "password": PASSWORD, "referral_code": "{code}"},
    ),
    "POST auth/token": ("nobody", "auth/token", {"email": "ann@example.com", "password": PASSWORD}),
    "POST auth/token/refresh": ("nobody", "auth/token/refresh", {"refresh": "{refresh}"}),
    "POST auth/oidc": ("nobody", "auth/oidc", {"id_token": "{id_token}"}),
    "POST auth/logout": ("nobody", "auth/logout", {"refresh": "{refresh}"}),
    "POST auth/password/change": ("ann", "auth/password/change", {"old_password": PASSWORD, "new_password": NEW_PASSWORD}),
    "POST auth/password/reset": ("nobody", "auth/password/reset", {"email": "ann@example.com"}),
    "POST auth/password/reset/confirm": (
        "nobody", "auth/password/reset/confirm", {"uid": "{uid}", "token": "{reset_token}", "new_password": NEW_PASSWORD},
    ),
    "POST auth/two-factor": ("ann", "auth/two-factor", {"password": PASSWORD}),
    "POST auth/two-factor/confirm": ("cara", "auth/two-factor/confirm", {"otp": "{first_otp}"}),
    "POST auth/two-factor/recovery-codes": ("dora", "auth/two-factor/recovery-codes", {"otp": "{otp}"}),
    "DELETE auth/two-factor": ("dora", "auth/two-factor", {"password": PASSWORD, "otp": "{otp}"}),
    "POST auth/step-up": ("dora", "auth/step-up", {"otp": "{otp}"}),
    "DELETE auth/sessions/<uuid:pk>": ("ann", "auth/sessions/{session}", {}),
    "POST auth/sessions/revoke-all": ("ann", "auth/sessions/revoke-all", {}),
    "PATCH auth/me": ("ann", "auth/me", {"full_name": "Ann Other"}),
    "POST api-keys": ("boss", "api-keys", {"name": "Other", "scopes": ["orders.write"]}),
    "DELETE api-keys/<uuid:pk>": ("boss", "api-keys/{key}", {}),
    "POST api-keys/<uuid:pk>/rotate": ("boss", "api-keys/{key}/rotate", {}),
    "POST affiliate/link": ("ann", "affiliate/link", {"name": "Video"}),
    "PATCH affiliate/link": ("ann", "affiliate/link", {"id": "{link}", "name": "Blog 2"}),
    "POST affiliate/subscribe": ("ann", "affiliate/subscribe", {"path": "purchase"}),
    "POST track/click": ("nobody", "track/click", {"referral_code": "{code}"}),
    "POST admin/referrals/<uuid:pk>/move": ("boss", "admin/referrals/{below}/move", {"new_sponsor_id": None, "reason": "asked"}),
    "PATCH admin/partners/<uuid:pk>": ("boss", "admin/partners/{below}", {"status": "inactive", "reason": "left"}),
    "POST admin/products": ("boss", "admin/products", {"sku": "new", "name": "New", "category": "server", "price": 10}),
    "PATCH admin/products/<uuid:pk>": ("boss", "admin/products/{product}", {"price": 20, "units": 1, "reason": "found one"}),
    "POST orders": ("ann", "orders", {"items": [{"sku": "vps"}]}),
    "POST orders/<uuid:pk>/cancel": ("ann", "orders/{unpaid}/cancel", {"reason": "changed my mind"}),
    "POST services/<uuid:pk>/cancel": ("ann", "services/{service}/cancel", {"reason": "moved"}),
    "POST orders/external": (
        "server", "orders/external",
        {"external_id": "E-1", "customer": {"email": "ben@example.com"}, "currency": "INR",
         "lines": [{"category": "server", "amount": 1000}]},
    ),
    "POST orders/<uuid:pk>/refunds": ("server", "orders/{order}/refunds", {"external_id": "R-1", "amount": 10}),
    "POST wallet/transfers": ("ann", "wallet/transfers", {"from": "earnings", "to": "funds", "amount": 10}),
    "POST wallet/credits": (
        "boss", "wallet/credits",
        {"user_id": "{ann}", "amount": 10, "currency": "INR", "ref_type": "goodwill", "ref_id": "1", "meta": {}},
    ),
    "POST commissions/approve": ("boss", "commissions/approve", {"ids": ["{commission}"]}),
    "POST commissions/<uuid:commission_id>/approve": ("boss", "commissions/{commission}/approve", {}),
    "POST commissions/<uuid:commission_id>/reject": ("boss", "commissions/{commission}/reject", {"reason": "household"}),
    "POST commission-plans": ("boss", "commission-plans", PLAN),
    "PATCH commission-plans/<uuid:plan_id>": ("boss", "commission-plans/{plan}", {"name": "Other"}),
    "POST commission-plans/<uuid:plan_id>/publish": ("boss", "commission-plans/{draft}/publish", {}),
    "PUT commission-plans/overrides/<uuid:partner_id>": ("boss", "commission-plans/overrides/{top}", {"rules": [RULE]}),
    "POST payouts/request": ("ann", "payouts/request", {"amount": 1000}),
    "POST payouts/<uuid:pk>/approve": ("boss", "payouts/{requested}/approve", {}),
    "POST payouts/<uuid:pk>/reject": ("boss", "payouts/{requested}/reject", {"reason": "wrong account"}),
    "POST payouts/<uuid:pk>/process": ("boss", "payouts/{approved}/process", {"reference": "B-1"}),
    "POST payouts/<uuid:pk>/cancel": ("ben", "payouts/{requested}/cancel", {}),
    "POST payout-methods": ("ann", "payout-methods", {"kind": "upi", "details": {"vpa": "ann2@upi"}}),
    "POST roles": ("boss", "roles", {"key": "helper", "name": "Helper", "permissions": ["order.read"]}),
    "PUT roles/<uuid:pk>": ("boss", "roles/{role}", {"name": "Clerks", "permissions": ["order.read", "billing.read"]}),
    "DELETE roles/<uuid:pk>": ("boss", "roles/{role}", {}),
    "POST roles/<uuid:pk>/permissions": ("boss", "roles/{role}/permissions", {"permissions": ["billing.read"]}),
    "DELETE roles/<uuid:pk>/permissions/<str:key>": ("boss", "roles/{role}/permissions/order.read", {}),
    "POST users/<uuid:pk>/roles": ("boss", "users/{ann}/roles", {"role": "clerk", "expires_at": "2099-01-01T00:00:00Z"}),
    "PUT users/<uuid:pk>/roles/<uuid:user_role_id>": (
        "boss", "users/{cara}/roles/{user_role}", {"role": "clerk", "expires_at": "2099-01-01T00:00:00Z"},
    ),
    "DELETE users/<uuid:pk>/roles/<uuid:user_role_id>": ("boss", "users/{cara}/roles/{user_role}", {}),
    "POST departments": ("boss", "departments", {"code": "FIELD", "name": "Field", "parent_id": "{support}"}),
    "PUT departments/<uuid:pk>": ("boss", "departments/{department}", {"name": "Labs", "head_id": "{ann}"}),
    "DELETE departments/<uuid:pk>": ("boss", "departments/{department}", {}),
    "POST departments/<uuid:pk>/members": (
        "boss", "departments/{support}/members", {"user_id": "{cara}", "position": "support_agent"},
    ),
    "PATCH departments/<uuid:pk>/members/<uuid:member_id>": (
        "boss", "departments/{support}/members/{member}", {"position": "support_agent"},
    ),
    "DELETE departments/<uuid:pk>/members/<uuid:member_id>": ("boss", "departments/{support}/members/{member}", {}),
    "DELETE payout-methods/<uuid:pk>": ("ann", "payout-methods/{method}", {}),
    "POST payout-methods/<uuid:pk>/onboarding": ("ann", "payout-methods/{connect}/onboarding", {}),
}  # fmt: skip

SCENARIOS |= {
    "POST payouts/<uuid:pk>/retry": ("boss", "payouts/{failed}/retry", {}),
    "POST admin/payouts/batches": ("boss", "admin/payouts/batches", {"requests": True, "available": True}),
    "POST admin/payouts/batches/<uuid:pk>/refresh": ("boss", "admin/payouts/batches/{proposed}/refresh", {}),
    "POST admin/payouts/batches/<uuid:pk>/approve": ("boss", "admin/payouts/batches/{proposed}/approve", {"seen": "{digest}"}),
    "POST admin/payouts/batches/<uuid:pk>/cancel": ("boss", "admin/payouts/batches/{proposed}/cancel", {}),
    "POST admin/payouts/batches/<uuid:pk>/close": ("boss", "admin/payouts/batches/{paid_batch}/close", {}),
    "POST admin/payouts/batches/<uuid:pk>/bank-file": ("boss", "admin/payouts/batches/{sent_batch}/bank-file", {}),
    "POST admin/payouts/batches/<uuid:pk>/results": (
        "boss", "admin/payouts/batches/{sent_batch}/results",
        {"file": "ref,status,reference,reason\n{by_hand},paid,B-1,\n"},
    ),
    "POST admin/payouts/reconciliation": ("boss", "admin/payouts/reconciliation", {"days": 7}),
}  # fmt: skip

SCENARIOS |= {
    "POST admin/allocations/batches": ("boss", "admin/allocations/batches", {"allocation_ids": ["{allocation}"]}),
    "POST admin/allocations/<uuid:pk>/retry": ("boss", "admin/allocations/{failed_allocation}/retry", {}),
}

BROKER = {"broker_name": "Zerodha", "client_id": "AB1234", "api_key": "kite-key-0123456789"}
SCENARIOS |= {
    "PUT broker-account": ("ann", "broker-account", BROKER),
    "DELETE broker-account": ("ben", "broker-account", {}),
}

SCENARIOS |= {
    "POST activities": ("ann", "activities", {"type": "report_generation", "params": {"format": "xlsx"}}),
    "POST enterprise/sub-users": (
        "firm", "enterprise/sub-users", {"email": "second@example.com", "password": PASSWORD, "spending_limit": 5000},
    ),
    "PATCH enterprise/sub-users/<uuid:pk>": ("firm", "enterprise/sub-users/{sub}", {"is_active": False}),
}  # fmt: skip

SCENARIOS |= {
    "POST wallet/deposits": ("ann", "wallet/deposits", {"amount": 50_000}),
    "POST wallet/deposits/<uuid:pk>/refunds": (
        "boss", "wallet/deposits/{deposit}/refunds", {"external_id": "R-1", "amount": 10},
    ),
    "POST referral/events/first-deposit": (
        "boss", "referral/events/first-deposit",
        {"user_id": "{newcomer}", "deposit_amount": 1_000, "wallet_transaction_id": "tx-1"},
    ),
    "POST referral/events/deposit-refunded": (
        "boss", "referral/events/deposit-refunded", {"wallet_transaction_id": "tx-9", "refunded_amount": 1_000},
    ),
    "POST notifications/<uuid:pk>/read": ("ann", "notifications/{notification}/read", {}),
    "POST notifications/read-all": ("ann", "notifications/read-all", {}),
    "PATCH notifications/preferences": ("ann", "notifications/preferences", {"bonus": {"inbox": True, "email": "off"}}),
    "POST referral/events/first-bid": ("boss", "referral/events/first-bid", {"user_id": "{newcomer}", "bid_id": "b-1"}),
    "PATCH admin/referral/bonus/<uuid:pk>/status": (
        "boss", "admin/referral/bonus/{bonus}/status", {"status": "approved", "reason": "right"},
    ),
    "PATCH admin/referral/bonus/<uuid:pk>/freeze": (
        "boss", "admin/referral/bonus/{bonus}/freeze", {"frozen": True, "fraud_notes": "odd"},
    ),
    "PUT admin/referral/bonus/settings": (
        "boss", "admin/referral/bonus/settings",
        {"type": "agent_first_bid", "kind": "fixed", "value": 5_000, "auto_credit": False},
    ),
}  # fmt: skip

SCENARIOS |= {
    "POST admin/fraud/freezes": ("boss", "admin/fraud/freezes", {"partner_id": "{below}", "reason": "odd"}),
    "POST admin/fraud/freezes/<uuid:pk>/lift": ("boss", "admin/fraud/freezes/{freeze}/lift", {"reason": "settled"}),
    "POST admin/fraud/reviews/<uuid:pk>/clear": ("boss", "admin/fraud/reviews/{review}/clear", {"reason": "a family"}),
    "POST admin/fraud/reviews/<uuid:pk>/confirm": (
        "boss",
        "admin/fraud/reviews/{review}/confirm",
        {"reason": "one person"},
    ),
    "PUT admin/fraud/settings": ("boss", "admin/fraud/settings", {"hold_at": 50, "points": {"fast_signup": 0}}),
}

# Doors of outside services: the event is signed as it is sent.
SCENARIOS |= {
    "POST webhooks/stripe/<str:site_code>": (
        "nobody", "webhooks/stripe/ALPHA", {"id": "evt_1", "type": "payment_intent.succeeded", "data": {"object": {}}},
    ),
    "POST webhooks/fireblocks/<str:site_code>": (
        "nobody", "webhooks/fireblocks/ALPHA", {"type": "TRANSACTION_CREATED", "timestamp": lambda: int(time.time() * 1000)},
    ),
}  # fmt: skip
SIGNED = {
    "POST webhooks/stripe/<str:site_code>": ("stripe-signature", signature),
    "POST webhooks/fireblocks/<str:site_code>": (
        "fireblocks-signature", lambda body: legacy_signature(body, custody_key("legacy")),
    ),
}  # fmt: skip

# Routes whose success writes nothing: there is no first write to break.
WRITES_NOTHING = {"POST affiliate/subscribe"}


def send(world: World, name: str, extra: dict[str, Any] | None = None) -> Any:
    who, path, body = SCENARIOS[name]
    method = name.partition(" ")[0].lower()
    url = "/api/v1/" + path.format(**world.ids)
    sent = {**filled(body, world.ids), **(extra or {})}
    if name not in SIGNED:
        return getattr(world.clients[who], method)(url, sent, format="json")
    header, sign = SIGNED[name]
    raw = json.dumps(sent).encode()
    return world.clients[who].post(url, raw, content_type="application/json", headers={header: sign(raw)})


def filled(value: Any, ids: dict[str, Any]) -> Any:
    if isinstance(value, str):
        return value.format(**ids)
    if callable(value):
        return value()
    if isinstance(value, list):
        return [filled(item, ids) for item in value]
    if isinstance(value, dict):
        return {key: filled(item, ids) for key, item in value.items()}
    return value
