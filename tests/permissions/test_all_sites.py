"""Every screen of the back office in the mode that reads all sites × holder of a platform role, roles of one site (P3)."""

import pytest
from django.contrib import admin
from django.test import Client
from django.urls import reverse

from apps.accounts.middleware import SESSION_SITE, SESSION_SWITCH
from apps.accounts.models import Membership, User
from apps.audit.models import AuditEvent
from apps.audit.services import SYSTEM
from apps.backoffice.site import SESSION_ACROSS
from apps.commissions.models import Commission
from apps.core.backoffice import UplineModelAdmin
from apps.core.tenancy import across_sites, site_context
from apps.payouts.models import Payout, PayoutMethod
from apps.rbac import catalogue
from apps.rbac.models import PlatformRole, Role
from apps.rbac.services import assign_role, grant_platform_role
from apps.sites import registry
from apps.sites.models import Site
from tests.permissions.test_back_office import OURS, listing
from tests.permissions.things import ids_of

pytestmark = pytest.mark.django_db(transaction=True, databases=["default", "audit"])

SECRET = {
    "accounts.RefreshToken",
    "accounts.ApiKey",
    "core.IdempotencyKey",
    "payouts.PayoutMethod",
    "payments.StripeAccount",
    "custody.CustodyAccount",
}
SHARED = {"accounts.CryptoAddress", "accounts.TwoFactorDevice", "accounts.User", "rbac.Permission", "rbac.PlatformRole"}


@pytest.fixture
def things(transactional_db):
    """One of each thing at ALPHA and at DOLLAR. Its ids by site."""
    found = {}
    for code in ("ALPHA", "DOLLAR"):
        site = registry.by_code(code)
        with site_context(site.pk):
            found[code] = ids_of(site)
    return found


def desk(user, *, across=True):
    """A browser on the platform host, at work at ALPHA or reading all sites."""
    client = Client(headers={"host": "localhost"})
    client.force_login(user, backend="apps.accounts.backends.MembershipBackend")
    session = client.session
    session[SESSION_SITE], session[SESSION_SWITCH] = "", "ALPHA"
    if across:
        session[SESSION_ACROSS] = True
    session.save()
    return client


@pytest.fixture
def owner(things):
    with site_context(registry.by_code("ALPHA").pk):
        user = User.objects.create_user(email="owner@example.com", password=None, full_name="Olga Owner")
        grant_platform_role(user=user, role_key=catalogue.SUPER_ADMIN, actor=SYSTEM, access=None)
    return user


@pytest.fixture
def member(things):
    """member("admin") → somebody with that role at ALPHA."""

    def make(role):
        with site_context(registry.by_code("ALPHA").pk):
            user = User.objects.create_user(email=f"{role}@example.com", password=None)
            Membership.objects.create(user=user)
            assign_role(user=user, role=Role.objects.get(key=role), actor=SYSTEM, access=None)
        return user

    return make


def change(row):
    return reverse(f"admin:{row._meta.app_label}_{row._meta.model_name}_change", args=[row.pk])


# Pages of their own, drawn for one site.
OWN_PAGE = {"rbac.Department"}


def offered(model):
    return model._meta.label not in SECRET | SHARED | OWN_PAGE


def first_row(model):
    screen = admin.site._registry[model]
    with across_sites():
        return screen.model._default_manager.order_by("-pk").first() if offered(model) else None


def test_every_screen_opens_for_a_holder_of_a_platform_role_or_says_why_not(owner):
    client, wrong = desk(owner), []
    for model in OURS:
        answer = client.get(listing(model))
        if answer.status_code != (200 if offered(model) else 403):
            wrong.append(f"{model._meta.label}: {answer.status_code}")
            continue
        page = answer.content.decode()
        assert "You are reading all sites" in page
        if offered(model) and model is not Site:
            assert ">Site</th>" in page or "No " in page or 'class="empty"' in page, model._meta.label
            assert client.get(listing(model), {"at": "DOLLAR"}).status_code == 200
            assert client.get(listing(model), {"q": "some thing"}).status_code == 200
    assert wrong == []


