"""Stripe's door lets in what the site's own Stripe signed just now, and nothing else."""

import json
import time

import pytest

from apps.core.models import InboxEvent
from apps.core.tenancy import site_context
from apps.payments.services import set_stripe_account
from apps.payments.tests.factories import SECRET, event, intent_of, make_account, make_payment, send, signature

URL = "/webhooks/stripe/ALPHA"


def happened():
    return event("payment_intent.succeeded", intent_of(make_payment()))


def nothing_came():
    assert InboxEvent.objects.count() == 0


@pytest.mark.parametrize("root", [True, False])
@pytest.mark.parametrize("code", ["ALPHA", "alpha"])
def test_at_the_root_and_under_the_api(site, account, client, root, code):
    answer = send(client, happened(), site=code, root=root)

    assert (answer.status_code, answer.json()) == (200, {"received": True})
    assert InboxEvent.objects.get().status == "received"


def test_the_secret_before_the_new_one_still_opens(site, account, client):
    set_stripe_account(actor=_system(), webhook_secret="whsec_new")

    assert send(client, happened()).status_code == 200
    assert send(client, happened(), secret="whsec_new").status_code == 200


def test_and_the_one_before_that_does_not(site, account, client):
    for secret in ("whsec_new", "whsec_newer"):
        set_stripe_account(actor=_system(), webhook_secret=secret)

    assert send(client, happened()).status_code == 400
    nothing_came()


@pytest.mark.parametrize("seconds", [301, 3600])
def test_an_old_signature_is_refused(site, account, client, seconds):
    answer = send(client, happened(), at=time.time() - seconds)

    assert (answer.status_code, answer.json()["code"]) == (400, "signature_invalid")
    nothing_came()


def test_another_sites_secret_opens_nothing(site, other_site, account, client):
    with site_context(other_site.pk):
        make_account("whsec_of_beta", account_id="acct_beta")

    assert send(client, happened(), secret="whsec_of_beta").status_code == 400
    assert send(client, happened(), site="BETA").status_code == 400
    nothing_came()


@pytest.mark.parametrize(
    "header", ["", "t=1,v1=ab", "v1=00", "t=,v1=", "nonsense", "t=9999999999999999999,v1=00", "\x00"]
)
def test_a_forged_signature_is_refused(site, account, client, header):
    body = json.dumps(happened()).encode()

    answer = client.post(URL, data=body, content_type="application/json", headers={"stripe-signature": header})

    assert (answer.status_code, answer.json()["code"]) == (400, "signature_invalid")
    nothing_came()


def test_a_signature_is_of_its_body(site, account, client):
    body = json.dumps(happened()).encode()

    answer = client.post(
        URL, data=body.replace(b"10000", b"10001"), content_type="application/json",
        headers={"stripe-signature": signature(body)},
    )  # fmt: skip

    assert answer.status_code == 400
    nothing_came()


@pytest.mark.parametrize(
    "raw",
    [
        b"", b"null", b"[]", b"{}", b'{"id": 1, "type": "x"}', b'{"id": "evt", "type": null}', b"\xff\xfe", b'{"id": NaN}',
        b'{"id": "evt", "type": "x", "data": "\\ud800"}', b'{"id": "evt", "type": "x", "data": 1e400}',
        b'{"id": "", "type": "x"}', b'{"id": "e\\u0000", "type": "x"}', b"[" * 100_000,
        b'{"id": "' + b"e" * 200 + b'", "type": "x"}',
    ],
)  # fmt: skip
def test_signed_nonsense_is_refused_and_nothing_is_kept(site, account, client, raw):
    answer = send(client, None, raw=raw)

    assert 400 <= answer.status_code < 500
    nothing_came()


def test_a_body_too_large_is_refused(site, account, client):
    answer = send(client, None, raw=b'{"id": "evt", "type": "x", "data": "' + b"x" * (1024 * 1024) + b'"}')

    assert answer.status_code == 413
    nothing_came()


def test_an_unknown_site_and_one_without_an_account(site, client):
    assert send(client, happened(), site="NOWHERE").status_code == 404
    assert send(client, happened()).status_code == 400
    nothing_came()


def test_only_posts(site, account, client):
    assert client.get(URL).status_code == 405


def _system():
    from apps.audit.services import SYSTEM

    return SYSTEM


def test_secrets_are_kept_encrypted_and_each_field_for_itself(site, account):
    account.refresh_from_db()
    assert SECRET not in account.webhook_secrets
    assert "sk_test_alpha" not in account.secret_key

    account.secret_key, account.webhook_secrets = account.webhook_secrets, account.secret_key
    account.save()
    from apps.core.crypto import Undecryptable
    from apps.payments.services import credentials

    with pytest.raises(Undecryptable):
        credentials(account)
