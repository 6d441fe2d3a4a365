"""Who holds a key for a department or an enterprise sees the rows of its people, decides those, and finds no others.

Lists and single reads of the API and of the back office. Support has Tier 1 below it; Sales stands beside them; Acme is an
enterprise with a sub-user.
"""

from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from apps.accounts.models import Membership
from apps.accounts.tests.browsers import browser_of
from apps.audit.services import SYSTEM
from apps.commissions.models import Commission
from apps.commissions.services import commission_orders
from apps.commissions.tests.engine_values import percent
from apps.commissions.tests.factories import make_order, make_plan
from apps.orders.models import Order
from apps.payouts.models import Payout
from apps.payouts.services import request_payout
from apps.rbac.models import Department, UserRole
from apps.rbac.services import add_member, assign_role, create_department, create_role
from apps.referrals.models import Partner
from apps.referrals.services import join
from apps.wallet.tests.factories import give_earnings

BY = {"actor": SYSTEM, "access": None}
PEOPLE = ("sue", "tia", "sam", "acme", "sub", "zoe")
KEYS = [
    "order.read", "order.update", "commission.read", "commission.approve", "payout.read", "payout.approve", "payout.manage",
    "user.read", "user.update", "affiliate.read", "affiliate.manage", "role.read", "role.update", "department.read",
    "department.update",
]  # fmt: skip
# Whose rows each scope covers.
COVERED = {
    "support": {"sue", "tia"}, "tier 1": {"tia"}, "sales": {"sam"}, "acme": {"acme", "sub"}, "ended": set(),
}  # fmt: skip


class Company:
    """Everybody bought something, brought a buyer who did, and asked for a payout."""

    def __init__(self, make_user):
        self.users = {name: make_user(f"{name}@example.com", full_name=name.title()) for name in PEOPLE}
        make_plan(*percent("0.10"))
        orders = []
        for user in self.users.values():
            partner = join(user=user)
            buyer = join(user=make_user(), sponsor=partner)
            orders += [make_order(partner), make_order(buyer)]
            give_earnings(user, 5000)
            request_payout(user=user, amount=1000)
        commission_orders([order.pk for order in orders])
        Membership.objects.filter(user=self.users["acme"]).update(user_type="enterprise")
        Membership.objects.filter(user=self.users["sub"]).update(
            user_type="sub_user", enterprise=Membership.objects.get(user=self.users["acme"])
        )
        support = Department.objects.get(code="SUPPORT")
        self.places = {
            "support": support, "sales": Department.objects.get(code="SALES"),
            "tier 1": create_department(code="TIER1", name="Tier 1", purpose="", parent=support, **BY),
        }  # fmt: skip
        for name, place in (("sue", "support"), ("tia", "tier 1"), ("sam", "sales")):
            add_member(department=self.places[place], user=self.users[name], **BY)
        self.role = create_role(key="lead", name="Lead", description="", permissions=KEYS, **BY)
        self.leads = {scope: make_user(f"lead.{scope.replace(' ', '')}@example.com") for scope in COVERED}
        for scope, user in self.leads.items():
            self.give(user, scope)

    def give(self, user, scope):
        if scope == "acme":
            kind, target = "enterprise", self.users["acme"].pk
        else:
            kind, target = "department", self.places["support" if scope == "ended" else scope].pk
        given = assign_role(user=user, role=self.role, scope=kind, scope_id=target, **BY)
        if scope == "ended":
            UserRole.objects.filter(pk=given.pk).update(expires_at=timezone.now() - timedelta(days=1))

    def name_of(self, user_id):
        return next((name for name, user in self.users.items() if user.pk == user_id), None)

    def row_of(self, model, name):
        by = "customer__user" if model is Order else "user"
        return model.objects.filter(**{by: self.users[name]}).order_by("pk").first()


@pytest.fixture
def company(site, make_user):
    return Company(make_user)


LISTS = {"orders": Order, "commissions": Commission, "commissions/pending": Commission, "payouts": Payout}


def owners(company, model, answer):
    by = "customer__user_id" if model is Order else "user_id"
    ids = [row["id"] for row in answer.json()["results"]]
    return {company.name_of(pk) for pk in model.objects.filter(pk__in=ids).values_list(by, flat=True)}