def test_every_row_opens_read_only(owner):
    client, wrong = desk(owner), []
    for model in OURS:
        row = first_row(model)
        if row is None:
            continue
        answer = client.get(change(row))
        page = answer.content.decode()
        if answer.status_code != 200 or 'name="_save"' in page or 'name="action"' in page:
            wrong.append(f"{model._meta.label}: {answer.status_code}")
        history = client.get(reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_history", args=[row.pk]))
        if history.status_code != 200:
            wrong.append(f"history of {model._meta.label}: {history.status_code}")
    assert wrong == []


@pytest.mark.parametrize("role", [role.key for role in catalogue.SYSTEM_ROLES])
def test_a_role_of_one_site_opens_no_screen_of_all(member, role):
    """Whatever their session says: the super admin of one site is none of the platform."""
    client, wrong = desk(member(role)), []
    for model in OURS:
        answer = client.get(listing(model))
        if answer.status_code != 403:
            wrong.append(f"{model._meta.label}: {answer.status_code}")
    assert wrong == []
    assert client.post(reverse("admin:switch"), {"site": "*"}).status_code == 403
    assert read_across() == []


def read_across():
    with site_context(registry.by_code("ALPHA").pk):
        return list(
            AuditEvent.objects.filter(action="sites.read_across").order_by("id").values_list("after", flat=True)
        )


def test_rows_of_all_sites_stand_side_by_side_and_can_be_narrowed(owner, things):
    client = desk(owner)

    page = client.get(listing(Commission)).content.decode()
    assert "₹" in page
    assert "$" in page
    for code in ("ALPHA", "DOLLAR"):
        assert f">{code}</td>" in page.replace(' data-label="Site"', "")
    narrowed = client.get(listing(Commission), {"at": "DOLLAR"}).content.decode()
    assert str(things["DOLLAR"]["commission"]) in narrowed
    assert str(things["ALPHA"]["commission"]) not in narrowed


def test_a_list_of_all_sites_costs_the_same_with_more_rows(owner, things, steady_sites):
    from django.db import connections
    from django.test.utils import CaptureQueriesContext

    from apps.commissions.services import commission_orders
    from apps.commissions.tests.factories import make_order
    from apps.referrals.models import Partner

    def costs():
        client, found = desk(owner), {}
        for model in (Commission, Payout, AuditEvent, Partner):
            client.get(listing(model))
            with CaptureQueriesContext(connections["audit"]) as queries:
                client.get(listing(model))
            found[model._meta.label] = len(queries)
        return found

    before = costs()
    for code in things:
        with site_context(registry.by_code(code).pk):
            partner = Partner.objects.get(pk=things[code]["partner"])
            commission_orders([make_order(None, below=partner).pk for _ in range(4)])

    assert costs() == before


def test_nothing_is_done_in_that_mode(owner, things):
    client = desk(owner)
    with site_context(registry.by_code("ALPHA").pk):
        payout, commission = Payout.objects.get(pk=things["ALPHA"]["payout"]), Commission.objects.get()
    partner = things["ALPHA"]["partner"]
    tries = [
        (listing(Payout), {"action": "approve", "index": "0", "_selected_action": [str(payout.pk)]}),
        (listing(Commission), {"action": "approve", "index": "0", "_selected_action": [str(commission.pk)]}),
        (change(payout), {"amount": "1"}),
        (reverse("admin:sites_sitesettings_changelist"), {}),
        (reverse("admin:accounts_apikey_add"), {"name": "x", "scopes": ["orders.write"]}),
        (reverse("admin:referrals_partner_move", args=[partner]), {"sponsor": "", "reason": "x", "confirm": "yes"}),
    ]
    for url, data in tries:
        answer = client.post(url, data)
        assert answer.status_code == 403, url
    for url in (reverse("admin:accounts_apikey_add"), reverse("admin:referrals_partner_move", args=[partner])):
        answer = client.get(url)
        assert answer.status_code == 403, url
        assert "only makes sense at one site" in answer.content.decode()
    with site_context(registry.by_code("ALPHA").pk):
        assert Payout.objects.get(pk=payout.pk).status == "requested"
        assert Commission.objects.get(pk=commission.pk).status == commission.status
        assert not AuditEvent.objects.filter(
            action__in=("payout.approved", "partner.moved"), actor_id=owner.pk
        ).exists()


def test_the_front_page_shows_sites_side_by_side_each_in_its_currency(owner):
    page = desk(owner).get("/admin/").content.decode()

    assert "<h1>All sites</h1>" in page
    for code in ("ALPHA", "BETA", "DOLLAR", "GAMMA"):
        assert f'<small class="mono">{code}</small>' in page
    assert "$" in page
    assert "₹" in page
    assert "Left out here" in page
    assert "API keys" in page.partition("Left out here")[2]


def test_every_use_is_audited_at_the_site_it_is_asked_from(owner):
    client = desk(owner)

    client.get("/admin/")
    client.get(listing(Payout), {"status__exact": "requested"})

    assert read_across() == [{"path": "/admin/"}, {"path": listing(Payout), "status__exact": "requested"}]
    with site_context(registry.by_code("DOLLAR").pk):
        assert not AuditEvent.objects.filter(action="sites.read_across").exists()


def test_one_goes_in_by_the_switcher_and_out_by_the_banner(owner):
    client = desk(owner, across=False)
    assert '<option value="*">All sites, read only</option>' in client.get("/admin/").content.decode()

    client.post(reverse("admin:switch"), {"site": "*"})
    assert "<h1>All sites</h1>" in client.get("/admin/").content.decode()
    client.post(reverse("admin:switch"), {"site": "DOLLAR"})

    page = client.get("/admin/").content.decode()
    assert "<h1>All sites</h1>" not in page
    assert "Back office · DOLLAR" in page


def test_it_ends_with_the_role(owner):
    client = desk(owner)
    assert client.get("/admin/").status_code == 200
    with site_context(registry.by_code("ALPHA").pk):
        Membership.objects.create(user=owner)
        assign_role(user=owner, role=Role.objects.get(key="super_admin"), actor=SYSTEM, access=None)
        PlatformRole.objects.all().delete()

    assert client.get("/admin/").status_code == 403


def test_a_list_of_all_sites_is_a_file_with_the_sites_code(owner, things):
    client = desk(owner)

    answer = client.get(reverse("admin:commissions_commission_export"), {"format": "csv"})

    lines = b"".join(answer.streaming_content).decode().splitlines()
    assert lines[0].startswith('"id","partner","site","amount",')
    assert len(lines) == 1 + sum(1 for code in things if things[code]["commission"])
    assert {line.split(",")[-1] for line in lines[1:]} == {'"INR"', '"USD"'}
    assert {"path": reverse("admin:commissions_commission_export"), "format": "csv"} in read_across()


def test_a_payout_is_shown_without_where_it_goes(owner):
    page = desk(owner).get(listing(Payout)).content.decode()

    assert "stranger@upi" not in page
    assert ">Method</th>" not in page


def test_the_sentence_of_a_list_that_is_left_out(owner):
    answer = desk(owner).get(listing(PayoutMethod))

    assert answer.status_code == 403


def test_every_screen_that_reads_across_is_ours():
    assert all(isinstance(admin.site._registry[model], UplineModelAdmin) for model in OURS)
    assert {model._meta.label for model in OURS if not has_site(model) and model is not Site} == SHARED


def has_site(model):
    return any(field.name == "site" for field in model._meta.local_fields)


def test_what_a_site_gave_opens_no_screen_of_all_sites(member):
    user = member("super_admin")
    with site_context(registry.by_code("ALPHA").pk):
        grant_platform_role(user=user, role_key="payout_manager", actor=SYSTEM, access=None)
    across, here = desk(user), desk(user, across=False)

    assert across.get(listing(Payout)).status_code == 200
    assert across.get(listing(Membership)).status_code == 403
    assert here.get(listing(Membership)).status_code == 200
