"""`?all_sites=true` on GET /admin/*: every site's rows and figures, read-only, for holders of a platform role (P3, T7)."""

import csv
import io

import pytest
from django.utils import timezone
from rest_framework.test import APIClient

from apps.accounts.models import Membership, User
from apps.accounts.tests.authenticator import enrol
from apps.accounts.tokens import issue_pair
from apps.audit.models import AuditEvent
from apps.audit.services import SYSTEM, record
from apps.catalogue.tests.factories import make_product
from apps.core.tenancy import site_context
from apps.fraud.services import freeze_partner
from apps.orders.services import ExternalOrder, ReportedLine, record_external_order
from apps.orders.services.customers import CustomerIds
from apps.payments.tests.factories import make_account
from apps.payouts.services import add_method, keep_comparison, propose_batch
from apps.rbac import catalogue
from apps.rbac.models import Role
from apps.rbac.services import assign_role, grant_platform_role
from apps.referrals.models import Partner
from apps.sites import registry
from apps.sites.models import SiteSettings
from apps.sites.selectors import current_site
from apps.wallet.services import open_deposit
from apps.wallet.tests.factories import give_earnings
from tests.permissions.routes import api_routes
from tests.permissions.scenarios import World, build_world, owe_tokens, suspect

pytestmark = pytest.mark.django_db(transaction=True, databases=["default", "audit"])

ADMIN_GETS = sorted(
    {
        route.path
        for route in api_routes()
        if route.method == "GET" and route.path.startswith("api/v1/admin/") and "<" not in route.path
    }
)
OTHER_GETS = sorted(
    {route.path for route in api_routes() if route.method == "GET" and not route.path.startswith("api/v1/admin/")}
)


@pytest.fixture
def sites(transactional_db):
    """A small world at ALPHA and one member at DOLLAR, whose currency is another."""
    alpha, dollar = registry.by_code("ALPHA"), registry.by_code("DOLLAR")
    with site_context(alpha.pk):
        build_world(alpha.pk)
    with site_context(dollar.pk):
        from apps.referrals.services import join

        for name in ("dina", "drew"):
            user = User.objects.create_user(email=f"{name}@example.com", password=None, full_name=name.title())
            Membership.objects.create(user=user)
            join(user=user)
        make_product()
        record(actor=SYSTEM, action="test.happened")
    eva = None
    for site in (alpha, dollar):  # an enterprise at both, which has bought at both
        with site_context(site.pk):
            eva = eva or User.objects.create_user(email="eva@example.com", password=None, full_name="Eva")
            Membership.objects.create(user=eva, user_type="enterprise")
            record_external_order(report=order_of(eva, site), actor=SYSTEM)
    return {"ALPHA": alpha, "DOLLAR": dollar}


def order_of(user, site):
    ids, lines = CustomerIds(user_id=user.pk, external_id=None, email=""), (ReportedLine("server", 500),)
    return ExternalOrder(
        external_id=f"eva-{site.code}", customer=ids, currency=site.currency, lines=lines, click_id="", referral_code="",
        paid_at=None,
    )  # fmt: skip


@pytest.fixture
def owner(sites):
    """A client of ALPHA with a token of the super admin of the platform, who is no member there."""
    alpha = sites["ALPHA"]
    with site_context(alpha.pk):
        user = User.objects.create_user(email="owner@example.com", password=None)
        grant_platform_role(user=user, role_key=catalogue.SUPER_ADMIN, actor=SYSTEM, access=None)
        token = issue_pair(user=user, site=alpha)["access"]
    return World(alpha).client(f"Bearer {token}")


@pytest.fixture
def staff(sites):
    """staff("admin") → a client of a member of ALPHA with that role."""

    def client(role):
        alpha = sites["ALPHA"]
        with site_context(alpha.pk):
            user = User.objects.create_user(email=f"{role}@staff.example", password=None)
            Membership.objects.create(user=user)
            assign_role(user=user, role=Role.objects.get(key=role), actor=SYSTEM, access=None)
            token = issue_pair(user=user, site=alpha)["access"]
        return World(alpha).client(f"Bearer {token}")

    return client


def url(path):
    return "/" + path


