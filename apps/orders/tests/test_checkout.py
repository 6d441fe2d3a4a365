"""An order of our own checkout: placed, paid, refused, lapsed, cancelled (P8, P9)."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from uuid import uuid4

import pytest
from django.db import connections
from django.utils import timezone

from apps.accounts.models import Membership, User
from apps.accounts.tokens import issue_pair
from apps.audit.models import AuditEvent
from apps.audit.services import SYSTEM
from apps.catalogue.services import update_product
from apps.catalogue.tests.factories import make_product
from apps.commissions.models import Commission
from apps.commissions.tests.engine_values import percent
from apps.commissions.tests.factories import make_plan
from apps.core.tenancy import site_context
from apps.orders.models import Order, OrderLine, Refund, Service
from apps.orders.services import cancel_order, lapse_order, open_payment_of
from apps.orders.tasks import lapse_orders_of_site
from apps.payments import errors as payment_errors
from apps.payments import stripe_api
from apps.payments.models import Payment
from apps.payments.services import set_stripe_account
from apps.payments.tests.factories import dispute_of, intent_of
from apps.referrals.services import move_partner
from apps.referrals.tests.factories import make_chain, make_partner
from apps.sites import registry

API = "/api/v1"


@pytest.fixture
def chain(site):
    """Cara was brought by Ben, and Ben by Ann."""
    return dict(zip(("ann", "ben", "cara"), make_chain(3), strict=True))


def buy(client, *items, **kwargs):
    return client.post(f"{API}/orders", {"items": [{"sku": sku, "quantity": n} for sku, n in items]}, **kwargs)


def left(product):
    product.refresh_from_db()
    return product.inventory


def order_of(answer):
    return Order.objects.get(pk=answer.json()["id"])


def test_a_basket_becomes_an_order_and_a_payment(api, shop, chain):
    server, token = make_product(sku="vps", price=10_000), make_product(
        sku="tier-1", category="token", price=25_000, tokens="12.5", inventory=10
    )  # fmt: skip

    answer = buy(api(chain["cara"].user), ("tier-1", 2), ("vps", 1), ("tier-1", 1))

    told = answer.json()
    assert (answer.status_code, told["status"], told["amount"], told["currency"]) == (201, "pending", 85_000, "INR")
    assert [(line["sku"], line["quantity"], line["amount"], line["tokens"]) for line in told["lines"]] == [
        ("tier-1", 3, 75_000, "37.500000000000000000"),
        ("vps", 1, 10_000, None),
    ]
    payment = Payment.objects.get()
    assert told["client_secret"].startswith(f"{payment.provider_id}_secret_")
    assert (payment.amount, payment.status, payment.subject_id) == (85_000, "open", order_of(answer).pk)
    assert (left(token), left(server)) == (7, None)
    assert Commission.objects.count() == 0


def test_paid_pays_the_upline_and_plan_of_that_moment(api, shop, chain, pay):
    """Not those of the moment it was placed (settled.md, Orders and commissions)."""
    make_product(sku="vps", price=10_000)
    order = order_of(buy(api(chain["cara"].user), ("vps", 1)))
    make_plan(*percent("0.10", "0.05"))
    other = make_partner()
    move_partner(partner=chain["cara"], new_sponsor=other, reason="asked", actor=other.user)

    pay(order)
    pay(order)

    assert order.status == "paid"
    assert [(row.partner_id, row.amount) for row in Commission.objects.order_by("level")] == [(other.pk, 1_000)]
    assert AuditEvent.objects.filter(action="order.paid").count() == 1


@pytest.mark.parametrize(
    ("items", "code", "field"),
    [
        ([("nothing", 1)], "product_unknown", "items.0.sku"),
        ([("vps", 1), ("gone", 1)], "product_unknown", "items.1.sku"),
        ([("dear", 1_000_000)], "amount_too_large", "items"),
        ([("vps", 1_000_000), ("vps", 1)], "invalid", "items.0.quantity"),
    ],
)
def test_what_can_not_be_bought_takes_nothing(api, shop, chain, items, code, field):
    product = make_product(sku="vps", inventory=10_000_000)
    make_product(sku="gone", is_active=False)
    make_product(sku="dear", price=10**15)

    answer = buy(api(chain["cara"].user), *items)

    assert (answer.status_code, answer.json()["code"]) == (400, code)
    assert answer.json()["errors"][0]["field"] == field
    assert (left(product), Order.objects.count(), Payment.objects.count()) == (10_000_000, 0, 0)


@pytest.mark.parametrize(
    "body", [{}, {"items": []}, {"items": [{"sku": "vps", "quantity": 0}]}, {"items": [{"quantity": 1}]}]
)
def test_a_basket_has_something_in_it(api, shop, chain, body):
    assert api(chain["cara"].user).post(f"{API}/orders", body).status_code == 400
    assert Order.objects.count() == 0


def test_sold_out_names_the_sku_and_keeps_nothing_of_the_rest(api, shop, chain):
    many, few = make_product(sku="many", inventory=10), make_product(sku="few", inventory=1)

    answer = buy(api(chain["cara"].user), ("many", 5), ("few", 2))

    assert (answer.status_code, answer.json()["code"], "few" in str(answer.json())) == (409, "sold_out", True)
    assert (left(many), left(few), Order.objects.count(), Payment.objects.count()) == (10, 1, 0, 0)


def test_a_site_without_an_account_sells_nothing(api, site, chain):
    product = make_product(sku="vps", inventory=3)

    answer = buy(api(chain["cara"].user), ("vps", 1))

    assert (answer.status_code, answer.json()["code"]) == (409, "payments_unavailable")
    assert (left(product), Order.objects.count()) == (3, 0)


def test_stripe_that_does_not_answer_keeps_no_units(api, shop, chain):
    product = make_product(sku="vps", inventory=3)
    shop.faults(next_after_commit_500=1)

    answer = buy(api(chain["cara"].user), ("vps", 1))

    assert (answer.status_code, answer.json()["code"]) == (503, "payment_provider_unavailable")
    assert (left(product), Order.objects.get().status) == (3, "cancelled")


def test_the_same_key_is_the_same_order(api, shop, chain):
    make_product(sku="vps", inventory=3)
    client = api(chain["cara"].user)

    first, again = (buy(client, ("vps", 1), headers={"idempotency-key": "k"}) for _ in range(2))

    assert (first.json(), again["Idempotent-Replayed"]) == (again.json(), "true")
    assert Order.objects.count() == 1


def test_a_refused_card_may_be_tried_again(api, shop, chain, told, pay):
    product = make_product(sku="vps", inventory=3)
    order = order_of(buy(api(chain["cara"].user), ("vps", 1)))

    told("payment_intent.payment_failed", intent_of(open_payment_of(order), amount_received=0))
    order.refresh_from_db()
    assert (order.status, left(product)) == ("failed", 2)

    assert (pay(order).status, left(product)) == ("paid", 2)


def test_its_buyer_gives_an_order_up(api, shop, chain, pay):
    product = make_product(sku="vps", inventory=3)
    client = api(chain["cara"].user)
    order = order_of(buy(client, ("vps", 2)))

    stranger = api(chain["ann"].user).post(f"{API}/orders/{order.pk}/cancel", {})
    answers = [client.post(f"{API}/orders/{order.pk}/cancel", {"reason": "changed my mind"}) for _ in range(2)]

    assert (stranger.status_code, [answer.status_code for answer in answers]) == (404, [200, 409])
    assert (answers[0].json()["status"], answers[1].json()["code"], left(product)) == ("cancelled", "invalid_state", 3)
    assert open_payment_of(order).status == "cancelled"


def test_money_for_an_order_that_was_given_up_goes_back(api, shop, chain, pay, deliver):
    product = make_product(sku="vps", inventory=3)
    make_plan(*percent("0.10"))
    client = api(chain["cara"].user)
    order = order_of(buy(client, ("vps", 2)))
    client.post(f"{API}/orders/{order.pk}/cancel", {})

    pay(order)

    payment = open_payment_of(order)
    assert (order.status, payment.status, left(product)) == ("cancelled", "succeeded", 3)
    assert payment.refunds.get().amount == 20_000
    assert Commission.objects.count() == 0


def test_paid_while_it_is_given_up_stays_paid(api, shop, chain, pay):
    """Stripe decides who was faster."""
    product = make_product(sku="vps", inventory=3)
    client = api(chain["cara"].user)
    order = order_of(buy(client, ("vps", 1)))
    shop.pay(open_payment_of(order).provider_id)

    answer = client.post(f"{API}/orders/{order.pk}/cancel", {})

    assert (answer.status_code, answer.json()["code"], left(product)) == (409, "invalid_state", 2)
    assert pay(order).status == "paid"


def test_a_refund_is_made_at_stripe_first(api, shop, chain, pay, deliver, make_user):
    product = make_product(sku="vps", inventory=3)
    make_plan(*percent("0.10"))
    staff = api(make_user(roles=["super_admin"]))
    order = pay(order_of(buy(api(chain["cara"].user), ("vps", 1))))
    shop.pay(open_payment_of(order).provider_id)

    url = f"{API}/orders/{order.pk}/refunds"
    first = staff.post(url, {"external_id": "R-1", "amount": 4_000, "reason": "late"})
    again = staff.post(url, {"external_id": "R-1", "amount": 4_000, "reason": "late"})
    more = staff.post(url, {"external_id": "R-2", "amount": 6_001})
    rest = staff.post(url, {"external_id": "R-3"})
    none = staff.post(url, {"external_id": "R-4"})
    deliver()

    assert [answer.status_code for answer in (first, again, more, rest, none)] == [201, 200, 400, 201, 409]
    assert (more.json()["code"], none.json()["code"]) == ("refund_exceeds_order", "invalid_state")
    assert first.json()["id"] == again.json()["id"]
    assert list(Refund.objects.order_by("id").values_list("external_id", "amount")) == [("R-1", 4_000), ("R-3", 6_000)]
    assert [row["params"]["amount"] for row in shop.get("requests") if row["path"] == "/v1/refunds"] == ["4000", "6000"]
    order.refresh_from_db()
    assert (order.status, left(product)) == ("refunded", 2)
    assert Commission.objects.get().status == "reversed"


def test_nothing_of_a_disputed_order_is_approved(api, shop, chain, pay, told, make_user):
    make_product(sku="vps")
    make_plan(*percent("0.10"))
    order = pay(order_of(buy(api(chain["cara"].user), ("vps", 1))))
    commission, staff = Commission.objects.get(), api(make_user(roles=["super_admin"]))
    url = f"{API}/commissions/{commission.pk}/approve"

    told("charge.dispute.created", dispute_of(open_payment_of(order)))
    during = staff.post(url, {})
    commission.refresh_from_db()
    assert (during.status_code, during.json()["code"], commission.status) == (409, "order_disputed", "pending")

    told("charge.dispute.closed", dispute_of(open_payment_of(order), status="won"))
    assert staff.post(url, {}).status_code == 200


def test_a_lost_dispute_takes_everything_back(api, shop, chain, pay, told):
    make_product(sku="vps")
    make_plan(*percent("0.10", "0.05"))
    order = pay(order_of(buy(api(chain["cara"].user), ("vps", 1))))

    told("charge.dispute.created", dispute_of(open_payment_of(order)))
    told("charge.dispute.closed", dispute_of(open_payment_of(order), status="lost"))

    order.refresh_from_db()
    assert (order.status, order.disputed_at) == ("refunded", None)
    assert set(Commission.objects.values_list("status", "amount")) == {("reversed", 0)}


def test_a_key_whose_call_failed_may_be_used_again(api, shop, chain):
    product = make_product(sku="vps", inventory=3)
    client = api(chain["cara"].user)
    shop.faults(next_after_commit_500=1)

    first, again = (buy(client, ("vps", 1), headers={"idempotency-key": "k"}) for _ in range(2))

    assert (first.status_code, again.status_code) == (503, 201)
    assert (again.json()["status"], left(product), Order.objects.count()) == ("pending", 2, 2)


def test_given_up_while_it_is_being_opened(api, shop, chain, monkeypatch):
    """The buyer's other tab was faster; Stripe then refuses. What it took goes back once."""
    product = make_product(sku="vps", inventory=3)

    def refuses(*args, **kwargs):
        with site_context(product.site_id):
            order = Order.objects.get()
            cancel_order(order=order, state="canceled", actor=chain["cara"].user, reason="Changed my mind")
        raise payment_errors.provider_refused("this payment was cancelled")

    monkeypatch.setattr(stripe_api, "open_intent", refuses)
    answer = buy(api(chain["cara"].user), ("vps", 1))

    assert (answer.status_code, answer.json()["code"]) == (409, "payment_provider_refused")
    assert (left(product), Order.objects.get().status) == (3, "cancelled")


