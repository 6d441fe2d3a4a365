"""A refund that was made at Stripe and that the bank sent back: it stays counted, is owed, and is sent again once (X10)."""

import json
import random
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connections
from django.test import Client

from apps.accounts.models import User
from apps.audit.models import AuditEvent
from apps.audit.services import SYSTEM
from apps.core.errors import Conflict, Denied, Unavailable
from apps.core.models import OutboxEvent
from apps.core.tenancy import site_context
from apps.payments import services, stripe_api
from apps.payments.models import Payment, PaymentRefund
from apps.payments.tests import factories
from apps.payments.tests.conftest import Told
from apps.payments.tests.test_at_stripe import given_back, paid, refund_of

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def hear(shop, fake_stripe, deliver):
    """hear(): the site hears what Stripe has told since; `order` chooses in which order, `only` what arrives at all."""
    heard = []

    def run(order=list, only=None, again=False):
        rows = fake_stripe.server.store.rows("SELECT body FROM object WHERE kind = 'event' ORDER BY number")
        events = [json.loads(row[0]) for row in rows]
        new = [event for event in events if again or event["id"] not in heard]
        for event in order(new):
            heard.append(event["id"])
            if only and event["type"] != only:
                continue
            told = event | ({"id": f"{event['id']}_again"} if again else {})
            assert factories.send(Client(), told, secret="whsec_ALPHA").status_code == 200
        with site_context(shop):
            deliver()

    return run


def end(fake_stripe, refund, status="failed"):
    """The bank's last word on it."""
    fake_stripe.post(f"refunds/{refund.provider_id}", status=status)


def send(site_id, refund):
    services.send_refund(site_id=site_id, refund_id=refund.pk)
    return read(site_id, refund)


def read(site_id, refund):
    with site_context(site_id):
        return PaymentRefund.objects.get(pk=refund.pk)


def retry(site_id, refund, actor=SYSTEM):
    with site_context(site_id):
        return services.retry_refund(refund=refund, actor=actor)


def sums(site_id, payment):
    """(passed on, owed) and each refund."""
    with site_context(site_id):
        found = Payment.objects.get(pk=payment.pk)
        rows = PaymentRefund.objects.order_by("id").values_list("status", "owed")
        return found.refunded_amount, services.owed(found), list(rows)


def at_dashboard(payment, amount):
    """Somebody refunds at Stripe itself."""
    client = stripe_api._client("sk_test_ALPHA", stripe_api.settings.STRIPE_API_BASE)
    client.v1.refunds.create({"payment_intent": payment.provider_id, "amount": amount})


@pytest.fixture
def payment(shop, fake_stripe):
    """10,000, paid."""
    made = paid(shop, fake_stripe)
    with site_context(shop):
        made.refresh_from_db()
    return made


@pytest.fixture
def sent_back(shop, fake_stripe, payment, hear):
    """4,000 of it went back, and came back."""
    refund = send(shop, refund_of(shop, payment))
    end(fake_stripe, refund)
    hear()
    return read(shop, refund)


def shuffled(seed):
    def order(events):
        return random.Random(seed).sample(events, len(events))

    return order


@pytest.mark.parametrize("seed", range(8))
def test_in_whatever_order_it_is_told_it_counts_once_and_is_owed(shop, fake_stripe, payment, hear, seed):
    refund = send(shop, refund_of(shop, payment))
    end(fake_stripe, refund)

    hear(shuffled(seed))
    hear(shuffled(seed + 100), again=True)

    assert sums(shop, payment) == (4_000, 4_000, [("failed", True)])
    assert Told.said == [("refunded", 4_000)]
    with site_context(shop):
        assert AuditEvent.objects.filter(action="payment.refund_returned").count() == 1


@pytest.mark.parametrize("seed", range(8))
def test_one_made_at_stripe_counts_and_is_owed_in_whatever_order_it_is_told(shop, fake_stripe, payment, hear, seed):
    hear()
    at_dashboard(payment, 4_000)
    end(fake_stripe, made_there(fake_stripe))

    hear(shuffled(seed))

    assert sums(shop, payment) == (4_000, 4_000, [("failed", True)])
    assert Told.said == [("refunded", 4_000)]


def made_there(fake_stripe):
    found = fake_stripe.server.store.rows("SELECT id FROM object WHERE kind = 'refund' ORDER BY number DESC")
    return PaymentRefund(provider_id=found[0][0])


def test_one_that_failed_before_we_heard_of_it_is_owed_too(shop, fake_stripe, payment, hear):
    refund = refund_of(shop, payment)
    fake_stripe.faults(next_after_commit_500=1)
    with pytest.raises(Unavailable):
        services.send_refund(site_id=shop, refund_id=refund.pk)
    end(fake_stripe, made_there(fake_stripe))

    hear(only="refund.failed")
    hear(again=True)

    assert sums(shop, payment) == (4_000, 4_000, [("failed", True)])
    assert Told.said == [("refunded", 4_000)]


