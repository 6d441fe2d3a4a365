import pytest
from django.test import Client

from apps.audit.services import SYSTEM
from apps.core.tenancy import site_context
from apps.payments.services import set_stripe_account


@pytest.fixture
def stripe(fake_stripe, settings):
    """A Stripe of our own that the present site has an account at."""
    settings.STRIPE_API_BASE = fake_stripe.url
    keys = fake_stripe.register()
    keys["account_id"] = keys.pop("account")
    fake_stripe.secret = keys["webhook_secret"]
    fake_stripe.open_account = lambda: set_stripe_account(actor=SYSTEM, **keys)
    return fake_stripe


@pytest.fixture
def shop(site, stripe):
    """The site takes money."""
    stripe.open_account()
    return stripe


@pytest.fixture
def told(shop, deliver):
    """told(kind, object): the site hears of something at Stripe, and it is worked off."""
    from apps.payments.tests import factories

    def tell(kind, found):
        answer = factories.send(Client(), factories.event(kind, found), secret=shop.secret)
        assert answer.status_code == 200, answer.content
        deliver()

    return tell


@pytest.fixture
def pay(told):
    """pay(order): its buyer pays, and the site hears of it."""
    from apps.orders.services import open_payment_of
    from apps.payments.tests.factories import intent_of

    def run(order):
        told("payment_intent.succeeded", intent_of(open_payment_of(order)))
        order.refresh_from_db()
        return order

    return run


@pytest.fixture
def committed_shop(transactional_alpha, stripe):
    """The same, committed, for buyers in parallel. The id of the site."""
    with site_context(transactional_alpha):
        stripe.open_account()
    return transactional_alpha
