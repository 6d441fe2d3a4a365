"""Every screen of the back office × every system role (R15, second half), and what a screen costs the database."""

import pytest
from django.contrib import admin
from django.urls import reverse

from apps.accounts.models import User
from apps.accounts.tests.browsers import browser_of
from apps.audit.services import SYSTEM
from apps.core.backoffice import UplineModelAdmin
from apps.core.ids import uuid7
from apps.core.tenancy import site_context
from apps.rbac import catalogue
from apps.rbac.access import load_access
from apps.rbac.models import Department, Role
from apps.rbac.services import assign_role

MODELS = sorted(admin.site._registry, key=lambda model: model._meta.label)
ROLES = [role.key for role in catalogue.SYSTEM_ROLES]
OURS = [model for model in MODELS if model._meta.app_label != "django_celery_beat"]


@pytest.fixture
def back_office(site, make_user):
    """back_office("admin") → a signed-in client of a member with that role."""

    def client(role=""):
        user = make_user(f"{role or 'nobody'}@example.com", roles=[role] if role else [], password=None)
        return browser_of(user, site)

    return client


def listing(model):
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist")


@pytest.mark.parametrize("model", OURS, ids=lambda model: model._meta.label)
def test_every_screen_names_the_keys_that_open_it(model):
    screen = admin.site._registry[model]

    assert isinstance(screen, UplineModelAdmin)
    assert screen.view_keys
    assert {*screen.view_keys, *screen.add_keys, *screen.change_keys} <= set(catalogue.ALL_KEYS)


@pytest.mark.parametrize("role", ROLES)
def test_a_role_sees_exactly_the_lists_its_keys_open(back_office, role):
    client, wrong = back_office(role), []
    held = next(item.permissions for item in catalogue.SYSTEM_ROLES if item.key == role)
    for model in OURS:
        screen = admin.site._registry[model]
        allowed = bool(held & {*screen.view_keys, *screen.change_keys})
        status = client.get(listing(model)).status_code
        if status != (200 if allowed else 403):
            wrong.append(f"{model._meta.label}: {status}, declared {'open' if allowed else 'closed'}")
    assert wrong == []


@pytest.mark.parametrize("role", ROLES)
def test_for_a_department_it_opens_the_lists_that_can_be_narrowed(back_office, role):
    support = Department.objects.get(code="SUPPORT")
    client, wrong = back_office(), []
    user = User.objects.get(pk=client.session["_auth_user_id"])
    given = {"user": user, "role": Role.objects.get(key=role), "actor": SYSTEM, "access": None}
    assign_role(**given, scope="department", scope_id=support.pk)
    held = next(item.permissions for item in catalogue.SYSTEM_ROLES if item.key == role)
    for model in OURS:
        screen = admin.site._registry[model]
        allowed = bool(screen.scoped and held & {*screen.view_keys, *screen.change_keys})
        status = client.get(listing(model)).status_code
        if status != (200 if allowed else 403):
            wrong.append(f"{model._meta.label}: {status}, declared {'open' if allowed else 'closed'}")
    assert wrong == []


def test_without_a_staff_role_the_door_stays_shut(back_office):
    client = back_office()

    for model in [*OURS]:
        answer = client.get(listing(model))
        assert answer.status_code == 302
        assert "/admin/login/" in answer["Location"]


def test_a_session_of_one_site_is_nobodys_at_another(back_office):
    client = back_office("super_admin")
    assert client.get("/admin/").status_code == 200

    answer = client.get("/admin/", headers={"host": "beta.localhost"})

    assert answer.status_code == 302


def test_every_list_and_row_opens_and_searches(back_office, site):
    """With one of each thing there, so that every column is drawn."""
    from tests.permissions.things import ids_of

    ids_of(site)
    client = back_office("super_admin")
    for model in OURS:
        url = listing(model)
        assert client.get(url).status_code == 200, url
        assert client.get(url, {"q": "some thing"}).status_code == 200, url
        row = admin.site._registry[model].get_queryset(_request(client, site)).order_by("pk").first()
        if row is not None:
            change = reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_change", args=[row.pk])
            assert client.get(change).status_code == 200, change


def _request(client, site):
    class Request:
        pass

    request = Request()
    request.site = site
    request.access = load_access(client.session["_auth_user_id"])
    request.GET = {}
    return request


@pytest.fixture
def theirs(site, other_site):
    """The newest row that another tenant has of each kind."""
    from tests.permissions.things import ids_of

    with site_context(other_site.pk):
        ids_of(other_site)
        found = {model: model._default_manager.order_by("-pk").first() for model in OURS if has_site(model)}
    return {model: row.pk for model, row in found.items() if row is not None}


def has_site(model):
    return any(field.name == "site" for field in model._meta.local_fields)


@pytest.mark.parametrize("role", ROLES)
def test_another_tenants_row_answers_like_a_missing_one(back_office, theirs, role):
    """Its page and its history, on every screen, for every role; no list of the site shows it either."""
    client, wrong = back_office(role), []
    for model, pk in theirs.items():
        name = f"admin:{model._meta.app_label}_{model._meta.model_name}"
        nobody = 10**15 if isinstance(pk, int) else uuid7()
        for view in ("change", "history"):
            found, missing = (client.get(reverse(f"{name}_{view}", args=[key])) for key in (pk, nobody))
            same = (found.status_code, found.headers.get("Location")) == (
                missing.status_code, missing.headers.get("Location"),
            )  # fmt: skip
            if not same or found.status_code == 200:
                wrong.append(f"{model._meta.label} {view}: {found.status_code}, a missing one {missing.status_code}")
        # A number may stand in a list for something else.
        if not isinstance(pk, int) and str(pk) in client.get(listing(model)).content.decode():
            wrong.append(f"{model._meta.label}: in the list")

    assert len(theirs) > 20
    assert wrong == []
