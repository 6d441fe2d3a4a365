"""Orders as a shop, a buyer and staff see them."""

from uuid import uuid4

import pytest

from apps.accounts.services import create_api_key
from apps.audit.models import AuditEvent
from apps.audit.services import SYSTEM
from apps.core.tenancy import site_context
from apps.orders.models import Customer, Order, OrderLine, Refund
from apps.orders.tests.factories import make_order, refund_order
from apps.referrals.tests.factories import make_chain, make_partner

API = "/api/v1"
FRAME = 4


def make_client(api, scope="orders.write"):
    return api(key=create_api_key(name="shop", scopes=[scope], actor=SYSTEM, access=None)[1])


@pytest.fixture
def shop(api):
    return make_client(api)


def body(**changes):
    return {
        "external_id": "S-1",
        "customer": {"email": "Guest@Example.com"},
        "currency": "INR",
        "lines": [{"category": "server", "sku": "vps-2", "name": "VPS", "quantity": 2, "amount": 100_000}],
    } | changes


def line(**changes):
    return {"category": "server", "amount": 100} | changes


def test_a_shop_reports_an_order_once(shop):
    first = shop.post(f"{API}/orders/external", body())
    again = shop.post(f"{API}/orders/external", body())
    other = shop.post(f"{API}/orders/external", body(lines=[line()]))

    assert (first.status_code, again.status_code, other.status_code) == (201, 200, 409)
    order = first.json()
    assert again.json() == order
    assert other.json()["code"] == "external_id_conflict"
    assert (order["status"], order["amount"], order["currency"], order["refunded_amount"]) == (
        "paid",
        100_000,
        "INR",
        0,
    )
    assert order["customer"] | {"id": None} == {
        "id": None, "email": "guest@example.com", "user_id": None, "external_id": None,
    }  # fmt: skip
    assert order["lines"][0] | {"id": None} == {
        "id": None, "category": "server", "sku": "vps-2", "name": "VPS", "quantity": 2, "amount": 100_000, "refunded_amount": 0,
        "tokens": None, "period": "", "renews_id": None, "cycle": 1,
    }  # fmt: skip
    assert order["commissioned_at"] is None
    assert AuditEvent.objects.get(action="order.recorded").actor_kind == "api_key"


def test_an_idempotency_key_gives_the_first_answer(shop, transactional_db):
    key = {"Idempotency-Key": "k1"}
    first = shop.post(f"{API}/orders/external", body(), headers=key)
    again = shop.post(f"{API}/orders/external", body(), headers=key)

    assert (again.status_code, again["Idempotent-Replayed"], again.content) == (201, "true", first.content)
    assert shop.post(f"{API}/orders/external", body(external_id="S-2"), headers=key).status_code == 422


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"lines": []}, "lines"),
        ({"lines": [line()] * 101}, "lines"),
        ({"lines": [line(amount=0)]}, "lines.0.amount"),
        ({"lines": [line(amount=-5)]}, "lines.0.amount"),
        ({"lines": [line(amount=10**15 + 1)]}, "lines.0.amount"),
        ({"lines": [line(amount="100")]}, "lines.0.amount"),
        ({"lines": [line(amount=1.5)]}, "lines.0.amount"),
        ({"lines": [line(amount=True)]}, "lines.0.amount"),
        ({"lines": [line(quantity=0)]}, "lines.0.quantity"),
        ({"lines": [line(category="*")]}, "lines.0.category"),
        ({"lines": [line(category="")]}, "lines.0.category"),
        ({"lines": [{"category": "x"}]}, "lines.0.amount"),
        ({"customer": {}}, "customer"),
        ({"customer": {"email": "", "external_id": None}}, "customer.email"),
        ({"customer": {"email": "nobody"}}, "customer.email"),
        ({"customer": {"user_id": "7"}}, "customer.user_id"),
        ({"customer": "guest"}, "customer"),
        ({"external_id": ""}, "external_id"),
        ({"external_id": "x" * 129}, "external_id"),
        ({"paid_at": "yesterday"}, "paid_at"),
        ({"currency": "RUPEE"}, "currency"),
    ],
)
def test_a_wrong_report_names_the_field_and_leaves_nothing(shop, change, field):
    answer = shop.post(f"{API}/orders/external", body(**change))

    assert answer.status_code == 400
    assert answer.json()["code"] == "invalid"
    assert field in {error["field"] for error in answer.json()["errors"]}
    assert (Order.objects.count(), Customer.objects.count()) == (0, 0)


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"currency": "USD"}, "currency_mismatch"),
        ({"customer": {"user_id": str(uuid4())}}, "customer_unknown"),
        ({"referral_code": "AAAAAAAAAAAA"}, "referral_code_unknown"),
        ({"paid_at": "2126-01-01T00:00:00Z"}, "paid_in_future"),
    ],
)
def test_codes_of_what_cannot_be_recorded(shop, change, code):
    answer = shop.post(f"{API}/orders/external", body(**change))

    assert (answer.status_code, answer.json()["code"]) == (400, code)
    assert (Order.objects.count(), Customer.objects.count()) == (0, 0)


def test_a_bad_click_is_passed_over(shop):
    for number, click in enumerate(("nonsense", str(uuid4()), None, "")):
        assert shop.post(f"{API}/orders/external", body(external_id=str(number), click_id=click)).status_code == 201


def test_fields_that_are_not_a_shops_to_set_are_not_stored(shop):
    """R16."""
    extra = {
        "status": "refunded",
        "refunded_amount": 5,
        "amount": 1,
        "commissioned_at": "2020-01-01T00:00:00Z",
        "upline": [1],
    }
    order = shop.post(f"{API}/orders/external", body(**extra)).json()

    stored = Order.objects.get(pk=order["id"])
    assert (stored.status, stored.amount, stored.refunded_amount, stored.commissioned_at, stored.upline) == (
        "paid", 100_000, 0, None, [],
    )  # fmt: skip