def events(code="ALPHA"):
    with site_context(registry.by_code(code).pk):
        return list(AuditEvent.objects.filter(action="sites.read_across").order_by("id"))


@pytest.mark.parametrize("path", ADMIN_GETS)
def test_every_read_of_staff_answers_for_all_sites(owner, path):
    if "allocations" in path:
        with site_context(registry.by_code("DOLLAR").pk):
            owe_tokens(User.objects.get(email="dina@example.com"))
    if "deposits" in path:
        with site_context(registry.by_code("DOLLAR").pk):
            make_account()
            open_deposit(user=User.objects.get(email="dina@example.com"), amount=500)
    if path.endswith(("reviews", "signals")):
        with site_context(registry.by_code("DOLLAR").pk):
            suspect(Partner.objects.get(user__email="drew@example.com"))
    if "payouts" in path:
        for code in ("ALPHA", "DOLLAR"):
            with site_context(registry.by_code(code).pk):
                give_earnings(
                    User.objects.create_user(email=f"{code}@paid.example", password=None),
                    500,
                    currency=current_site().currency,
                )
                propose_batch(with_requests=False, with_available=True, actor=SYSTEM)
                keep_comparison(since=timezone.now(), differences=[], actor=SYSTEM)
    if "freezes" in path:
        with site_context(registry.by_code("DOLLAR").pk):
            freeze_partner(partner=Partner.objects.get(user__email="drew@example.com"), reason="odd", actor=SYSTEM)

    answer = owner.get(url(path), {"all_sites": "true"})

    assert answer.status_code == 200, answer.content
    body = answer.json()
    found = {row["site"] for row in body["results"]} if "results" in body else {row["site"] for row in body["sites"]}
    assert found >= {"ALPHA", "DOLLAR"}
    [event] = events()
    assert (event.actor_name, event.after) == ("owner@example.com", {"path": url(path)})
    assert events("DOLLAR") == []


@pytest.mark.parametrize("path", ADMIN_GETS)
@pytest.mark.parametrize("role", ["super_admin", "admin", "affiliate_manager", "support_agent"])
def test_a_role_of_one_site_reads_no_other(staff, path, role):
    """A super admin of one site is none of the platform."""
    answer = staff(role).get(url(path), {"all_sites": "true"})

    assert (answer.status_code, answer.json()["code"]) == (403, "permission_denied")
    assert events() == []


def test_one_row_is_found_at_whichever_site_it_is(owner, staff):
    from apps.allocations.models import AllocationBatch

    with site_context(registry.by_code("DOLLAR").pk):
        owe_tokens(User.objects.get(email="dina@example.com"))
        path = f"/api/v1/admin/allocations/batches/{AllocationBatch.objects.first().pk}"

    answer = owner.get(path, {"all_sites": "true"})

    assert answer.status_code == 200, answer.content
    [found] = answer.json()["sites"]
    assert (found["site"], found["currency"], len(found["allocations"])) == ("DOLLAR", "USD", 1)
    assert owner.get(path).json()["code"] == "not_found"
    assert owner.get(f"{path[:-4]}0000", {"all_sites": "true"}).json()["code"] == "not_found"
    assert staff("super_admin").get(path, {"all_sites": "true"}).json()["code"] == "permission_denied"


def test_who_is_in_a_batch_is_listed_at_whichever_site_it_is(owner, staff):
    with site_context(registry.by_code("DOLLAR").pk):
        dina = User.objects.get(email="dina@example.com")
        give_earnings(dina, 5000, currency="USD")
        add_method(user=dina, kind="upi", details={"vpa": "dina@upi"})
        batch = propose_batch(with_requests=True, with_available=True, actor=SYSTEM)
    path = f"/api/v1/admin/payouts/batches/{batch.pk}/items"

    answer = owner.get(path, {"all_sites": "true"})

    assert answer.status_code == 200, answer.content
    assert {row["user"]["name"] for row in answer.json()["results"]} >= {"Dina"}
    assert owner.get(path).json()["code"] == "not_found"
    assert staff("super_admin").get(path, {"all_sites": "true"}).json()["code"] == "permission_denied"