@pytest.mark.parametrize("scope", sorted(COVERED))
def test_lists_and_single_reads_have_exactly_the_covered_rows(company, api, scope):
    client, wrong = api(company.leads[scope]), []
    for path, model in LISTS.items():
        answer = client.get(f"/api/v1/{path}?limit=200")
        if scope == "ended" and path != "orders":
            assert answer.status_code == 403
            continue
        if (found := owners(company, model, answer)) != COVERED[scope]:
            wrong.append((path, found))
        for name in PEOPLE:
            if path == "commissions/pending":
                continue
            single = client.get(f"/api/v1/{path}/{company.row_of(model, name).pk}")
            if single.status_code != (200 if name in COVERED[scope] else 404):
                wrong.append((path, name, single.status_code))
    assert wrong == []


def test_two_scopes_are_seen_together_and_ones_own_rows_with_them(company, api):
    lead = company.leads["tier 1"]
    company.give(lead, "acme")
    join(user=lead)
    give_earnings(lead, 5000)
    mine = request_payout(user=lead, amount=1000)

    answer = api(lead).get("/api/v1/payouts?limit=200")

    assert owners(company, Payout, answer) == {"tia", "acme", "sub", None}
    assert str(mine.pk) in {row["id"] for row in answer.json()["results"]}


@pytest.mark.parametrize("scope", ["support", "tier 1", "acme"])
def test_decisions_reach_covered_rows_only(company, api, scope):
    client = api(company.leads[scope])
    for name in PEOPLE:
        commission, payout = company.row_of(Commission, name), company.row_of(Payout, name)
        order, wanted = company.row_of(Order, name), 200 if name in COVERED[scope] else 404
        assert client.post(f"/api/v1/commissions/{commission.pk}/approve").status_code == wanted
        assert client.post(f"/api/v1/payouts/{payout.pk}/approve").status_code == wanted
        refund = client.post(f"/api/v1/orders/{order.pk}/refunds", {"external_id": "R-1", "amount": 10}, format="json")
        assert refund.status_code == (201 if wanted == 200 else 404)
        commission.refresh_from_db()
        payout.refresh_from_db()
        assert (commission.status, payout.status) == (("approved",) * 2 if wanted == 200 else ("pending", "requested"))


@pytest.mark.parametrize("scope", ["support", "acme"])
def test_outcomes_and_partners_of_the_covered(company, api, scope):
    client = api(company.leads[scope])
    for name in PEOPLE:
        covered = 200 if name in COVERED[scope] else 404
        order = company.row_of(Commission, name).order_id
        outcomes = client.get(f"/api/v1/orders/{order}/outcomes")
        assert outcomes.status_code == covered
        assert covered == 404 or len(outcomes.json()["results"]) == 1
        partner = Partner.objects.get(user=company.users[name])
        body = {"status": "frozen", "reason": "Looking into it"}
        assert client.patch(f"/api/v1/admin/partners/{partner.pk}", body, format="json").status_code == covered
        partner.refresh_from_db()
        assert partner.status == ("frozen" if covered == 200 else "active")


def test_many_at_once_name_those_that_are_not_theirs(company, api):
    ids = [str(company.row_of(Commission, name).pk) for name in ("sue", "sam", "tia")]

    answer = api(company.leads["support"]).post("/api/v1/commissions/approve", {"ids": ids}, format="json").json()

    assert answer["approved"] == [ids[0], ids[2]]
    assert answer["refused"] == [{"id": ids[1], "code": "not_found"}]
    assert company.row_of(Commission, "sam").status == "pending"


def test_a_key_for_ones_own_rows_decides_nothing(company, api, make_user):
    user = company.users["zoe"]
    assign_role(user=user, role=company.role, scope="own", **BY)
    payout = company.row_of(Payout, "zoe")

    assert api(user).post(f"/api/v1/payouts/{payout.pk}/approve").status_code == 403
    assert api(user).get(f"/api/v1/payouts/{payout.pk}").status_code == 200
    payout.refresh_from_db()
    assert payout.status == "requested"


def test_roles_of_others_do_not_exist(company, api):
    client = api(company.leads["support"])
    for name in PEOPLE:
        covered = name in COVERED["support"]
        answer = client.get(f"/api/v1/users/{company.users[name].pk}/roles")
        assert answer.status_code == (200 if covered else 404)
        body = {"role": "lead", "scope": {"kind": "department", "id": str(company.places["tier 1"].pk)}}
        answer = client.post(f"/api/v1/users/{company.users[name].pk}/roles", body, format="json")
        assert answer.status_code == (201 if covered else 404)


