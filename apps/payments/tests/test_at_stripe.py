"""Opening, calling off and giving back at a Stripe that answers over HTTP, and sometimes doesn't (R5, R8)."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
import time_machine
from django.db import IntegrityError, connections
from django.test import Client
from django.utils import timezone

from apps.audit.services import SYSTEM
from apps.core.errors import Unavailable
from apps.core.ids import uuid7
from apps.core.tenancy import site_context
from apps.payments import services, stripe_api
from apps.payments.models import Payment, PaymentRefund
from apps.payments.tasks import send_refunds_of_site
from apps.payments.tests import factories
from apps.payments.tests.conftest import Told

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def quick(monkeypatch):
    """Half a second is long enough to wait for an answer that doesn't come."""
    monkeypatch.setattr(stripe_api, "TIMEOUT", (1, 0.5))
    stripe_api._client.cache_clear()


def opened(site_id, amount=10_000):
    with site_context(site_id):
        return services.open_payment(
            purpose="test", subject_id=uuid7(), amount=amount, description="A server", user=None
        )


def start(site_id, payment):
    """The phases of a request: call outside of any transaction, then keep the id. Returns the intent."""
    with site_context(site_id):
        call, finish = services.start_payment(Payment.objects.get(pk=payment.pk), lambda intent: intent)
    intent = call()
    with site_context(site_id):
        return finish(intent)


def paid(site_id, fake_stripe):
    payment = opened(site_id)
    intent = start(site_id, payment)
    fake_stripe.pay(intent.id)
    with site_context(site_id):
        # As the webhook says it.
        Payment.objects.filter(pk=payment.pk).update(status="succeeded", succeeded_at=payment.created_at)
    return payment


def refund_of(site_id, payment, amount=4_000):
    with site_context(site_id):
        payment = Payment.objects.get(pk=payment.pk)
        return services.request_refund(
            payment=payment, external_id="R-1", amount=amount, reason="Broken", actor=SYSTEM
        )[0]


def given_back(fake_stripe):
    rows = fake_stripe.server.store.rows("SELECT count(*) FROM object WHERE kind = 'refund'")
    return rows[0][0]


def state(site_id, refund):
    with site_context(site_id):
        found = PaymentRefund.objects.select_related("payment").get(pk=refund.pk)
        return found.status, found.payment.refunded_amount


def test_the_intent_says_what_it_is_for(shop, fake_stripe):
    payment = opened(shop)

    intent = start(shop, payment)

    made = fake_stripe.server.store.find("acct_ALPHA", "payment_intent", intent.id)
    assert (made["amount"], made["currency"], made["description"]) == (10_000, "inr", "A server")
    assert made["metadata"]["site"] == "ALPHA"
    assert made["metadata"]["payment_id"] == str(payment.pk)
    assert intent.client_secret == made["client_secret"]
    with site_context(shop):
        kept = Payment.objects.get(pk=payment.pk)
        assert (kept.status, kept.provider_id) == ("open", intent.id)


@pytest.mark.parametrize("fault", ["next_after_commit_500", "next_after_commit_timeout"])
def test_what_stripe_made_without_telling_us_is_found_again(shop, fake_stripe, quick, fault):
    payment = opened(shop)
    fake_stripe.faults(timeout_seconds=1.0, **{fault: 1})

    with pytest.raises(Unavailable):
        start(shop, payment)
    first = start(shop, payment)
    second = start(shop, payment)

    assert first.id == second.id
    assert fake_stripe.server.store.rows("SELECT count(*) FROM object WHERE kind = 'payment_intent'") == [(1,)]


def test_a_payment_that_is_paid_is_not_called_off(shop, fake_stripe):
    payment = paid(shop, fake_stripe)
    with site_context(shop):
        call = services.call_off(Payment.objects.get(pk=payment.pk))

    assert call() == "succeeded"


def test_a_payment_is_called_off_at_stripe(shop, fake_stripe):
    payment = opened(shop)
    intent = start(shop, payment)
    with site_context(shop):
        call = services.call_off(Payment.objects.get(pk=payment.pk))

    assert call() == "canceled"

    with site_context(shop):
        assert services.cancel_payment(payment_id=payment.pk, state="canceled")
    assert fake_stripe.server.store.find("acct_ALPHA", "payment_intent", intent.id)["status"] == "canceled"


def test_a_refund_is_made_once_however_often_it_is_sent(shop, fake_stripe):
    refund = refund_of(shop, paid(shop, fake_stripe))
    fake_stripe.faults(delay_seconds=0.1)

    def send(_):
        try:
            services.send_refund(site_id=shop, refund_id=refund.pk)
        except Unavailable:
            return "unknown"
        finally:
            connections.close_all()

    with ThreadPoolExecutor(3) as pool:
        list(pool.map(send, range(3)))

    assert given_back(fake_stripe) == 1
    assert state(shop, refund) == ("succeeded", 4_000)
    assert Told.said == [("refunded", 4_000)]


@pytest.mark.parametrize("fault", ["next_after_commit_500", "next_after_commit_timeout"])
def test_a_refund_without_an_answer_is_unknown_until_stripe_is_asked_again(shop, fake_stripe, quick, fault):
    refund = refund_of(shop, paid(shop, fake_stripe))
    fake_stripe.faults(timeout_seconds=1.0, **{fault: 1})

    with pytest.raises(Unavailable):
        services.send_refund(site_id=shop, refund_id=refund.pk)
    assert state(shop, refund) == ("requested", 0)
    services.send_refund(site_id=shop, refund_id=refund.pk)

    assert given_back(fake_stripe) == 1
    assert state(shop, refund) == ("succeeded", 4_000)


