"""Buying at the site itself: the shop, my orders, paying, giving up."""

from uuid import uuid4

import pytest

from apps.catalogue.tests.factories import make_product
from apps.dashboard.tests.conftest import PASSWORD
from apps.orders.models import Order
from apps.orders.services import Item, open_payment_of, place_order
from apps.orders.tests.conftest import pay, shop, stripe, told
from apps.sites.models import SiteSettings

__all__ = ["pay", "shop", "stripe", "told"]

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def buyer(signed_in, ann):
    return signed_in(ann)


def text(answer):
    return answer.content.decode()


def test_a_site_that_sells_nothing_says_so(site, buyer):
    assert "Nothing is on sale" in text(buyer.get("/dashboard/shop"))
    assert "You have bought nothing yet" in text(buyer.get("/dashboard/orders"))


def test_without_an_account_at_stripe_nothing_can_be_ordered(site, buyer):
    product = make_product(name="Cloud VPS")

    page = text(buyer.get("/dashboard/shop"))
    answer = buyer.post("/dashboard/shop", {product.sku: 1})

    assert "takes no payments yet" in page
    assert answer.status_code == 409
    assert Order.objects.count() == 0


def test_from_the_shelf_to_a_paid_order(shop, buyer, pay, settings):
    settings.UPLINE_STRIPE_PAY_URL = "https://pay.example/pay/"
    server, domain = (
        make_product(name="Cloud VPS", price=1_198_800),
        make_product(name="Domain", price=89_900, inventory=5),
    )

    ordered = buyer.post("/dashboard/shop", {server.sku: 1, domain.sku: 2})
    order = Order.objects.get()
    assert ordered["Location"] == f"/dashboard/orders/{order.pk}"
    assert "Pay ₹13,786.00" in text(buyer.get(ordered["Location"]))
    domain.refresh_from_db()
    assert domain.inventory == 3

    asked = buyer.get(f"/dashboard/orders/{order.pk}/pay")
    assert asked["Location"].startswith(f"https://pay.example/pay/{open_payment_of(order).provider_id}_secret_")
    assert f"%2Fdashboard%2Forders%2F{order.pk}%3Fpaid%3D1" in asked["Location"]
    waiting = text(buyer.get(f"/dashboard/orders/{order.pk}?paid=1"))
    assert "Waiting for the bank’s word" in waiting
    assert 'data-live="2"' in waiting

    pay(order)

    paid = text(buyer.get(f"/dashboard/orders/{order.pk}?paid=1"))
    assert "Thank you" in paid
    assert "data-live" not in paid
    assert "Cloud VPS" in text(buyer.get("/dashboard/orders"))
    assert buyer.get(f"/dashboard/orders/{order.pk}/pay")["Location"] == f"/dashboard/orders/{order.pk}"


def test_stripes_own_form_gets_what_it_needs(shop, buyer, settings):
    settings.UPLINE_STRIPE_PAY_URL = ""
    buyer.post("/dashboard/shop", {make_product().sku: 1})

    page = buyer.get(f"/dashboard/orders/{Order.objects.get().pk}/pay")

    assert page["Cache-Control"] == "no-store, private" or "no-store" in page["Cache-Control"]
    assert 'src="https://js.stripe.com/v3/"' in text(page)
    assert 'data-key="pk_test_' in text(page)
    assert f'data-secret="{open_payment_of(Order.objects.get()).provider_id}_secret_' in text(page)
    assert "sk_test" not in text(page)


@pytest.mark.parametrize("quantity", ["", "0", "-1", "x", "1.5", "1000001", "9" * 30])
def test_a_quantity_that_is_none_orders_nothing(shop, buyer, quantity):
    product = make_product()

    answer = buyer.post("/dashboard/shop", {product.sku: quantity})

    assert answer.status_code == 400
    assert Order.objects.count() == 0


def test_what_is_sold_out_meanwhile_is_said_and_nothing_is_taken(shop, buyer):
    first, second = make_product(name="Plenty", inventory=9), make_product(name="Last ones", inventory=1)

    answer = buyer.post("/dashboard/shop", {first.sku: 2, second.sku: 2})

    assert answer.status_code == 409
    assert Order.objects.count() == 0
    first.refresh_from_db()
    assert first.inventory == 9