def test_an_account_that_takes_no_more_payments_gives_units_back(api, shop, chain):
    product = make_product(sku="vps", inventory=3)
    client = api(chain["cara"].user)
    given_up, lapsed = (order_of(buy(client, ("vps", 1))) for _ in range(2))
    set_stripe_account(actor=SYSTEM, is_active=False)

    assert client.post(f"{API}/orders/{given_up.pk}/cancel", {}).status_code == 200
    assert lapse_order(site_id=lapsed.site_id, order_id=lapsed.pk)

    assert (left(product), {row.status for row in Order.objects.all()}) == (3, {"cancelled"})
    assert {row.status for row in Payment.objects.all()} == {"cancelled"}


def test_a_refund_beside_a_lost_dispute_says_what_became_of_it(api, shop, chain, pay, told, make_user, monkeypatch):
    """The bank takes all of it while ours is on its way: the order can't go back twice."""
    make_product(sku="vps")
    order = pay(order_of(buy(api(chain["cara"].user), ("vps", 1))))
    staff, made = api(make_user(roles=["super_admin"])), stripe_api.MadeRefund("re_late", "succeeded")

    def late(*args, **kwargs):
        told("charge.dispute.closed", dispute_of(open_payment_of(order), status="lost"))
        return made

    monkeypatch.setattr(stripe_api, "make_refund", late)
    answers = [staff.post(f"{API}/orders/{order.pk}/refunds", {"external_id": "R-1"}) for _ in range(2)]

    assert [(answer.status_code, answer.json()["code"]) for answer in answers] == [(409, "invalid_state")] * 2
    order.refresh_from_db()
    assert (order.status, order.refunded_amount, Refund.objects.count()) == ("refunded", 10_000, 1)


