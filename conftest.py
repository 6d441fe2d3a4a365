"""Fixtures for every test: a cloned database per worker, sites, and the API as a client sees it."""

import time
from collections.abc import Callable, Iterator
from itertools import count
from typing import Any

import pytest
from django.test import TransactionTestCase

from tests.harness import databases

pytest_plugins = ["tests.fakes.fixtures"]

_template = ""


@pytest.fixture(scope="session")
def django_db_setup(request: pytest.FixtureRequest, django_db_blocker: Any) -> None:
    """Instead of Django's runner, which would create databases as the role that must not be able to."""
    global _template
    with django_db_blocker.unblock():
        _template = databases.ensure_template()
        name = databases.worker_database()
        databases.clone(_template, name)
        databases.use(name)
        databases.assert_app_role()


def _reclone(self: TransactionTestCase) -> None:
    databases.clone(_template, databases.worker_database())


TransactionTestCase._fixture_teardown = _reclone  # type: ignore[method-assign,attr-defined]


_shelves = count()


@pytest.fixture(autouse=True)
def _fresh_registry() -> Iterator[None]:
    from apps.accounts.oidc import providers
    from apps.catalogue import shelf
    from apps.core import ids
    from apps.sites import registry

    shelf.PREFIX = f"catalogue-{next(_shelves)}"  # what the test before kept is of a database that is gone
    ids._last = 0  # a test that moved the time would have all after it make ids of that time
    registry.forget()
    providers.forget()
    yield
    registry.forget()
    providers.forget()


@pytest.fixture
def site(db: None) -> Iterator[Any]:
    """Site ALPHA, and its context for the whole test."""
    from apps.core.tenancy import site_context
    from apps.sites import registry

    found = registry.by_code("ALPHA")
    assert found is not None
    with site_context(found.pk):
        yield found


@pytest.fixture
def other_site(db: None) -> Any:
    """Site BETA, a stranger to ALPHA."""
    from apps.sites import registry

    return registry.by_code("BETA")


@pytest.fixture
def deliver() -> Callable[[], int]:
    """Work off the outbox of the present site, as the worker would after the commit. Returns how many events."""
    from apps.core import outbox
    from apps.core.models import OutboxEvent
    from apps.core.tenancy import require_site_id

    def run() -> int:
        done, site_id = 0, require_site_id()
        while worked := sum(outbox.drain(site_id, consumer) for consumer in sorted(outbox.consumers())):
            done += worked
        failed = OutboxEvent.objects.filter(done_at=None).exclude(last_error="").values_list("topic", "last_error")
        assert not failed, list(failed)
        return done

    return run


@pytest.fixture
def make_user(site: Any) -> Callable[..., Any]:
    """make_user("ann@example.com", roles=["admin"], user_type="staff") → a member of ALPHA holding those roles at site scope."""
    from apps.accounts.models import Membership, User
    from apps.audit.services import SYSTEM
    from apps.rbac.models import Role
    from apps.rbac.services import assign_role

    count = iter(range(1, 10_000))

    def make(
        email: str = "", *, roles: tuple[str, ...] | list[str] = (), password: str | None = None, **kwargs: Any
    ) -> Any:
        email = email or f"user{next(count)}@example.com"
        user = User.objects.create_user(email=email, password=password, full_name=kwargs.pop("full_name", ""))
        Membership.objects.create(user=user, **kwargs)
        for key in roles:
            assign_role(user=user, role=Role.objects.get(key=key), actor=SYSTEM, access=None)
        return user

    return make


@pytest.fixture
def api(site: Any) -> Callable[..., Any]:
    """api(user) → a client of ALPHA with that user's token; api(key=...) with an API key; api() with neither."""
    from rest_framework.test import APIClient

    from apps.accounts.tokens import issue_pair

    def client(user: Any = None, *, key: str = "", at: Any = None) -> APIClient:
        found = APIClient(headers={"X-Site-Code": (at or site).code})
        if user is not None:
            found.credentials(HTTP_AUTHORIZATION=f"Bearer {issue_pair(user=user, site=site)['access']}")
        elif key:
            found.credentials(HTTP_AUTHORIZATION=f"Api-Key {key}")
        return found

    return client


@pytest.fixture
def transactional_alpha(transactional_db: None) -> Any:
    """The id of site ALPHA for a test that commits: it enters `site_context` itself, as a request or a task would."""
    from apps.sites import registry

    found = registry.by_code("ALPHA")
    assert found is not None
    return found.pk


@pytest.fixture
def member(transactional_alpha: Any) -> Any:
    """A committed member of ALPHA."""
    from apps.accounts.models import Membership, User
    from apps.core.tenancy import site_context

    with site_context(transactional_alpha):
        user = User.objects.create_user(email="member@example.com", password=None, full_name="Member")
        Membership.objects.create(user=user)
    return user


@pytest.fixture
def as_admin(transactional_db: None) -> Callable[..., None]:
    """Run SQL as a superuser with triggers off: what only an intruder in the database could do."""
    import psycopg

    def run(sql: str, params: Any = None) -> None:
        conninfo = databases.admin_conninfo(databases.worker_database())
        with psycopg.connect(conninfo, autocommit=True, options="-c session_replication_role=replica") as admin:
            admin.execute(sql, params)

    return run


@pytest.fixture
def seal_rows(transactional_alpha: Any) -> Callable[[str, int], None]:
    """seal_rows("ledger", 3): seal ALPHA's chain until it holds so many more rows.

    Rows are sealed once no older transaction of the whole server runs, and other tests share the server.
    """
    from apps.core import chain

    def seal(name: str, wanted: int) -> None:
        done, until = 0, time.monotonic() + 120  # a slow test beside it holds it up
        while done < wanted and time.monotonic() < until:
            done += chain.seal(transactional_alpha, name)
            time.sleep(0.05)
        assert done == wanted

    return seal


@pytest.fixture
def steady_sites(monkeypatch):
    """Sites are read again every five seconds, two statements that a slow machine would see in one count and not the other."""
    monkeypatch.setattr("apps.sites.registry.KEEP_SECONDS", float("inf"))
