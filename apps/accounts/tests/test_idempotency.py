"""Idempotency-Key over HTTP, as payments and shops use it (api.md). Committing tests: the claim has a transaction of its own."""

import threading
from datetime import timedelta

import pytest
from django.db import connections
from django.utils import timezone
from rest_framework.test import APIClient

from apps.accounts.tokens import issue_pair, revoke_user
from apps.core.models import IdempotencyKey
from apps.core.tenancy import site_context
from apps.payouts.models import Payout
from apps.rbac.models import UserRole
from apps.rbac.services import give_affiliate_role
from apps.sites import registry
from apps.wallet.tests.factories import give_earnings

pytestmark = pytest.mark.django_db(transaction=True)
URL = "/api/v1/payouts/request"


@pytest.fixture
def client(transactional_alpha, member):
    site = registry.by_id(transactional_alpha)
    with site_context(site.pk):
        give_affiliate_role(user=member)
        give_earnings(member, 1000)
        token = issue_pair(user=member, site=site)["access"]
    client = APIClient(headers={"X-Site-Code": site.code})
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {token}")
    return client


def ask(client, key, **body):
    return client.post(URL, body, headers={"Idempotency-Key": key})


def payouts(site_id):
    with site_context(site_id):
        return Payout.objects.count()


def test_the_same_key_and_body_give_the_stored_answer(client, transactional_alpha):
    first = ask(client, "k1", amount=100)

    again = ask(client, "k1", amount=100)

    assert (first.status_code, again.status_code) == (201, 201)
    assert again.content == first.content
    assert again["Idempotent-Replayed"] == "true"
    assert "Idempotent-Replayed" not in first
    assert payouts(transactional_alpha) == 1


def test_the_same_key_with_another_body_is_refused(client, transactional_alpha):
    ask(client, "k1", amount=100)

    answer = ask(client, "k1", amount=200)

    assert (answer.status_code, answer.json()["code"]) == (422, "idempotency_key_reused")
    assert payouts(transactional_alpha) == 1


def test_a_refusal_frees_the_key(client, transactional_alpha):
    assert ask(client, "k1", amount=5000).status_code == 409

    assert ask(client, "k1", amount=100).status_code == 201
    assert payouts(transactional_alpha) == 1


def test_a_key_that_still_runs_is_a_conflict_until_its_lock_expires(client, transactional_alpha):
    ask(client, "k1", amount=100)
    with site_context(transactional_alpha):
        IdempotencyKey.objects.update(status=0, body=b"")

    answer = ask(client, "k1", amount=100)

    assert (answer.status_code, answer.json()["code"]) == (409, "idempotency_in_progress")
    with site_context(transactional_alpha):
        IdempotencyKey.objects.update(locked_until=timezone.now() - timedelta(seconds=1))
    assert ask(client, "k1", amount=100).json()["code"] == "payout_in_progress"


def test_keys_of_two_callers_are_two_keys(client, transactional_alpha):
    ask(client, "k1", amount=100)
    anonymous = APIClient(headers={"X-Site-Code": "ALPHA"})

    answer = ask(anonymous, "k1", amount=100)

    assert answer.status_code == 401
    assert payouts(transactional_alpha) == 1


@pytest.mark.parametrize("key", ["x" * 256, "tab\there"])
def test_a_malformed_key_is_400(client, transactional_alpha, key):
    answer = ask(client, key, amount=100)

    assert (answer.status_code, answer.json()["code"]) == (400, "invalid")
    assert payouts(transactional_alpha) == 0


def test_parallel_requests_with_one_key_have_one_effect_and_no_error(client, transactional_alpha, member):
    """Whether the first is refused and frees its key, or succeeds: the others replay, wait or run, and none breaks."""
    outcomes = []

    def run(amount):
        try:
            outcomes.append(ask(client, f"k{amount}", amount=amount).status_code)
        finally:
            connections.close_all()

    for amount in (5000, 100):
        threads = [threading.Thread(target=run, args=(amount,)) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    assert set(outcomes) <= {201, 409}
    assert 201 in outcomes
    assert payouts(transactional_alpha) == 1


@pytest.mark.parametrize("amount", [100, 200])
def test_a_revoked_token_gets_no_stored_answer(client, transactional_alpha, member, amount):
    """Neither the answer itself (R20), nor word that there is one."""
    ask(client, "k1", amount=100)
    with site_context(transactional_alpha):
        revoke_user(member)

    answer = ask(client, "k1", amount=amount)

    assert (answer.status_code, answer.json()["code"]) == (401, "token_invalid")


def test_a_role_taken_away_gets_no_stored_answer(client, transactional_alpha, member):
    ask(client, "k1", amount=100)
    with site_context(transactional_alpha):
        UserRole.objects.filter(user=member).delete()

    answer = ask(client, "k1", amount=100)

    assert (answer.status_code, answer.json()["code"]) == (403, "permission_denied")


def test_a_kept_answer_can_not_be_read_in_the_database(client, transactional_alpha):
    """It may hold an API key or tokens (R26)."""
    answer = ask(client, "k1", amount=100)

    with site_context(transactional_alpha):
        kept = bytes(IdempotencyKey.objects.get().body)
    assert answer.json()["id"].encode() not in kept
    assert kept != b""