def test_tokens_are_exact_and_bounded(api, shop, chain):
    make_product(sku="fine", tokens="12345678901.123456789012345678")
    make_product(sku="vast", tokens="99999999999999999999")
    client = api(chain["cara"].user)

    fine, vast = buy(client, ("fine", 3)), buy(client, ("vast", 10))

    assert fine.json()["lines"][0]["tokens"] == "37037036703.370370367037037034"
    assert (vast.status_code, vast.json()["code"]) == (400, "amount_too_large")
    shown = {row["sku"]: row["tokens"] for row in client.get(f"{API}/tiers").json()["results"]}
    assert shown["fine"] == "12345678901.123456789012345678"


def test_a_renewal_takes_no_further_unit(api, shop, chain, pay):
    """What its buyer has is theirs to go on with, also when no more are to be had."""
    product = make_product(sku="vps", inventory=1, period="month")
    client = api(chain["cara"].user)
    pay(order_of(buy(client, ("vps", 1))))
    service = Service.objects.get()

    answer = client.post(f"{API}/orders", {"items": [{"sku": "vps", "quantity": 1, "renews": str(service.pk)}]})

    assert (answer.status_code, left(product)) == (201, 0)
    renewal = order_of(answer)
    client.post(f"{API}/orders/{renewal.pk}/cancel", {})
    assert left(product) == 0
    assert buy(client, ("vps", 1)).json()["code"] == "sold_out"


