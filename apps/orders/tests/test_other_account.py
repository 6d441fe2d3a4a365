"""Orders whose payment stands at an account at Stripe that the site has left (P9)."""

from datetime import timedelta

import pytest
import time_machine
from django.test import Client
from django.utils import timezone

from apps.accounts.models import User
from apps.audit.services import SYSTEM
from apps.catalogue.models import Product
from apps.catalogue.tests.factories import make_product
from apps.core import outbox
from apps.core.tenancy import site_context
from apps.orders.models import Order
from apps.orders.services import Item, lapse_order, open_payment_of, place_order
from apps.orders.tests.test_checkout import members
from apps.payments import services as payments
from apps.payments.models import PaymentRefund
from apps.payments.tests import factories

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def unpaid(committed_shop, stripe):
    """An order of one of five, opened at ALPHA's account before the site went to another."""
    list(members(committed_shop, 1))
    with site_context(committed_shop):
        make_product(sku="vps", price=10_000, inventory=5)
        order, payment = place_order(user=User.objects.get(), items=[Item("vps")])
        call, finish = payments.start_payment(payment, lambda intent: intent)
    intent = call()
    with site_context(committed_shop):
        finish(intent)
    keys = stripe.register("NEW")
    keys["account_id"] = keys.pop("account")
    with site_context(committed_shop):
        payments.set_stripe_account(actor=SYSTEM, **keys)
    return order


def lapse(site_id, order, **after):
    with time_machine.travel(order.expires_at + timedelta(**after)):
        return lapse_order(site_id=site_id, order_id=order.pk)


def state(site_id, order):
    with site_context(site_id):
        order = Order.objects.get(pk=order.pk)
        return order.status, open_payment_of(order).status, Product.objects.get().inventory


def hear(site_id, order):
    with site_context(site_id):
        found = factories.intent_of(open_payment_of(order))
    told = factories.event("payment_intent.succeeded", found)
    assert factories.send(Client(), told, secret="whsec_ALPHA").status_code == 200
    while any(outbox.drain(site_id, consumer) for consumer in sorted(outbox.consumers())):
        pass


def test_it_lapses_at_the_account_it_was_opened_at(committed_shop, stripe, unpaid):
    assert lapse(committed_shop, unpaid, minutes=1)

    assert state(committed_shop, unpaid) == ("cancelled", "cancelled", 5)
    made = stripe.server.store.rows("SELECT account, body FROM object WHERE kind = 'payment_intent'")
    assert [(account, '"status": "canceled"' in body) for account, body in made] == [("acct_ALPHA", True)]


def test_paid_late_at_the_old_account_it_is_paid(committed_shop, unpaid):
    hear(committed_shop, unpaid)

    assert state(committed_shop, unpaid) == ("paid", "succeeded", 4)


@pytest.fixture
def refused_key(stripe):
    stripe.server.store.rows("UPDATE account SET secret_key = 'sk_test_rolled' WHERE id = 'acct_ALPHA'")


def test_where_the_old_key_is_refused_it_lapses_a_day_later(committed_shop, unpaid, refused_key):
    assert not lapse(committed_shop, unpaid, hours=23)
    assert state(committed_shop, unpaid) == ("pending", "open", 4)

    assert lapse(committed_shop, unpaid, hours=25)
    assert not lapse(committed_shop, unpaid, hours=25)

    assert state(committed_shop, unpaid) == ("cancelled", "cancelled", 5)


def test_where_stripe_only_does_not_answer_it_waits(committed_shop, stripe, unpaid):
    stripe.faults(before_500=1.0)

    assert not lapse(committed_shop, unpaid, days=3)

    assert state(committed_shop, unpaid) == ("pending", "open", 4)


def test_paid_after_it_lapsed_the_money_is_to_go_back(committed_shop, unpaid, refused_key):
    """The unit is somebody else's by then. The refund waits for a key that Stripe takes, where staff see it."""
    lapse(committed_shop, unpaid, hours=25)

    hear(committed_shop, unpaid)

    assert state(committed_shop, unpaid) == ("cancelled", "succeeded", 5)
    with site_context(committed_shop):
        refund = PaymentRefund.objects.get()
        assert (refund.amount, refund.status, refund.created_at <= timezone.now()) == (10_000, "requested", True)