def test_when_stripe_does_not_answer_nothing_stays_taken(shop, buyer, settings):
    product = make_product(inventory=5)
    settings.STRIPE_API_BASE = "http://127.0.0.1:9"

    answer = buyer.post("/dashboard/shop", {product.sku: 2})

    assert answer.status_code == 503
    assert "Stripe doesn’t answer" in text(answer) or "Stripe doesn&#x27;t answer" in text(answer)
    product.refresh_from_db()
    assert (Order.objects.get().status, product.inventory) == ("cancelled", 5)


def test_giving_up_puts_it_back_on_sale(shop, buyer):
    product = make_product(inventory=5)
    buyer.post("/dashboard/shop", {product.sku: 2})
    order = Order.objects.get()

    answer = buyer.post(f"/dashboard/orders/{order.pk}/cancel")
    again = buyer.post(f"/dashboard/orders/{order.pk}/cancel")

    assert (answer.status_code, again.status_code) == (302, 409)
    product.refresh_from_db()
    order.refresh_from_db()
    assert (order.status, product.inventory) == ("cancelled", 5)
    assert "Nothing was charged" in text(buyer.get(f"/dashboard/orders/{order.pk}"))


def test_others_orders_are_not_there(shop, buyer, signed_in, ben):
    buyer.post("/dashboard/shop", {make_product().sku: 1})
    order, other = Order.objects.get(), signed_in(ben)

    for path in ("", "/pay"):
        assert other.get(f"/dashboard/orders/{order.pk}{path}").status_code == 404
    assert other.post(f"/dashboard/orders/{order.pk}/cancel").status_code == 404
    assert "You have bought nothing yet" in text(other.get("/dashboard/orders"))


def test_a_card_that_was_refused_is_said(shop, buyer, told):
    from apps.payments.tests.factories import intent_of

    buyer.post("/dashboard/shop", {make_product().sku: 1})
    order = Order.objects.get()
    error = {"last_payment_error": {"message": "Your card was declined."}}
    told("payment_intent.payment_failed", intent_of(open_payment_of(order), amount_received=0, **error))

    page = text(buyer.get(f"/dashboard/orders/{order.pk}"))

    assert "Your card was declined." in page
    assert "You can try again" in page


def test_a_partner_pays_for_being_one(shop, signed_in, make_user, pay):
    from apps.referrals.models import Partner
    from apps.referrals.services import join

    SiteSettings.objects.update(activation="required", activation_fee=49_900, qualifying_categories=["server"])
    nia = make_user("nia@example.com", password=PASSWORD)
    join(user=nia)
    client = signed_in(nia)
    assert "Activate for ₹499.00" in text(client.get("/dashboard/"))

    client.post("/dashboard/activate")
    client.post("/dashboard/activate")  # the same order

    pay(Order.objects.get())
    assert Partner.objects.get(user=nia).status == "active"
    assert client.post("/dashboard/activate").status_code == 409


@pytest.mark.parametrize("said", ["1e5", "-1", "1.5", "9" * 400, "\x00", "0x1", "[]", "1000001", "NaN"])
def test_odd_quantities_are_refused_and_nothing_is_taken(shop, buyer, said):
    product = make_product(inventory=3)

    answer = buyer.post("/dashboard/shop", {product.sku: said})

    product.refresh_from_db()
    assert (answer.status_code, product.inventory, Order.objects.count()) == (400, 3, 0)


def test_staff_without_a_place_in_the_tree_pay_no_fee(shop, signed_in, make_user):
    staff = signed_in(make_user("staff@example.com", password=PASSWORD, roles=["admin"]))

    assert staff.post("/dashboard/activate").status_code in (404, 409)
    assert Order.objects.count() == 0


def test_somebody_elses_order_is_as_unknown_as_none(shop, buyer, stranger):
    order, _ = place_order(user=stranger, items=[Item(make_product(inventory=3).sku)])

    for page in ("{}", "{}/pay"):
        answers = [buyer.get(f"/dashboard/orders/{page.format(pk)}") for pk in (order.pk, uuid4())]
        assert [answer.status_code for answer in answers] == [404, 404]
    answers = [buyer.post(f"/dashboard/orders/{pk}/cancel") for pk in (order.pk, uuid4())]
    order.refresh_from_db()
    assert ([answer.status_code for answer in answers], order.status) == ([404, 404], "pending")
