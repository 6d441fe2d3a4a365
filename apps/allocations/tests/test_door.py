"""Fireblocks' door lets in what it signed just now, and nothing else."""

import json
import time

import pytest

from apps.allocations.tests.factories import key, make_custody
from apps.core.models import InboxEvent
from apps.core.tenancy import site_context
from fakes.fireblocks.signing import detached, legacy_signature

SMALL = {
    "id": "evt-1",
    "eventType": "transaction.created",
    "workspaceId": "ws-alpha",
    "data": {"id": "t", "status": "X"},
}


def happened(**news):
    return SMALL | {"createdAt": int(time.time() * 1000)} | news


def nothing_came():
    assert InboxEvent.objects.count() == 0


@pytest.mark.parametrize("root", [True, False])
@pytest.mark.parametrize("code", ["ALPHA", "alpha"])
def test_at_the_root_and_under_the_api(custody, post, root, code):
    answer = post(happened(), at_site=code, root=root)

    assert (answer.status_code, answer.json()) == (200, {"received": True})
    assert (InboxEvent.objects.get().source, InboxEvent.objects.get().event_id) == ("fireblocks", "evt-1")


def test_twice_is_once(custody, post):
    event = happened()

    assert [post(event).status_code for _ in range(3)] == [200] * 3
    assert InboxEvent.objects.count() == 1


def test_the_old_protocol(custody, post):
    body = json.dumps(
        {"type": "TRANSACTION_CREATED", "tenantId": "ws-alpha", "timestamp": int(time.time() * 1000)}
    ).encode()

    good = post(None, raw=body, header="", **{"Fireblocks-Signature": legacy_signature(body, key("legacy"))})
    assert good.status_code == 200
    forged = post(None, raw=body, header="", **{"Fireblocks-Signature": legacy_signature(body, key("mallory"))})
    assert (forged.status_code, forged.json()["code"]) == (400, "signature_invalid")
    assert InboxEvent.objects.count() == 1


def test_a_forged_new_signature_isnt_saved_by_a_good_old_one(custody, post):
    event = happened()
    old = legacy_signature(json.dumps(event).encode(), key("legacy"))

    assert post(event, signer=key("mallory"), **{"Fireblocks-Signature": old}).status_code == 400
    nothing_came()


@pytest.mark.parametrize("seconds", [301, 3600, -301])
def test_an_old_event_is_refused(custody, post, seconds):
    answer = post(happened(createdAt=int((time.time() - seconds) * 1000)))

    assert (answer.status_code, answer.json()["code"]) == (400, "signature_invalid")
    nothing_came()


def test_a_time_in_the_signature_counts_before_the_events(custody, post, fireblocks):
    event = happened(createdAt=int((time.time() - 900) * 1000))
    body, signer = json.dumps(event).encode(), fireblocks.custody.signer.key

    assert post(event, header=detached(body, signer, headers={"iat": int(time.time()) - 400})).status_code == 400
    nothing_came()
    assert post(event, header=detached(body, signer, headers={"iat": int(time.time())})).status_code == 200


def test_an_event_without_any_time_is_refused(custody, post):
    assert post(SMALL).status_code == 400
    nothing_came()


@pytest.mark.parametrize("header", ["", "a..b", "..", "a.b.c", "\x00", "e30..e30", "x" * 5000])
def test_a_forged_signature_is_refused(custody, post, header):
    answer = post(happened(), header=header or "nonsense")

    assert (answer.status_code, answer.json()["code"]) == (400, "signature_invalid")
    nothing_came()


def test_other_algorithms_keys_and_payloads_are_refused(custody, post, fireblocks):
    import jwt
    from jwt.api_jws import PyJWS

    event = happened()
    body, signer = json.dumps(event).encode(), fireblocks.custody.signer.key
    hmac_with_the_public_key = PyJWS().encode(body, "x" * 32, algorithm="HS256", headers={"kid": "fake-webhook-key"})
    none = PyJWS().encode(body, None, algorithm="none", headers={"kid": "fake-webhook-key"})
    whole = PyJWS().encode(body, signer, algorithm="RS512", headers={"kid": "fake-webhook-key"})
    cut = [".".join([token.split(".")[0], "", token.split(".")[2]]) for token in (hmac_with_the_public_key, none)]

    assert jwt.get_unverified_header(whole)["alg"] == "RS512"
    for header in [*cut, whole, detached(body, signer, algorithm="RS256"), detached(body, signer, kid="other")]:
        assert post(event, header=header).status_code == 400, header
    assert post(event, tamper=lambda sent: sent.replace(b"evt-1", b"evt-2")).status_code == 400
    nothing_came()


@pytest.mark.parametrize(
    "raw", [b"", b"null", b"[]", b"{}", b"\xff\xfe", b'{"id": NaN}', b"[" * 100_000, b'{"id": 1, "eventType": "x"}']
)
def test_signed_nonsense_is_refused(custody, post, raw):
    assert 400 <= post(None, raw=raw).status_code < 500
    nothing_came()


@pytest.mark.parametrize("news", [{"id": ""}, {"id": "e" * 200}, {"id": "e\x00"}, {"eventType": None}, {"id": 7}])
def test_an_event_that_is_none_is_refused(custody, post, news):
    assert post(happened(**news)).status_code == 400
    nothing_came()


def test_an_unknown_site_and_one_without_a_custodian(site, post):
    assert post(happened(), at_site="NOWHERE").status_code == 404
    assert post(happened()).status_code == 400
    nothing_came()


def test_an_event_of_one_site_is_ignored_at_another(custody, post, other_site, deliver):
    with site_context(other_site.pk):
        make_custody(workspace_id="ws-beta")
    assert post(happened(), at_site="BETA").status_code == 200

    with site_context(other_site.pk):
        deliver()
        row = InboxEvent.objects.get()
        assert (row.status, row.note) == ("ignored", "another workspace's")


def test_keys_that_cant_be_fetched_are_asked_for_again_later(custody, post, settings):
    settings.FIREBLOCKS_JWKS_URL = "http://127.0.0.1:9/.well-known/jwks.json"

    answer = post(happened())

    assert answer.status_code == 503
    nothing_came()


def test_only_posts(custody, client):
    assert client.get("/webhooks/fireblocks/ALPHA").status_code == 405


@pytest.mark.parametrize("what", ['"\\ud800"', '"\\u0000"', "1e400", "[" * 5000])
def test_what_no_database_keeps_is_refused(custody, post, what):
    body = json.dumps(happened(note="HERE")).replace('"HERE"', what).encode()

    assert post(None, raw=body).status_code == 400
    nothing_came()
