"""Browsing a site's pages as a person does: by host, with a session, through every middleware."""

import pytest
from django.test import Client

PASSWORD = "a-long-password-1"


@pytest.fixture
def at():
    """at("alpha") → an anonymous browser at that site's host; at("") at the platform's. CSRF is checked as in production."""

    def browser(code="alpha", **kwargs):
        host = f"{code}.localhost" if code else "localhost"
        return Client(headers={"Host": host}, **kwargs)

    return browser


@pytest.fixture
def ann(make_user):
    """A partner of ALPHA, active, with a password."""
    from apps.referrals.services import join

    user = make_user("ann@example.com", password=PASSWORD, full_name="Ann Example")
    user.partner = join(user=user)
    return user


@pytest.fixture
def signed_in(at):
    """signed_in(user) → their browser, signed in through the form."""

    def browser(user, code="alpha", password=PASSWORD):
        client = at(code)
        response = client.post("/dashboard/signin", {"email": user.email, "password": password})
        assert response.status_code == 302, response.content.decode()[:2000]
        return client

    return browser
