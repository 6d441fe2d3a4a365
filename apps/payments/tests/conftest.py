import pytest
from django.test import Client

from apps.audit.services import SYSTEM
from apps.core.tenancy import site_context
from apps.payments import purposes, services, stripe_api
from apps.payments.tests import factories


class Told:
    """A purpose that remembers what it was told. `wanted` is its answer to paid()."""

    said: list[tuple[str, int]] = []
    wanted = True

    def paid(self, payment):
        self.said.append(("paid", payment.amount))
        return Told.wanted

    def failed(self, payment):
        self.said.append((f"failed: {payment.failure}" if payment.status == "open" else payment.status, 0))

    def refunded(self, payment, *, amount, external_id, reason):
        self.said.append(("refunded", amount))

    def refund_failed(self, payment, refund):
        self.said.append(("refund failed", refund.amount))

    def disputed(self, payment, dispute):
        self.said.append((f"dispute {dispute.status}", dispute.amount))


@pytest.fixture
def told():
    """What the purpose "test" is told."""
    purposes.register("test", "apps.payments.tests.conftest.Told")
    Told.said.clear()
    Told.wanted = True
    yield Told.said
    Told.wanted = True


@pytest.fixture
def account(site):
    return factories.make_account()


@pytest.fixture
def tell(site, account, told, deliver):
    """tell(kind, object, **top) → the site's door hears of it and it is worked off. Returns the inbox row."""
    from apps.core.models import InboxEvent

    client = Client()

    def run(kind, found, **top):
        happened = factories.event(kind, found, **top)
        answer = factories.send(client, happened)
        assert answer.status_code == 200, answer.content
        deliver()
        return InboxEvent.objects.get(event_id=happened["id"])

    return run


@pytest.fixture
def shop(transactional_alpha, fake_stripe, settings):
    """ALPHA with an account at the fake. The id of the site."""
    settings.STRIPE_API_BASE = fake_stripe.url
    purposes.register("test", "apps.payments.tests.conftest.Told")
    Told.said.clear()
    keys = fake_stripe.register()
    with site_context(transactional_alpha):
        services.set_stripe_account(
            actor=SYSTEM, account_id=keys["account"], publishable_key=keys["publishable_key"],
            secret_key=keys["secret_key"], webhook_secret=keys["webhook_secret"],
        )  # fmt: skip
    yield transactional_alpha
    stripe_api._client.cache_clear()
