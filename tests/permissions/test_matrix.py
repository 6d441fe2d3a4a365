"""R15: every route × method × role, own and other tenant. Generated from the URL conf and the role catalogue, not typed."""

import json
import uuid

import pytest

from apps.audit.services import SYSTEM
from apps.core.tenancy import site_context
from apps.rbac import catalogue
from apps.rbac.access import Access, Requirement
from apps.rbac.models import Department, Role, Scope
from apps.rbac.services import assign_role, give_affiliate_role
from tests.permissions.routes import api_routes

ROUTES = api_routes()
ROLES = [role.key for role in catalogue.SYSTEM_ROLES]


def test_there_are_routes():
    assert len(ROUTES) > 20


@pytest.mark.parametrize("route", ROUTES, ids=str)
def test_every_route_declares_who_may(route):
    declared = getattr(route.view, "access", {})

    assert isinstance(declared.get(route.method), Requirement), "declare it in `access`"
    assert set(declared) <= {"GET", "POST", "PUT", "PATCH", "DELETE"}
    known = {*catalogue.ALL_KEYS, *catalogue.KEY_SCOPES}
    assert set(declared[route.method].keys) <= known


def expected_access(role, scope=Scope.SITE):
    access = Access()
    for key in next(item for item in catalogue.SYSTEM_ROLES if item.key == role).permissions:
        access.scopes[key].add((scope.value, None))
    return access


@pytest.fixture
def people(make_user):
    """A member per system role at site scope and for a department, one partner with scope own, one member with nothing."""
    found = {role: make_user(f"{role}@example.com", roles=[role]) for role in ROLES}
    support = Department.objects.get(code="SUPPORT").pk
    for role in ROLES:
        found[f"{role} in support"] = user = make_user(f"{role}.support@example.com")
        assign_role(
            user=user,
            role=Role.objects.get(key=role),
            actor=SYSTEM,
            access=None,
            scope=Scope.DEPARTMENT,
            scope_id=support,
        )
    partner = make_user("partner@example.com")
    give_affiliate_role(user=partner)
    return {**found, "partner": partner, "nobody": make_user("nobody@example.com")}


def send(client, route, pk=None):
    return client.generic(route.method, route.url(pk), "{}", content_type="application/json")


def test_each_role_is_let_in_exactly_where_declared(api, people, site):
    wrong = []
    own = Access()
    for key in next(item for item in catalogue.SYSTEM_ROLES if item.key == catalogue.AFFILIATE).permissions:
        own.scopes[key].add((Scope.OWN.value, None))
    accesses = {role: expected_access(role) for role in ROLES} | {"partner": own, "nobody": Access()}
    accesses |= {f"{role} in support": expected_access(role, Scope.DEPARTMENT) for role in ROLES}
    for name, user in people.items():
        client = api(user)
        for route in ROUTES:
            requirement = route.view.access[route.method]
            answer = send(client, route)
            allowed = requirement.met_by(accesses[name], authenticated=True)
            code = "" if answer.status_code == 204 or not answer.content else answer.json().get("code", "")
            refused = answer.status_code == 403 and code == "permission_denied"
            odd = allowed == refused or answer.status_code in (401, 405) or answer.status_code >= 500
            # An empty body is a wrong password, or a wrong token, to the routes that take one.
            if odd and not (answer.status_code == 401 and requirement.kind == "public"):
                wrong.append(f"{name}: {route} is {answer.status_code}, declared {'open' if allowed else 'closed'}")
    assert wrong == []


def test_without_a_token_only_public_routes_answer(api):
    wrong = []
    for route in ROUTES:
        public = route.view.access[route.method].kind == "public"
        answer = send(api(), route)
        if (answer.status_code == 401) == public and not (public and answer.json()["code"] == "invalid_credentials"):
            wrong.append(f"{route} is {answer.status_code}")
    assert wrong == []


def test_a_token_of_one_site_opens_nothing_at_another(api, people, other_site):
    client = api(people["super_admin"], at=other_site)
    wrong = []
    for route in ROUTES:
        if route.view.access[route.method].kind == "public":
            continue
        answer = send(client, route)
        if (answer.status_code, answer.json()["code"]) != (403, "site_mismatch"):
            wrong.append(f"{route} is {answer.status_code}")
    assert wrong == []


def plain(answer):
    """An answer but for what differs between any two: the request's id."""
    body = json.loads(answer.content) if answer.content else {}
    body.pop("request_id", None)
    headers = {name: value for name, value in answer.headers.items() if name not in ("X-Request-ID", "Date")}
    return answer.status_code, body, headers


def test_another_tenants_id_answers_like_a_missing_one(api, people, other_site):
    """Ids of every kind of thing the other site has, against every route that takes an id."""
    from tests.permissions.things import ids_of

    with site_context(other_site.pk):
        ids = ids_of(other_site)
    client, wrong = api(people["super_admin"]), []
    for route in (route for route in ROUTES if route.takes_id):
        missing = plain(send(client, route, uuid.uuid4()))
        wrong += [f"{route} tells of {kind}" for kind, pk in ids.items() if plain(send(client, route, pk)) != missing]
    assert wrong == []
