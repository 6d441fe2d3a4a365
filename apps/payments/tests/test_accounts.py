"""Another account at Stripe: what was opened at the one before is still heard of, called off and given back there."""

from datetime import timedelta

import pytest
import time_machine
from django.db import DatabaseError, transaction
from django.test import Client
from django.utils import timezone

from apps.audit.models import AuditEvent
from apps.audit.services import SYSTEM
from apps.core.errors import Invalid
from apps.core.models import InboxEvent
from apps.core.tenancy import site_context
from apps.payments import services
from apps.payments.models import Payment, PaymentRefund, StripeAccount
from apps.payments.tests import factories
from apps.payments.tests.conftest import Told
from apps.payments.tests.test_at_stripe import given_back, opened, paid, refund_of, start

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def move(shop, fake_stripe):
    """move(code): the site takes money at that account from now on."""

    def run(code="NEW"):
        keys = fake_stripe.register(code)
        with site_context(shop):
            return services.set_stripe_account(
                actor=SYSTEM, account_id=keys["account"], publishable_key=keys["publishable_key"],
                secret_key=keys["secret_key"], webhook_secret=keys["webhook_secret"],
            )  # fmt: skip

    return run


@pytest.fixture
def say(shop, deliver):
    """say(kind, object, secret): the answer's status, and what became of the event."""

    def run(kind, found, secret, **top):
        event = factories.event(kind, found, **top)
        status = factories.send(Client(), event, secret=secret).status_code
        with site_context(shop):
            deliver()
            kept = InboxEvent.objects.filter(event_id=event["id"]).first()
            return status, kept and kept.status

    return run


def reread(site_id, payment):
    with site_context(site_id):
        return Payment.objects.get(pk=payment.pk)


def test_the_account_before_is_kept_and_new_payments_are_opened_at_the_new_one(shop, fake_stripe, move):
    old = opened(shop)
    start(shop, old)

    move()
    new = opened(shop)
    intent = start(shop, new)

    assert (reread(shop, old).account_id, reread(shop, new).account_id) == ("acct_ALPHA", "acct_NEW")
    assert fake_stripe.server.store.find("acct_NEW", "payment_intent", intent.id) is not None
    with site_context(shop):
        assert [(one.account_id, one.retired_at is None) for one in StripeAccount.objects.order_by("id")] == [
            ("acct_ALPHA", False),
            ("acct_NEW", True),
        ]
        assert AuditEvent.objects.filter(action="stripe_account.retired").count() == 1


def test_what_was_opened_before_is_paid_called_off_and_given_back_there(shop, fake_stripe, move, say):
    unpaid, late, done = opened(shop), opened(shop), paid(shop, fake_stripe)
    start(shop, unpaid), start(shop, late)
    refund = refund_of(shop, done)
    move()

    with site_context(shop):
        call = services.call_off(Payment.objects.get(pk=unpaid.pk))
    assert call() == "canceled"
    services.send_refund(site_id=shop, refund_id=refund.pk)
    heard = say("payment_intent.succeeded", factories.intent_of(reread(shop, late)), "whsec_ALPHA")

    assert given_back(fake_stripe) == 1
    with site_context(shop):
        assert PaymentRefund.objects.get(pk=refund.pk).status == "succeeded"
    assert (heard, reread(shop, late).status) == ((200, "done"), "succeeded")
    assert ("paid", 10_000) in Told.said


@pytest.mark.parametrize("claims", [{}, {"account": "acct_NEW"}])
@pytest.mark.parametrize("is_known", [True, False])
def test_a_retired_account_has_no_say_in_what_was_opened_after_it(shop, move, say, claims, is_known):
    opened(shop)
    move()
    new = opened(shop)
    if is_known:
        start(shop, new)
    found = factories.intent_of(reread(shop, new), id=reread(shop, new).provider_id or "pi_forged")

    heard = say("payment_intent.succeeded", found, "whsec_ALPHA", **claims)
    charge = factories.charge_of(reread(shop, new), 4_000, payment_intent=found["id"], metadata=found["metadata"])
    told = say("charge.refunded", charge, "whsec_ALPHA", **claims)

    assert (heard, told) == ((200, "ignored"), (200, "ignored"))
    assert Told.said == []
    assert (reread(shop, new).status, reread(shop, new).charge_refunded) == ("open" if is_known else "created", 0)


@pytest.mark.parametrize(("status", "days", "answer"), [
    ("succeeded", 89, 200), ("succeeded", 91, 400), ("open", 91, 200), ("cancelled", 91, 400),
])  # fmt: skip
def test_how_long_a_retired_account_is_heard(shop, move, say, status, days, answer):
    with site_context(shop):
        when = {"succeeded_at": timezone.now()} if status == "succeeded" else {}
        payment = factories.make_payment(status=status, account_id="acct_ALPHA", **when)
    move()

    with time_machine.travel(timezone.now() + timedelta(days=days)):
        assert say("charge.refunded", factories.charge_of(payment, 0), "whsec_ALPHA")[0] == answer
        assert say("charge.refunded", factories.charge_of(payment, 0), "whsec_NEW")[0] == 200


def test_payments_from_before_belong_to_the_account_that_is_retired(shop, move):
    with site_context(shop):
        old = factories.make_payment(account_id="")
    move()

    assert reread(shop, old).account_id == "acct_ALPHA"
    with site_context(shop), pytest.raises(DatabaseError), transaction.atomic():
        Payment.objects.filter(pk=old.pk).update(account_id="acct_NEW")


def test_back_to_the_account_before(shop, move):
    opened(shop)
    move()
    opened(shop)
    move("ALPHA")

    with site_context(shop):
        assert [(one.account_id, one.retired_at is None) for one in StripeAccount.objects.order_by("id")] == [
            ("acct_ALPHA", True),
            ("acct_NEW", False),
        ]


def test_another_account_needs_its_own_keys(shop):
    opened(shop)

    with site_context(shop), pytest.raises(Invalid) as refused:
        services.set_stripe_account(actor=SYSTEM, account_id="acct_NEW")

    assert refused.value.field == "publishable_key"
    with site_context(shop):
        assert StripeAccount.objects.get().account_id == "acct_ALPHA"


def test_a_mistyped_account_is_put_right_as_long_as_nothing_was_opened(shop):
    with site_context(shop):
        services.set_stripe_account(actor=SYSTEM, account_id="acct_RIGHT")
        assert StripeAccount.objects.get().account_id == "acct_RIGHT"
