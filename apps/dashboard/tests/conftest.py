"""Browsing a site's pages as a person does: by host, with a session, through every middleware."""

import pytest
from django.test import Client

PASSWORD = "a-long-password-1"


@pytest.fixture
def at():
    """at("alpha") → an anonymous browser at that site's host; at("") at the platform's."""

    def browser(code="alpha", **kwargs):
        host = f"{code}.localhost" if code else "localhost"
        return Client(headers={"Host": host}, **kwargs)

    return browser


@pytest.fixture
def make_partner(make_user):
    """make_partner("Ben Example", below=ann) → a partner of ALPHA with a password; `.partner` is their place."""
    from apps.referrals.services import join

    def make(name, below=None, **kwargs):
        email = f"{name.split()[0].lower()}@example.com"
        user = make_user(email, password=PASSWORD, full_name=name)
        user.partner = join(user=user, sponsor=below.partner if below else None, **kwargs)
        return user

    return make


@pytest.fixture
def ann(make_partner):
    return make_partner("Ann Example")


@pytest.fixture
def ben(make_partner, ann):
    """Directly below Ann."""
    return make_partner("Ben Example", below=ann)


@pytest.fixture
def cleo(make_partner, ben):
    """Two levels below Ann."""
    return make_partner("Cleo Example", below=ben)


@pytest.fixture
def stranger(make_partner):
    """A partner of the same site who is neither above nor below Ann."""
    return make_partner("Zoe Stranger")


@pytest.fixture
def plan(site):
    """Servers 12.5 % and 5 %, domains ₹100 each; nothing for anything else."""
    from decimal import Decimal

    from apps.commissions.engine import Kind, Rule
    from apps.commissions.tests.factories import make_plan

    return make_plan(
        Rule("server", 1, Kind.PERCENT, Decimal("0.125")),
        Rule("server", 2, Kind.PERCENT, Decimal("0.05")),
        Rule("domain", 1, Kind.FLAT, 10000),
        name="Standard",
    )


@pytest.fixture
def signed_in(at):
    """signed_in(user) → their browser, signed in through the form."""

    def browser(user, code="alpha", password=PASSWORD):
        client = at(code)
        response = client.post("/dashboard/signin", {"email": user.email, "password": password})
        assert response.status_code == 302, response.content.decode()[:2000]
        return client

    return browser


@pytest.fixture
def nested():
    """Statements that belong to the request's transaction inside the test's own: two savepoint, two for the setting."""
    return 4


@pytest.fixture
def address():
    """An address nobody has called from: limits are kept in Redis and outlive a test."""
    from uuid import uuid4

    return f"2001:db8::{uuid4().hex[:4]}:{uuid4().hex[:4]}"
