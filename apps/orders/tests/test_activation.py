"""Becoming a partner by a fee or a purchase, and a refund that undoes it (H5)."""

import pytest

from apps.audit.services import SYSTEM
from apps.catalogue.services.products import ACTIVATION
from apps.catalogue.tests.factories import make_product
from apps.commissions import engine
from apps.commissions.models import Commission
from apps.commissions.tests.engine_values import percent
from apps.commissions.tests.factories import make_plan
from apps.orders.models import Order
from apps.orders.services import ask_refund, open_payment_of, place_order, refund_order
from apps.orders.services.placing import Item
from apps.orders.tests.factories import make_order
from apps.payments.models import Payment
from apps.referrals.services import join, set_partner_status
from apps.referrals.tests.factories import UserFactory, make_partner
from apps.sites.services import change_settings

URL = "/api/v1/affiliate/subscribe"
FEE = 49_900


@pytest.fixture
def required(site):
    """₹499 or a server, as document H wants it."""
    change_settings(
        changes={
            "activation": "required", "activation_fee": FEE, "qualifying_categories": ["server"],
            "revoke_activation_on_refund": True,
        },
        actor=SYSTEM,
    )  # fmt: skip


@pytest.fixture
def pending(required):
    """Somebody who registered by Ann's link and is not active yet."""
    return join(user=UserFactory(), sponsor=make_partner(status="active"))


def status_of(partner):
    partner.refresh_from_db()
    return partner.status


def test_the_fee_has_the_engines_category():
    assert ACTIVATION == engine.ACTIVATION


def test_the_fee_is_paid_once_and_no_level_earns_from_it(api, shop, pending, pay):
    make_plan(*percent("0.10"))
    client = api(pending.user)

    first, again = (client.post(URL, {"path": "paid"}) for _ in range(2))

    assert (first.status_code, first.json()) == (201, again.json())
    assert first.json()["status"] == "pending"
    payment = first.json()["payment"]
    assert (payment["amount"], payment["currency"], payment["client_secret"] != "") == (FEE, "INR", True)
    assert Payment.objects.count() == 1
    assert status_of(pending) == "pending"

    order = pay(Order.objects.get())

    assert (order.status, order.activated, status_of(pending)) == ("paid", True, "active")
    assert Commission.objects.count() == 0
    assert client.post(URL, {"path": "paid"}).json() == {"status": "active"}


def test_a_purchase_of_a_qualifying_category_activates_without_any_call(api, shop, pending, pay):
    make_product(sku="vps", category="server")
    refused = api(pending.user).post(URL, {"path": "purchase"})
    assert (refused.status_code, refused.json()["code"]) == (409, "qualifying_purchase_required")

    order, _ = place_order(user=pending.user, items=[Item("vps")])
    assert status_of(pending) == "pending"
    pay_unopened(order, pay)

    assert (order.activated, status_of(pending)) == (True, "active")


def pay_unopened(order, pay):
    """Paid before we heard that Stripe had made the intent: adopted by its metadata."""
    payment = open_payment_of(order)
    payment.provider_id = f"pi_of_{order.pk.hex}"
    payment.save(update_fields=["provider_id"])
    return pay(order)


def test_without_a_fee_nobody_pays_to_join(api, shop, site):
    pending = make_partner(status="pending")

    answer = api(pending.user).post(URL, {"path": "paid"})

    assert (answer.status_code, answer.json()["code"], Order.objects.count()) == (409, "invalid_state", 0)


@pytest.mark.parametrize(("setting", "after"), [(True, "pending"), (False, "active")])
def test_the_refund_in_full_undoes_it_where_the_site_says_so(pending, setting, after):
    change_settings(changes={"revoke_activation_on_refund": setting}, actor=SYSTEM)
    order = make_order(pending, ("server", 1000))

    refund_order(order=order, external_id="half", amount=500, actor=SYSTEM)
    assert status_of(pending) == "active"
    refund_order(order=order, external_id="rest", actor=SYSTEM)

    assert status_of(pending) == after


def test_what_else_activates_them_keeps_them_active(pending):
    first, second = make_order(pending, ("server", 1000)), make_order(pending, ("server", 2000))

    refund_order(order=first, external_id="R-1", actor=SYSTEM)
    assert status_of(pending) == "active"
    refund_order(order=second, external_id="R-2", actor=SYSTEM)

    assert status_of(pending) == "pending"
    make_order(pending, ("server", 1000))
    assert status_of(pending) == "active"


def test_a_refund_does_not_undo_what_the_staff_decided(pending, make_user):
    staff = make_user()
    set_partner_status(partner=pending, status="active", reason="known", actor=staff)
    order = make_order(pending, ("server", 1000))

    refund_order(order=order, external_id="R-1", actor=SYSTEM)

    assert status_of(pending) == "active"


def test_a_fee_that_goes_back_at_stripe(api, shop, pending, pay, told):
    from apps.payments.tests.factories import refund_of

    api(pending.user).post(URL, {"path": "paid"})
    order = pay(Order.objects.get())
    asked, _ = ask_refund(order=order, external_id="R-1", reason="sorry", actor=SYSTEM)

    told("refund.created", refund_of(open_payment_of(order), FEE, metadata={"refund_id": str(asked.pk)}))

    order.refresh_from_db()
    assert (order.status, status_of(pending)) == ("refunded", "pending")


def test_a_fee_that_waits_outlives_a_stripe_that_does_not_answer(api, shop, pending, pay):
    """Asked for again while it waits: its buyer may be paying it in another tab."""
    client = api(pending.user)
    first = client.post(URL, {"path": "paid"})
    shop.faults(before_500=1.0)

    again = client.post(URL, {"path": "paid"})

    order = Order.objects.get()
    assert (first.status_code, again.status_code, order.status) == (201, 503, "pending")
    assert (pay(order).status, status_of(pending)) == ("paid", "active")