def test_the_price_of_the_order_is_paid_and_not_that_of_now(api, shop, chain, pay):
    product = make_product(sku="vps", price=10_000)
    make_plan(*percent("0.10"))
    order = order_of(buy(api(chain["cara"].user), ("vps", 1)))
    update_product(product=product, changes={"price": 99_000, "category": "dearer"}, actor=SYSTEM)

    assert (pay(order).status, order.amount, order.lines.get().category) == ("paid", 10_000, product.category)
    assert Commission.objects.get().amount == 1_000


@pytest.mark.parametrize("path", ["orders/{}", "orders/{}/cancel", "orders/{}/refunds", "services/{}/cancel"])
def test_another_buyers_is_answered_as_what_never_was(api, shop, chain, pay, path):
    make_product(sku="vps", period="month")
    order = pay(order_of(buy(api(chain["cara"].user), ("vps", 1))))
    theirs = Service.objects.get().pk if "services" in path else order.pk
    stranger, body = api(chain["ann"].user), {"external_id": "R-1"}

    answers = [
        stranger.get(f"{API}/{path.format(pk)}")
        if path == "orders/{}"
        else stranger.post(f"{API}/{path.format(pk)}", body)
        for pk in (theirs, uuid4())
    ]

    told = [{**answer.json(), "request_id": ""} for answer in answers]
    assert (told[0], answers[0].status_code) == (told[1], answers[1].status_code)
    assert answers[0].status_code in (403, 404)
    assert Refund.objects.count() == 0


