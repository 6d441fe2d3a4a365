"""Signing in, rotation, revocation: W5, R19, R20, as a client sees them over HTTP."""

import secrets
import threading

import pytest
from django.db import connections
from rest_framework.test import APIClient

from apps.accounts.models import RefreshToken
from apps.accounts.services import set_member_active
from apps.accounts.tokens import issue_pair
from apps.audit.services import SYSTEM
from apps.core.tenancy import site_context
from apps.sites import registry

URL = "/api/v1/auth"
PASSWORD = "correct horse battery"


@pytest.fixture
def ann(make_user):
    return make_user("ann@example.com", password=PASSWORD, full_name="Ann")


def sign_in(client, email="ann@example.com", password=PASSWORD):
    return client.post(f"{URL}/token", {"email": email, "password": password})


def test_signing_in_gives_a_pair_whose_claims_are_the_contract(api, ann, site):
    from apps.accounts.tokens import AccessToken

    answer = sign_in(api(), email=" ANN@example.com")

    assert answer.status_code == 200
    claims = AccessToken(answer.json()["access"]).payload
    assert set(claims) == {"user_id", "site", "ver", "token_type", "jti", "iat", "exp", "sid", "auth_time"}
    assert (claims["user_id"], claims["site"], claims["token_type"]) == (str(ann.pk), "ALPHA", "access")
    assert claims["exp"] - claims["iat"] == 900


@pytest.mark.parametrize(("email", "password"), [("ann@example.com", "wrong"), ("nobody@example.com", PASSWORD)])
def test_a_wrong_password_and_an_unknown_email_are_one_answer(api, ann, email, password):
    answer = sign_in(api(), email, password)

    assert answer.status_code == 401
    assert answer.json()["code"] == "invalid_credentials"
    assert RefreshToken.objects.count() == 0


def test_signing_in_where_one_is_no_member_is_refused(api, ann, other_site):
    answer = sign_in(api(at=other_site))

    assert (answer.status_code, answer.json()["code"]) == (401, "invalid_credentials")


def test_a_token_of_another_site_is_a_mismatch(api, ann, other_site):
    client = api(ann, at=other_site)

    answer = client.post(f"{URL}/password/change", {})

    assert (answer.status_code, answer.json()["code"]) == (403, "site_mismatch")


def test_a_refresh_token_works_once_and_its_replay_ends_the_family(api, ann):
    first = sign_in(api()).json()
    second = api().post(f"{URL}/token/refresh", {"refresh": first["refresh"]})
    assert second.status_code == 200

    replay = api().post(f"{URL}/token/refresh", {"refresh": first["refresh"]})

    assert (replay.status_code, replay.json()["code"]) == (401, "token_reused")
    after = api().post(f"{URL}/token/refresh", {"refresh": second.json()["refresh"]})
    assert (after.status_code, after.json()["code"]) == (401, "token_invalid")


def test_logout_ends_the_family(api, ann):
    pair = sign_in(api()).json()

    assert api().post(f"{URL}/logout", {"refresh": pair["refresh"]}).status_code == 204
    assert api().post(f"{URL}/token/refresh", {"refresh": pair["refresh"]}).status_code == 401


def test_a_password_change_ends_access_tokens_at_once(api, ann):
    client = api(ann)
    body = {"old_password": PASSWORD, "new_password": "another good phrase"}
    assert client.post(f"{URL}/password/change", body).status_code == 204

    answer = client.post(f"{URL}/password/change", body)

    assert (answer.status_code, answer.json()["code"]) == (401, "token_invalid")
    assert sign_in(api(), password="another good phrase").status_code == 200


@pytest.mark.parametrize("weak", ["short1", "password", "1234567890123"])
def test_a_weak_password_changes_nothing(api, ann, weak):
    client = api(ann)

    answer = client.post(f"{URL}/password/change", {"old_password": PASSWORD, "new_password": weak})

    assert (answer.status_code, answer.json()["code"]) == (400, "password_too_weak")
    assert answer.json()["errors"][0]["field"] == "new_password"
    assert sign_in(api()).status_code == 200


