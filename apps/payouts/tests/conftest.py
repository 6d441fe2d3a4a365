import pytest

from apps.core.tenancy import site_context
from apps.payments import stripe_api
from apps.payouts.tests import factories
from apps.referrals.services import join
from apps.wallet.tests.factories import give_earnings


@pytest.fixture
def ann(make_user):
    user = make_user("ann@example.com", full_name="Ann")
    join(user=user)
    give_earnings(user, 6000)
    return user


@pytest.fixture
def approver(make_user):
    return make_user("payouts@example.com", roles=["payout_manager"])


@pytest.fixture
def proposer(make_user):
    return make_user("proposer@example.com", roles=["affiliate_manager"])


@pytest.fixture
def manager(make_user):
    return make_user("manager@example.com", roles=["affiliate_manager"])


@pytest.fixture
def shop(transactional_alpha, fake_stripe, settings):
    """ALPHA with an account at the fake. The id of the site."""
    settings.STRIPE_API_BASE = fake_stripe.url
    with site_context(transactional_alpha):
        factories.make_stripe(fake_stripe.register())
    yield transactional_alpha
    stripe_api._client.cache_clear()


@pytest.fixture
def stripe(site, settings, fake_stripe):
    """The fake, with ALPHA's account at it. Its events go nowhere."""
    settings.STRIPE_API_BASE = fake_stripe.url
    factories.make_stripe(fake_stripe.register())
    return fake_stripe


@pytest.fixture
def held_by(stripe):
    """held_by() → the transfers the fake holds, newest first."""

    def held():
        return stripe.server.store.listed("acct_ALPHA", "transfer", limit=10_000)

    return held