def test_a_key_is_passed_on_within_its_department_only(company, api):
    client, url = api(company.leads["tier 1"]), f"/api/v1/users/{company.users['tia'].pk}/roles"
    before = UserRole.objects.count()
    for scope in (
        {"kind": "site"}, {"kind": "platform"}, {"kind": "department", "id": str(company.places["support"].pk)},
        {"kind": "department", "id": str(company.places["sales"].pk)},
        {"kind": "enterprise", "id": str(company.users["acme"].pk)},
    ):  # fmt: skip
        role = "super_admin" if scope["kind"] == "platform" else "lead"
        assert client.post(url, {"role": role, "scope": scope}, format="json").status_code == 403

    assert UserRole.objects.count() == before
    scope = {"kind": "department", "id": str(company.places["tier 1"].pk)}
    assert client.post(url, {"role": "lead", "scope": scope}, format="json").status_code == 201


def test_departments_and_their_members(company, api):
    client = api(company.leads["support"])
    seen = {row["code"] for row in client.get("/api/v1/departments").json()["results"]}
    assert seen == {"SUPPORT", "TIER1"}
    for name, place in company.places.items():
        wanted = 404 if name == "sales" else 200
        assert client.get(f"/api/v1/departments/{place.pk}").status_code == wanted
        assert client.get(f"/api/v1/departments/{place.pk}/members").status_code == wanted
        assert client.put(f"/api/v1/departments/{place.pk}", {"name": "Us"}, format="json").status_code == wanted

    # Nobody draws a stranger into their own department, and so into their reach.
    url = f"/api/v1/departments/{company.places['support'].pk}/members"
    assert client.post(url, {"user_id": str(company.users["sam"].pk)}, format="json").status_code == 404
    assert client.post(url, {"user_id": str(company.users["tia"].pk)}, format="json").status_code == 201


SCREENS = {
    "accounts_membership": "user_id", "accounts_user": "pk", "orders_order": "customer__user_id",
    "commissions_commission": "user_id", "payouts_payout": "user_id", "referrals_partner": "user_id",
    "rbac_userrole": "user_id",
}  # fmt: skip


@pytest.fixture
def desk(site):
    def sit(user):
        return browser_of(user, site)

    return sit


@pytest.mark.parametrize("scope", sorted(set(COVERED) - {"ended"}))
def test_the_back_office_shows_exactly_the_covered_rows(company, desk, scope):
    client = desk(company.leads[scope])
    assert client.get("/admin/").status_code == 200
    for name, by in SCREENS.items():
        if name == "rbac_userrole":
            continue
        answer = client.get(reverse(f"admin:{name}_changelist"))
        rows = answer.context["cl"].result_list
        ids = [getattr(row, by) if "__" not in by else row.customer.user_id for row in rows]
        assert {company.name_of(pk) for pk in ids} == COVERED[scope], name


def test_others_rows_have_no_page_and_no_decision(company, desk):
    client = desk(company.leads["support"])
    for name in ("tia", "sam"):
        payout = company.row_of(Payout, name)
        page = client.get(reverse("admin:payouts_payout_change", args=[payout.pk]))
        client.post(
            reverse("admin:payouts_payout_changelist"),
            {"action": "approve", "index": "0", "_selected_action": [str(payout.pk)], "note": ""},
        )
        payout.refresh_from_db()
        assert (page.status_code, payout.status) == ((200, "approved") if name == "tia" else (302, "requested"))


def test_seeing_a_row_is_not_deciding_it(company, desk, make_user):
    """Reads for all of Support, decides for Tier 1."""
    user = make_user("half@example.com")
    reader = create_role(key="reader", name="Reader", description="", permissions=["payout.read"], **BY)
    support, tier = company.places["support"].pk, company.places["tier 1"].pk
    assign_role(user=user, role=reader, scope="department", scope_id=support, **BY)
    assign_role(user=user, role=company.role, scope="department", scope_id=tier, **BY)
    rows = {name: company.row_of(Payout, name) for name in ("sue", "tia")}

    desk(user).post(
        reverse("admin:payouts_payout_changelist"),
        {"action": "approve", "index": "0", "_selected_action": [str(row.pk) for row in rows.values()], "note": ""},
    )

    assert {name: Payout.objects.get(pk=row.pk).status for name, row in rows.items()} == {
        "sue": "requested", "tia": "approved",
    }  # fmt: skip


def test_whoever_has_no_key_beyond_their_own_rows_stays_outside(company, desk):
    assert desk(company.leads["ended"]).get("/admin/").status_code == 302
    assert desk(company.users["sue"]).get("/admin/").status_code == 302
    assert Partner.objects.filter(user=company.users["sue"]).exists()
