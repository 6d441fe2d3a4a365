import pytest
from django.test import Client

from apps.wallet.services.deposits import payment_of


@pytest.fixture
def bank(site, fake_stripe, settings):
    """The site takes money, at a Stripe of our own."""
    from apps.audit.services import SYSTEM
    from apps.payments.services import set_stripe_account

    settings.STRIPE_API_BASE = fake_stripe.url
    keys = fake_stripe.register()
    keys["account_id"] = keys.pop("account")
    fake_stripe.secret = keys["webhook_secret"]
    set_stripe_account(actor=SYSTEM, **keys)
    return fake_stripe


@pytest.fixture
def told(bank, deliver):
    """told(kind, object): the site hears of something at Stripe, and it is worked off."""
    from apps.payments.tests import factories

    def tell(kind, found, times=1):
        event = factories.event(kind, found)
        for _ in range(times):
            answer = factories.send(Client(), event, secret=bank.secret)
            assert answer.status_code == 200, answer.content
        deliver()

    return tell


@pytest.fixture
def pay_in(told):
    """pay_in(deposit): Stripe says that it is paid."""
    from apps.payments.tests.factories import intent_of

    def run(deposit, times=1):
        told("payment_intent.succeeded", intent_of(payment_of(deposit)), times)
        deposit.refresh_from_db()
        return deposit

    return run