@pytest.mark.parametrize("path", ADMIN_GETS)
def test_false_is_one_site_and_anything_else_is_refused(owner, path):
    one, same = (owner.get(url(path), query).json() for query in ({"all_sites": "false"}, {}))
    # When it was asked, where an answer says so, and the address of what follows, which has the parameter.
    assert one | {"at": "", "next": ""} == same | {"at": "", "next": ""}
    for value in ("1", "yes", "TRUE", ""):
        answer = owner.get(url(path), {"all_sites": value})
        assert (answer.status_code, answer.json()["errors"][0]["field"]) == (400, "all_sites")
    assert events() == []


def test_elsewhere_it_is_an_unknown_parameter(owner):
    for path in ("api/v1/commissions", "api/v1/orders", "api/v1/payouts", "api/v1/wallet"):
        assert path in OTHER_GETS
        answer = owner.get(url(path), {"all_sites": "true"})
        assert (answer.status_code, answer.json()["errors"][0]["field"]) == (400, "all_sites"), path


def test_a_method_that_writes_knows_no_all_sites(owner, sites):
    from apps.referrals.models import Partner

    with site_context(sites["ALPHA"].pk):
        partner = Partner.objects.filter(user__email="cara@example.com").get()
    answer = owner.patch(f"/api/v1/admin/partners/{partner.pk}?all_sites=true", {"status": "frozen", "reason": "x"})

    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (400, "all_sites")
    with site_context(sites["ALPHA"].pk):
        assert Partner.objects.get(pk=partner.pk).status == partner.status


def test_figures_are_one_entry_for_each_site_and_sums_of_what_may_be_added(owner):
    single = owner.get("/api/v1/admin/stats").json()

    body = owner.get("/api/v1/admin/stats", {"all_sites": "true"}).json()

    by_code = {entry["site"]: entry for entry in body["sites"]}
    assert list(by_code) == ["ALPHA", "BETA", "DOLLAR", "GAMMA"]
    assert by_code["ALPHA"] == {"site": "ALPHA", **single}
    assert (by_code["DOLLAR"]["currency"], by_code["DOLLAR"]["users"], by_code["BETA"]["users"]) == ("USD", 3, 0)
    assert body["totals"]["users"] == single["users"] + 3
    assert body["totals"]["partners"]["total"] == single["partners"]["total"] + 2
    assert "max_depth" not in body["totals"]
    rupees, dollars = sorted(body["totals"]["amounts"], key=lambda amount: amount["currency"])
    assert (rupees["currency"], rupees["orders"]["amount"]) == ("INR", single["orders"]["amount"])
    assert (dollars["currency"], dollars["orders"]["amount"]) == ("USD", 500)
    assert "amount" not in body["totals"]["orders"]


def test_what_somebody_bought_at_one_site_is_not_counted_at_another(owner):
    """Users are global: a selector that joins by them relies on seeing one site."""
    rows = owner.get("/api/v1/admin/analytics/enterprises", {"all_sites": "true"}).json()["results"]
    rows = [row for row in rows if row["orders"]]

    assert [(row["site"], row["currency"], row["orders"], row["amount"]) for row in rows] == [
        ("ALPHA", "INR", 1, 500), ("DOLLAR", "USD", 1, 500),
    ]  # fmt: skip


def tree(client, **query):
    return client.get("/api/v1/admin/referrals/global-tree", {"all_sites": "true", **query})


def test_the_tree_of_all_sites_is_paged_site_after_site(owner):
    whole = tree(owner, limit=200).json()["results"]

    seen, page = [], tree(owner, limit=2)
    while True:
        body = page.json()
        seen += body["results"]
        if body["next"] is None:
            break
        assert len(body["results"]) == 2
        page = owner.get(body["next"])

    assert seen == whole
    assert [row["site"] for row in whole] == ["ALPHA"] * 6 + ["DOLLAR"] * 2
    alone = owner.get("/api/v1/admin/referrals/global-tree").json()["results"]
    assert [{**row, "site": "ALPHA"} for row in alone] == whole[:6]


