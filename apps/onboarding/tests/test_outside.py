"""The demo's sites have accounts with the fakes that run."""

import pytest
import stripe

from apps.audit.models import AuditEvent
from apps.onboarding.demo import outside
from apps.payments.models import StripeAccount
from apps.payments.services import credentials


@pytest.fixture
def at_fake(settings, fake_stripe):
    settings.STRIPE_API_BASE, settings.UPLINE_STRIPE_PAY_URL = fake_stripe.url, f"{fake_stripe.url}/pay/"
    return fake_stripe


def test_without_a_fake_nobody_signs_up(site, settings):
    settings.UPLINE_STRIPE_PAY_URL = ""

    assert outside.running() == []
    assert not StripeAccount.objects.exists()


def test_a_site_signs_up_once(site, at_fake):
    (service,) = outside.running()

    secrets = {service.sign_up("ALPHA", "Alpha") for _ in range(2)}

    assert (service.name, service.url()) == ("stripe", at_fake.url)
    assert len(secrets) == 1
    assert AuditEvent.objects.filter(action="stripe_account.changed").count() == 1
    (account,) = at_fake.server.store.accounts()
    assert {account.webhook_secret} == secrets
    assert account.webhook_url == "http://127.0.0.1:8000/webhooks/stripe/ALPHA"
    client = stripe.StripeClient(credentials().secret_key, base_addresses={"api": at_fake.url}, max_network_retries=0)
    assert client.v1.accounts.retrieve_current().id == StripeAccount.objects.get().account_id == "acct_demo_ALPHA"


def test_each_site_has_secrets_of_its_own(site, at_fake):
    purposes = ("stripe", "stripe webhook", "publishable")

    assert len({outside.secret(purpose, code) for purpose in purposes for code in ("ALPHA", "BETA")}) == 6