def test_it_is_sent_again_and_what_was_bought_hears_nothing_of_that(shop, fake_stripe, payment, sent_back, hear):
    with site_context(shop):
        published = OutboxEvent.objects.exclude(topic__startswith="inbox.").count()
    again = retry(shop, sent_back)
    assert sums(shop, payment) == (4_000, 4_000, [("failed", True), ("requested", False)])

    again = send(shop, again)
    hear()
    hear(again=True)

    assert (again.retry_of_id, again.amount, given_back(fake_stripe)) == (sent_back.pk, 4_000, 2)
    assert sums(shop, payment) == (4_000, 0, [("failed", False), ("succeeded", False)])
    assert Told.said == [("refunded", 4_000)]
    charge = fake_stripe.server.store.rows("SELECT body FROM object WHERE kind = 'charge'")[0][0]
    assert json.loads(charge)["amount_refunded"] == 4_000
    with site_context(shop):
        assert OutboxEvent.objects.exclude(topic__startswith="inbox.").count() == published
        assert AuditEvent.objects.filter(action="payment.refund_retried").count() == 1


def test_only_what_is_left_beside_it_can_be_asked_for(shop, payment, sent_back):
    with site_context(shop):
        about = {"payment": payment, "reason": "", "actor": SYSTEM}
        rest, _ = services.request_refund(external_id="R-2", amount=None, **about)
        with pytest.raises(Conflict) as refused:
            services.request_refund(external_id="R-3", amount=None, **about)

    assert rest.amount == 6_000
    assert "sent again" in refused.value.message


@pytest.mark.parametrize("only", [None, "charge.refunded", "refund.created"])
def test_what_goes_back_at_stripe_after_it_was_sent_again_is_counted_right(
    shop, fake_stripe, payment, sent_back, hear, only
):
    """Told singly, or in all."""
    send(shop, retry(shop, sent_back))
    hear()
    at_dashboard(payment, 3_000)

    hear(only=only)

    assert sums(shop, payment)[:2] == (7_000, 0)
    hear(again=True)
    assert sums(shop, payment)[:2] == (7_000, 0)
    assert Told.said == [("refunded", 4_000), ("refunded", 3_000)]


@pytest.mark.parametrize("only", [None, "refund.created"])
@pytest.mark.parametrize("amount", [3_000, 5_000])
def test_what_goes_back_at_stripe_while_it_is_owed_is_counted_right(
    shop, fake_stripe, payment, sent_back, hear, only, amount
):
    """The charge's sum is without what came back then, smaller or greater than it ever was."""
    at_dashboard(payment, amount)

    hear(only=only)

    assert sums(shop, payment)[:2] == (4_000 + amount, 4_000)
    hear(again=True)
    assert Told.said == [("refunded", 4_000), ("refunded", amount)]


@pytest.mark.parametrize("seed", range(4))
def test_a_second_one_may_come_back_too(shop, fake_stripe, payment, sent_back, hear, seed):
    again = send(shop, retry(shop, sent_back))
    end(fake_stripe, again)
    hear(shuffled(seed))
    assert sums(shop, payment) == (4_000, 4_000, [("failed", False), ("failed", True)])
    with pytest.raises(Conflict):
        retry(shop, sent_back)

    send(shop, retry(shop, read(shop, again)))
    hear()

    assert sums(shop, payment) == (4_000, 0, [("failed", False), ("failed", False), ("succeeded", False)])
    assert Told.said == [("refunded", 4_000)]


def test_one_that_stripe_refuses_is_still_owed(shop, fake_stripe, payment, sent_back, hear):
    fake_stripe.post("disputes", payment_intent=payment.provider_id)

    send(shop, retry(shop, sent_back))

    assert sums(shop, payment) == (4_000, 4_000, [("failed", True), ("failed", False)])
    assert given_back(fake_stripe) == 1
    assert retry(shop, sent_back).status == "requested"


def test_five_at_once_send_one(shop, fake_stripe, payment, sent_back):
    def press(_):
        try:
            return send(shop, retry(shop, sent_back)).status
        except Conflict as error:
            return error.code
        finally:
            connections.close_all()

    with ThreadPoolExecutor(5) as pool:
        said = sorted(pool.map(press, range(5)))

    assert said == ["invalid_state"] * 4 + ["succeeded"]
    assert given_back(fake_stripe) == 2
    assert sums(shop, payment)[:2] == (4_000, 0)


def test_what_reached_the_buyer_is_not_sent_again(shop, fake_stripe, payment):
    refund = send(shop, refund_of(shop, payment))

    with pytest.raises(Conflict) as refused:
        retry(shop, refund)

    assert (refused.value.code, given_back(fake_stripe)) == ("invalid_state", 1)
    assert sums(shop, payment) == (4_000, 0, [("succeeded", False)])


def test_the_buyer_does_not_send_their_own_again(shop):
    with site_context(shop):
        buyer = User.objects.create_user(email="buyer@example.com", password="a-long-password-1")
        theirs = factories.make_payment(status="succeeded", succeeded_at="2026-01-01T00:00Z", user=buyer)
        refund = PaymentRefund.objects.create(
            payment=theirs, amount=10, status="failed", owed=True, provider_id="re_theirs"
        )
        with pytest.raises(Denied) as refused:
            services.retry_refund(refund=refund, actor=buyer)

        assert refused.value.code == "own_test"
        assert not PaymentRefund.objects.filter(retry_of=refund).exists()