def test_the_audit_of_all_sites_is_one_list_newest_first(owner):
    url = "/api/v1/admin/audit"
    seen, following = [], f"{url}?all_sites=true&limit=5&date_from=2026-01-01"
    while following:
        page = owner.get(following).json()
        seen += page["results"]
        following = page["next"]

    ids = [row["id"] for row in seen]
    assert ids == sorted(ids, reverse=True)
    assert len(set(ids)) == len(ids) > 10
    assert {row["site"] for row in seen} == {"ALPHA", "DOLLAR"}
    happened = owner.get(url, {"all_sites": "true", "action": "test.happened"}).json()["results"]
    assert [row["site"] for row in happened] == ["DOLLAR"]
    assert owner.get(url, {"action": "test.happened"}).json()["results"] == []


def test_a_cursor_that_is_not_ours_and_a_root_are_refused(owner):
    for query in ({"cursor": "x"}, {"root": "01990000-0000-7000-8000-000000000000"}, {"depth": "99"}, {"limit": "0"}):
        answer = tree(owner, **query)
        assert (answer.status_code, answer.json()["errors"][0]["field"]) == (400, next(iter(query)))


def test_all_sites_are_a_file_too(owner):
    answer = tree(owner, format="csv")

    rows = list(csv.DictReader(io.StringIO(b"".join(answer.streaming_content).decode(), newline="")))
    assert [(row["site"], row["currency"]) for row in rows] == [("ALPHA", "INR")] * 6 + [("DOLLAR", "USD")] * 2
    assert 'filename="all-sites-global-tree-' in answer["Content-Disposition"]
    assert [event.after for event in events()] == [{"path": "/api/v1/admin/referrals/global-tree", "format": "csv"}]
    with site_context(registry.by_code("ALPHA").pk):
        assert AuditEvent.objects.filter(action="export.made").count() == 1


def test_a_role_that_lapses_ends_it_at_the_next_request(owner, sites):
    from apps.rbac.models import PlatformRole

    assert tree(owner).status_code == 200
    with site_context(sites["ALPHA"].pk):
        PlatformRole.objects.all().delete()

    assert tree(owner).status_code in (401, 403)


@pytest.mark.parametrize("path", ["admin/audit", "admin/stats", "admin/analytics/users", "admin/referrals/global-tree"])
def test_what_a_site_gave_opens_no_other_site(sites, path):
    alpha = registry.by_code("ALPHA")
    with site_context(alpha.pk):
        user = User.objects.create_user(email="both@example.com", password=None)
        Membership.objects.create(user=user)
        assign_role(user=user, role=Role.objects.get(key="super_admin"), actor=SYSTEM, access=None)
        grant_platform_role(user=user, role_key="ai_fraud_officer", actor=SYSTEM, access=None)
        access = issue_pair(user=user, site=alpha)["access"]
        before = AuditEvent.objects.count()
    client = APIClient(headers={"X-Site-Code": "ALPHA", "Authorization": f"Bearer {access}"})

    answer = client.get(f"/api/v1/{path}", {"all_sites": "true"})

    assert (answer.status_code, answer.json()["code"]) == (403, "permission_denied")
    with site_context(alpha.pk):
        assert AuditEvent.objects.count() == before
    assert client.get(f"/api/v1/{path}").status_code == 200


def test_two_factor_that_one_site_wants_is_wanted_of_who_reads_all(sites):
    alpha, dollar = registry.by_code("ALPHA"), registry.by_code("DOLLAR")
    with site_context(dollar.pk):
        SiteSettings.objects.update(staff_two_factor=True)
    with site_context(alpha.pk):
        user = User.objects.create_user(email="owner@example.com", password=None)
        grant_platform_role(user=user, role_key=catalogue.SUPER_ADMIN, actor=SYSTEM, access=None)
        client = APIClient(headers={"X-Site-Code": "ALPHA"})
        client.credentials(HTTP_AUTHORIZATION=f"Bearer {issue_pair(user=user, site=alpha)['access']}")

    answer = client.get("/api/v1/admin/audit", {"all_sites": "true"})

    assert (answer.status_code, answer.json()["code"]) == (403, "two_factor_required")
    assert client.get("/api/v1/admin/audit").status_code == 200
    with site_context(alpha.pk):
        enrol(user)
    assert client.get("/api/v1/admin/audit", {"all_sites": "true"}).status_code == 200