def test_a_suspended_member_is_refused_at_the_next_request(api, ann):
    client = api(ann)
    set_member_active(user=ann, is_active=False, actor=SYSTEM)

    assert client.post(f"{URL}/password/change", {}).status_code == 401
    assert sign_in(api()).status_code == 401


@pytest.mark.parametrize("header", ["Bearer", "Bearer x", "Bearer a b", "Api-Key nope", "Bearer \xff"])
def test_a_malformed_credential_is_401(api, header):
    answer = api().post(f"{URL}/password/change", {}, headers={"Authorization": header})

    assert answer.status_code == 401
    assert answer.json()["request_id"] == answer["X-Request-ID"]


def test_the_site_is_required_known_and_unambiguous(client):
    url = f"{URL}/token"
    assert client.post(url).json()["code"] == "site_required"
    unknown = client.post(url, headers={"X-Site-Code": "NOPE"})
    assert (unknown.status_code, unknown.json()["code"]) == (404, "site_unknown")
    both = client.post(url, headers={"X-Site-Code": "ALPHA", "Host": "beta.localhost"})
    assert (both.status_code, both.json()["code"]) == (403, "site_mismatch")


test_the_site_is_required_known_and_unambiguous = pytest.mark.django_db(test_the_site_is_required_known_and_unambiguous)


@pytest.mark.django_db(transaction=True)
def test_of_a_hundred_parallel_refreshes_one_wins_and_the_family_is_over(transactional_alpha, member):
    """R19. The revocation outlives the refusals that caused it."""
    site = registry.by_id(transactional_alpha)
    with site_context(site.pk):
        refresh = issue_pair(user=member, site=site)["refresh"]
    answers = []

    def use():
        try:
            client = APIClient(headers={"X-Site-Code": site.code})
            answers.append(client.post(f"{URL}/token/refresh", {"refresh": refresh}, format="json"))
        finally:
            connections.close_all()

    for _ in range(10):  # ten at a time, a hundred in all
        threads = [threading.Thread(target=use) for _ in range(10)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    assert sorted(answer.status_code for answer in answers) == [200] + [401] * 99
    winner = next(answer for answer in answers if answer.status_code == 200).json()["refresh"]
    after = APIClient(headers={"X-Site-Code": site.code}).post(
        f"{URL}/token/refresh", {"refresh": winner}, format="json"
    )
    assert (after.status_code, after.json()["code"]) == (401, "token_invalid")


def test_signing_out_at_another_site_is_refused_and_ends_nothing(api, ann, other_site):
    pair = sign_in(api()).json()

    answer = api(at=other_site).post(f"{URL}/logout", {"refresh": pair["refresh"]})

    assert (answer.status_code, answer.json()["code"]) == (403, "site_mismatch")
    assert api().post(f"{URL}/token/refresh", {"refresh": pair["refresh"]}).status_code == 200


def test_head_answers_like_get_without_the_body(api, ann):
    answer = api(ann).head(f"{URL}/me")

    assert (answer.status_code, answer.content) == (200, b"")
    assert api().head(f"{URL}/me").status_code == 401


def test_failures_side_by_side_are_told_ten_times_too(api, ann, settings, monkeypatch):
    """As threads do that all passed the check before any of them had failed."""
    settings.UPLINE_THROTTLE = True
    monkeypatch.setattr("apps.core.api.throttling.Limit.check", lambda limit, key: None)
    client = api()
    client.defaults["REMOTE_ADDR"] = f"2001:db8::{secrets.token_hex(2)}"  # counters outlive a run

    statuses = [sign_in(client, f"{secrets.token_hex(6)}@example.com").status_code for _ in range(12)]

    assert statuses == [401] * 10 + [429] * 2