def test_who_may_report(api, make_user, shop):
    post = f"{API}/orders/external"
    member = make_partner().user

    assert api().post(post, body()).status_code == 401
    assert api(member).post(post, body()).status_code == 403
    assert make_client(api, "events.write").post(post, body()).status_code == 403
    assert api(make_user(roles=["affiliate_manager"])).post(post, body()).status_code == 403
    assert Order.objects.count() == 0
    assert api(make_user(roles=["sales_executive"])).post(post, body()).status_code == 201


def test_a_key_of_another_site_is_nobodys(shop, other_site):
    answer = shop.post(f"{API}/orders/external", body(), headers={"X-Site-Code": "BETA"})

    assert answer.status_code == 401


def test_members_see_their_own_orders_and_staff_all(api, make_user, shop):
    ann, bob = make_chain(2)
    mine, theirs = make_order(bob, ("a", 10)), make_order(ann, ("b", 20))

    def ids(client, **params):
        answer = client.get(f"{API}/orders", params)
        assert answer.status_code == 200, answer.content
        return [row["id"] for row in answer.json()["results"]]

    assert ids(api(bob.user)) == [str(mine.pk)]
    assert ids(api(bob.user), user=str(ann.user_id)) == []
    staff = api(make_user(roles=["billing_specialist"]))
    assert ids(staff) == ids(shop) == [str(theirs.pk), str(mine.pk)]
    assert ids(staff, user=str(ann.user_id)) == [str(theirs.pk)]
    assert ids(staff, status="refunded") == []
    assert ids(staff, external_id=mine.external_id) == [str(mine.pk)]
    assert staff.get(f"{API}/orders", {"colour": "red"}).status_code == 400
    assert make_client(api, "events.write").get(f"{API}/orders").status_code == 404

    assert api(bob.user).get(f"{API}/orders/{mine.pk}").json()["id"] == str(mine.pk)
    hidden = api(bob.user).get(f"{API}/orders/{theirs.pk}")
    missing = api(bob.user).get(f"{API}/orders/{uuid4()}")
    assert (hidden.status_code, hidden.json() | {"request_id": ""}) == (404, missing.json() | {"request_id": ""})
    assert shop.get(f"{API}/orders/{theirs.pk}").status_code == 200


def test_a_shop_reports_a_refund_once(shop, api, make_user):
    order = make_order(None, ("a", 60), ("b", 40))
    path = f"{API}/orders/{order.pk}/refunds"

    first = shop.post(path, {"external_id": "R-1", "amount": 50, "reason": "Broken"})
    again = shop.post(path, {"external_id": "R-1", "amount": 50, "reason": "Broken"})
    other = shop.post(path, {"external_id": "R-1", "amount": 51, "reason": "Broken"})

    assert (first.status_code, again.status_code, other.status_code) == (201, 200, 409)
    refund = first.json()
    assert (refund["amount"], refund["order_status"], [part["amount"] for part in refund["lines"]]) == (
        50, "partially_refunded", [30, 20],
    )  # fmt: skip
    assert again.json() == refund
    too_much = shop.post(path, {"external_id": "R-2", "amount": 51})
    assert (too_much.status_code, too_much.json()["code"]) == (400, "refund_exceeds_order")
    assert api(make_user(roles=["admin"])).post(path, {"external_id": "R-2"}).json()["order_status"] == "refunded"
    late = shop.post(path, {"external_id": "R-3", "amount": 1})
    assert (late.status_code, late.json()["code"]) == (409, "invalid_state")
    assert list(OrderLine.objects.filter(order=order).values_list("refunded_amount", flat=True)) == [60, 40]


@pytest.mark.parametrize(
    "wrong", [{}, {"external_id": "R", "amount": 0}, {"external_id": "R", "amount": "5"}, {"amount": 5}]
)
def test_a_wrong_refund_leaves_nothing(shop, wrong):
    order = make_order(None, ("a", 60))

    assert shop.post(f"{API}/orders/{order.pk}/refunds", wrong).status_code == 400
    assert Refund.objects.count() == 0


def test_who_may_refund_what(api, make_user, shop, other_site):
    ann = make_partner()
    order = make_order(ann, ("a", 60))
    with site_context(other_site.pk):
        foreign = make_order(None, ("a", 60))
    refund = {"external_id": "R"}

    assert api(ann.user).post(f"{API}/orders/{order.pk}/refunds", refund).status_code == 403
    sales = api(make_user(roles=["sales_executive"]))
    assert sales.post(f"{API}/orders/{order.pk}/refunds", refund).status_code == 403
    assert shop.post(f"{API}/orders/{foreign.pk}/refunds", refund).status_code == 404
    assert Refund.objects.count() == 0


def test_the_query_count_of_the_list_is_pinned(shop, django_assert_num_queries):
    """Key, its last use, page with customers and invoices, lines."""
    for _ in range(3):
        refund_order(make_order(None, ("a", 60), ("b", 1)), 10)

    shop.get(f"{API}/orders")
    with django_assert_num_queries(3 + FRAME):
        shop.get(f"{API}/orders")
    make_order(None, ("a", 60), ("b", 1), ("c", 2))
    with django_assert_num_queries(3 + FRAME):
        shop.get(f"{API}/orders")


def test_purchases_stand_in_the_tree_of_the_sponsor(api):
    ann, bob = make_chain(2)
    refund_order(make_order(bob, ("a", 1000)), 400)

    row = api(ann.user).get(f"{API}/referrals/tree").json()["results"][0]

    assert row["purchases_total"] == 600