@pytest.mark.parametrize(
    "item",
    [
        {"sku": "vps", "quantity": 1e30}, {"sku": "vps", "quantity": 1.0}, {"sku": "vps", "quantity": True},
        {"sku": "vps", "quantity": 10**40}, {"sku": "vps\x00"}, {"sku": ["vps"]}, {"sku": {"a": 1}}, {"sku": "v" * 65}, "vps",
        None, {"sku": "vps", "renews": "x"}, {"sku": "vps", "renews": 1},
    ],
)  # fmt: skip
def test_what_is_no_item_stores_nothing(api, shop, chain, item):
    product = make_product(sku="vps", inventory=3)

    answer = api(chain["cara"].user).post(f"{API}/orders", {"items": [{"sku": "vps"}, item]})

    assert (answer.status_code, left(product), Order.objects.count()) == (400, 3, 0)


@pytest.mark.parametrize(
    "body", [{"amount": 1.0}, {"amount": 0}, {"amount": -1}, {"amount": 10**30}, {"external_id": "\x00"}]
)
def test_what_is_no_refund_asks_stripe_for_nothing(api, shop, chain, pay, make_user, body):
    make_product(sku="vps")
    order = pay(order_of(buy(api(chain["cara"].user), ("vps", 1))))

    answer = api(make_user(roles=["super_admin"])).post(
        f"{API}/orders/{order.pk}/refunds", {"external_id": "R-1"} | body
    )

    assert (answer.status_code, Refund.objects.count(), open_payment_of(order).refunds.count()) == (400, 0, 0)


def test_orders_that_stripe_keeps_stand_in_nobodys_way(api, shop, chain, monkeypatch):
    """Paid there, and no event told us: asked about ever again, they must not be all that is asked about."""
    product = make_product(sku="vps", inventory=3)
    client = api(chain["cara"].user)
    placed = [order_of(buy(client, ("vps", 1))) for _ in range(3)]
    for order in placed[:2]:
        shop.pay(open_payment_of(order).provider_id)
    monkeypatch.setattr("apps.orders.tasks.BATCH", 2)
    later = timezone.now() + timedelta(minutes=31)
    monkeypatch.setattr("django.utils.timezone.now", lambda: later)

    given_up = sum(lapse_orders_of_site(str(product.site_id)) for _ in range(25))

    assert (given_up, left(product)) == (1, 1)


def members(site_id, count):
    """Committed, each with a client of their own."""
    from rest_framework.test import APIClient

    with site_context(site_id):
        site = registry.by_id(site_id)
        for number in range(count):
            user = User.objects.create_user(email=f"buyer{number}@example.com", password=None)
            Membership.objects.create(user=user)
            token = issue_pair(user=user, site=site)["access"]
            yield APIClient(headers={"x-site-code": "ALPHA", "authorization": f"Bearer {token}"})


@pytest.mark.django_db(transaction=True)
def test_fifty_buyers_for_the_last_ten(committed_shop, stripe, settings):
    """Exactly ten orders, and after they lapse exactly ten units are there again (issue 4, Done when)."""
    settings.UPLINE_THROTTLE = False
    with site_context(committed_shop):
        product = make_product(sku="tier-1", inventory=10)
    clients = list(members(committed_shop, 50))

    def run(client):
        try:
            answer = buy(client, ("tier-1", 1))
            return answer.status_code, answer.json().get("code")
        finally:
            connections.close_all()

    with ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(run, clients))

    assert (answers.count((201, None)), answers.count((409, "sold_out"))) == (10, 40)
    with site_context(committed_shop):
        assert (left(product), Order.objects.count(), OrderLine.objects.count()) == (0, 10, 10)
        ids = list(Order.objects.values_list("pk", flat=True))

    later = timezone.now() + timedelta(minutes=31)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("django.utils.timezone.now", lambda: later)
        assert lapse_orders_of_site(str(committed_shop)) == 10
    assert not any(lapse_order(site_id=committed_shop, order_id=pk) for pk in ids)

    with site_context(committed_shop):
        assert left(product) == 10
        assert set(Order.objects.values_list("status", flat=True)) == {"cancelled"}
