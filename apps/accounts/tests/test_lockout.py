"""Many wrong passwords from many addresses lock an account for a while, whoever it is; the count outlives every rollback."""

import secrets
import threading

import pytest
from django.db import connections
from rest_framework.test import APIClient

from apps.accounts.models import Membership, RefreshToken, User
from apps.accounts.services import locked_seconds, unlock_sign_in
from apps.accounts.tests.authenticator import enrol
from apps.audit.models import AuditEvent
from apps.core.api.throttling import LOGIN_LOCKOUT
from apps.core.errors import Conflict, Invalid, TooMany
from apps.core.tenancy import site_context

URL = "/api/v1/auth/token"
PASSWORD = "correct horse battery"


@pytest.fixture(autouse=True)
def few(settings):
    """Six instead of thirty; counters outlive a run, so addresses are new ones each time."""
    settings.UPLINE_THROTTLE = True
    settings.UPLINE_LOCKOUT = {"failures": 6, "within_seconds": 3600, "seconds": 900}


@pytest.fixture
def ann(make_user):
    return make_user(f"{secrets.token_hex(6)}@example.com", password=PASSWORD)


def attempt(email, password="wrong", **more):
    """From an address nobody called from before."""
    client = APIClient(
        headers={"X-Site-Code": "ALPHA"}, REMOTE_ADDR=f"2001:db8::{secrets.token_hex(2)}:{secrets.token_hex(2)}"
    )
    return client.post(URL, {"email": email, "password": password, **more}, format="json")


def test_many_failures_lock_the_right_password_out_too(ann):
    answers = [attempt(ann.email).status_code for _ in range(6)]

    refused = attempt(ann.email.upper(), PASSWORD)

    assert answers == [401] * 6
    assert (refused.status_code, refused.json()["code"]) == (429, "login_locked")
    assert 890 <= int(refused["Retry-After"]) <= 900
    assert RefreshToken.objects.count() == 0
    event = AuditEvent.objects.get(action="login.locked")
    assert (event.actor_kind, event.target_id, event.after) == ("system", str(ann.pk), {"email": ann.email})


def test_an_address_nobody_has_is_locked_alike(ann):
    nobody = f"{secrets.token_hex(6)}@example.com"
    for email in (ann.email, nobody):
        for _ in range(6):
            attempt(email)

    known, unknown = attempt(ann.email), attempt(nobody)

    def strip(answer):
        return {key: value for key, value in answer.json().items() if key != "request_id"}

    assert (known.status_code, strip(known)) == (unknown.status_code, strip(unknown))
    assert AuditEvent.objects.filter(action="login.locked", target_id="").count() == 1


def test_wrong_codes_count_as_well_and_missing_ones_do_not(ann):
    app, _ = enrol(ann)
    for _ in range(8):
        assert attempt(ann.email, PASSWORD).json()["code"] in ("otp_required", "rate_limited")
    assert locked_seconds(ann) == 0
    LOGIN_LOCKOUT.clear(ann.email)
    ann.email = f"{secrets.token_hex(6)}@example.com"  # the ten a minute are used up
    ann.save(update_fields=["email"])

    for _ in range(6):
        attempt(ann.email, PASSWORD, otp="000000")

    assert attempt(ann.email, PASSWORD, otp=app.code()).json()["code"] == "login_locked"


def test_guessing_at_the_door_keeps_nobody_inside_from_proving_themselves(ann):
    from apps.accounts.services import prove

    for _ in range(6):
        attempt(ann.email)

    prove(user=ann, password=PASSWORD)  # raises where it is refused
    durable = []
    for _ in range(6):
        with pytest.raises(Invalid):
            prove(user=ann, password="wrong", durable=durable)
    with pytest.raises(TooMany):
        prove(user=ann, password=PASSWORD)
    for act in durable:
        act()
    assert AuditEvent.objects.filter(action="login.locked", after__signed_in=True).count() == 1


def test_staff_unlock_it(ann, make_user):
    owner = make_user("owner@example.com", roles=["super_admin"])
    for _ in range(6):
        attempt(ann.email)
    assert locked_seconds(ann) > 0

    unlock_sign_in(user=ann, actor=owner, reason="Rang us up")

    assert attempt(ann.email, PASSWORD).status_code == 200
    assert AuditEvent.objects.get(action="login.unlocked").reason == "Rang us up"
    with pytest.raises(Conflict):
        unlock_sign_in(user=ann, actor=owner)
    assert AuditEvent.objects.filter(action="login.unlocked").count() == 1


def test_without_redis_nobody_signs_in(ann, monkeypatch):
    def down():
        raise ConnectionError

    monkeypatch.setattr("apps.core.api.throttling._redis", down)

    assert attempt(ann.email, PASSWORD).status_code == 503


@pytest.mark.django_db(transaction=True)
def test_side_by_side_the_lock_begins_once(transactional_alpha, settings):
    settings.UPLINE_LOCKOUT = {"failures": 8, "within_seconds": 3600, "seconds": 900}
    email = f"{secrets.token_hex(6)}@example.com"
    with site_context(transactional_alpha):
        Membership.objects.create(user=User.objects.create_user(email=email, password=PASSWORD))
    answers = []

    def run():
        try:
            answers.append(attempt(email).status_code)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=run) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert set(answers) <= {401, 429}
    assert attempt(email, PASSWORD).status_code == 429
    with site_context(transactional_alpha):
        assert AuditEvent.objects.filter(action="login.locked").count() == 1