def test_a_refund_that_stripe_refuses_moves_nothing(shop, fake_stripe):
    payment = paid(shop, fake_stripe)
    fake_stripe.post("disputes", payment_intent=start(shop, payment).id)
    refund = refund_of(shop, payment)

    services.send_refund(site_id=shop, refund_id=refund.pk)

    assert given_back(fake_stripe) == 0
    assert state(shop, refund) == ("failed", 0)
    assert Told.said == [("refund failed", 4_000)]


def test_a_key_that_stripe_no_longer_knows_is_no_answer_about_the_refund(shop, fake_stripe):
    refund = refund_of(shop, paid(shop, fake_stripe))
    fake_stripe.server.store.rows("UPDATE account SET secret_key = 'sk_test_rolled'")

    with pytest.raises(Unavailable):
        services.send_refund(site_id=shop, refund_id=refund.pk)
    assert state(shop, refund) == ("requested", 0)
    with site_context(shop):
        services.set_stripe_account(actor=SYSTEM, secret_key="sk_test_rolled")
    services.send_refund(site_id=shop, refund_id=refund.pk)

    assert state(shop, refund) == ("succeeded", 4_000)


def test_a_key_that_may_not_refund_is_no_answer_about_the_refund(shop, fake_stripe):
    """The first call made it and was not answered; then somebody restricted the key."""
    refund = refund_of(shop, paid(shop, fake_stripe))
    fake_stripe.faults(next_after_commit_500=1)
    with pytest.raises(Unavailable):
        services.send_refund(site_id=shop, refund_id=refund.pk)
    fake_stripe.faults(next_before_403=1)

    with pytest.raises(Unavailable):
        services.send_refund(site_id=shop, refund_id=refund.pk)
    assert state(shop, refund) == ("requested", 0)
    services.send_refund(site_id=shop, refund_id=refund.pk)

    assert given_back(fake_stripe) == 1
    assert state(shop, refund) == ("succeeded", 4_000)


@pytest.mark.parametrize(("said", "owed"), [("succeeded", False), ("failed", True)])
def test_a_refund_that_was_made_though_we_took_it_for_refused_counts(shop, fake_stripe, deliver, said, owed):
    payment = paid(shop, fake_stripe)
    refund = refund_of(shop, payment)
    with site_context(shop):
        payment.refresh_from_db()
        services.settle_refund(refund_id=refund.pk, provider_id="", state="failed", failure="no")
    found = factories.refund_of(payment, 4_000, "re_1", status=said, metadata={"refund_id": str(refund.pk)})

    for _ in range(2):
        event = factories.event("refund.updated", found)
        assert factories.send(Client(), event, secret="whsec_ALPHA").status_code == 200
    with site_context(shop):
        deliver()

        kept = PaymentRefund.objects.get()
    assert (kept.status, kept.owed, kept.provider_id) == (said, owed, "re_1")
    assert Told.said == [("refund failed", 4_000), ("refunded", 4_000)]


def test_the_database_lets_what_was_made_and_failed_stay_failed(shop, fake_stripe):
    refund = refund_of(shop, paid(shop, fake_stripe))
    with site_context(shop):
        services.settle_refund(refund_id=refund.pk, provider_id="re_1", state="failed", failure="no")

    with pytest.raises(IntegrityError), site_context(shop):
        PaymentRefund.objects.update(status="succeeded", owed=False)
    assert state(shop, refund) == ("failed", 4_000)


def test_a_refund_that_is_older_than_its_key_is_looked_for_first(shop, fake_stripe):
    """Stripe forgets keys after a day; the same call would then give the money back twice."""
    refund = refund_of(shop, paid(shop, fake_stripe))
    fake_stripe.faults(next_after_commit_500=1)
    with pytest.raises(Unavailable):
        services.send_refund(site_id=shop, refund_id=refund.pk)
    fake_stripe.server.store.rows("DELETE FROM answer")

    with time_machine.travel(timezone.now() + timedelta(hours=25)):
        services.send_refund(site_id=shop, refund_id=refund.pk)

    assert given_back(fake_stripe) == 1
    assert state(shop, refund) == ("succeeded", 4_000)


def test_an_old_refund_that_was_never_made_is_made(shop, fake_stripe):
    refund = refund_of(shop, paid(shop, fake_stripe))
    fake_stripe.faults(before_500=1.0)
    with pytest.raises(Unavailable):
        services.send_refund(site_id=shop, refund_id=refund.pk)
    fake_stripe.faults(before_500=0.0)

    with time_machine.travel(timezone.now() + timedelta(hours=25)):
        services.send_refund(site_id=shop, refund_id=refund.pk)

    assert given_back(fake_stripe) == 1
    assert state(shop, refund) == ("succeeded", 4_000)


def test_a_refund_that_was_made_at_stripe_is_not_made_again(shop, fake_stripe, deliver):
    """One that waits for its customer there is nothing that we were asked for."""
    payment = paid(shop, fake_stripe)
    with site_context(shop):
        payment.refresh_from_db()
    found = factories.refund_of(payment, 4_000, "re_theirs", status="requires_action")
    assert factories.send(Client(), factories.event("refund.created", found), secret="whsec_ALPHA").status_code == 200
    with site_context(shop):
        deliver()

    send_refunds_of_site(str(shop))
    assert given_back(fake_stripe) == 0
    told = factories.event("refund.updated", found | {"status": "succeeded"})
    assert factories.send(Client(), told, secret="whsec_ALPHA").status_code == 200
    with site_context(shop):
        deliver()

    assert Told.said == [("refunded", 4_000)]
    with site_context(shop):
        assert PaymentRefund.objects.get().provider_id == "re_theirs"
