"""A deposit that nobody pays in time is given up, at Stripe first; who pays it later is given the money back."""

from datetime import timedelta

import pytest
from django.utils import timezone

from apps.audit.models import AuditEvent
from apps.payments.models import PaymentRefund
from apps.payments.services import settle_refund
from apps.wallet.services.deposits import payment_of
from apps.wallet.tasks import lapse_deposits_of_site
from apps.wallet.tests.test_deposits import ann, open_by, pockets

__all__ = ["ann"]


@pytest.fixture
def later(monkeypatch):
    def run(**passed):
        now = timezone.now() + timedelta(**passed)
        monkeypatch.setattr("django.utils.timezone.now", lambda: now)

    return run


def test_what_nobody_pays_in_time_is_called_off_at_stripe_too(api, bank, ann, later, site):
    deposit = open_by(api, ann)
    assert lapse_deposits_of_site(str(site.pk)) == 0
    later(hours=13)

    assert [lapse_deposits_of_site(str(site.pk)) for _ in range(2)] == [1, 0]

    deposit.refresh_from_db()
    payment = payment_of(deposit)
    assert (deposit.status, payment.status) == ("cancelled", "cancelled")
    assert bank.server.store.find("acct_ALPHA", "payment_intent", payment.provider_id)["status"] == "canceled"
    assert AuditEvent.objects.filter(action="deposit.cancelled").count() == 1


def test_what_is_paid_at_stripe_is_left_to_the_webhook(api, bank, ann, later, site, pay_in):
    deposit = open_by(api, ann)
    bank.pay(payment_of(deposit).provider_id)
    later(hours=13)

    assert lapse_deposits_of_site(str(site.pk)) == 0

    assert pay_in(deposit).status == "paid"
    assert pockets(ann)["funds"] == 50_000


def test_where_nobody_may_ask_stripe_it_is_over_a_day_late(api, bank, ann, later, site):
    """And who pays it then is given the money back: nobody waits for it any more."""
    deposit = open_by(api, ann)
    bank.server.store.rows("UPDATE account SET secret_key = 'sk_test_rolled'")
    later(hours=13)
    assert lapse_deposits_of_site(str(site.pk)) == 0
    later(hours=24)

    assert lapse_deposits_of_site(str(site.pk)) == 1

    deposit.refresh_from_db()
    assert deposit.status == "cancelled"


def test_what_is_paid_after_it_was_given_up_goes_back(api, bank, ann, later, site, pay_in):
    deposit = open_by(api, ann)
    later(hours=13)
    lapse_deposits_of_site(str(site.pk))

    pay_in(deposit)

    asked = PaymentRefund.objects.get()
    assert (deposit.status, asked.external_id, asked.amount) == ("cancelled", "unwanted", 50_000)
    settle_refund(refund_id=asked.pk, provider_id="re_1", state="succeeded")
    deposit.refresh_from_db()
    assert (deposit.status, deposit.taken) == ("cancelled", 0)
    assert pockets(ann) == {"available": 0, "owed": 0, "funds": 0}
