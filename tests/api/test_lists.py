"""Every list of the API, generated from the URL conf: its query count is pinned and the same for one row as for many, its limit,
cursor and filters are checked."""

import pytest
from django.utils import timezone

from apps.core.api.views import ListView
from apps.orders.services import refund_order
from apps.payouts.models import Payout
from apps.payouts.services import cancel_payout
from tests.permissions.routes import api_routes
from tests.permissions.scenarios import build_world

# Lists whose answer the contract shapes otherwise: {items, total}, by limit and offset.
OTHERWISE = {"admin/referral/bonus/history"}
LISTS = [
    name
    for route in api_routes()
    if route.method == "GET"
    and issubclass(route.view, ListView)
    and (name := route.path.removeprefix("api/v1/")) not in OTHERWISE
]

# Per list: who asks, and how many queries. Four of each frame the request inside a test: a savepoint, and the site's setting.
PINNED = {
    "activities": ("ann", 7),
    "activity-forms": ("ann", 6),
    "enterprise/statement": ("firm", 7),
    "enterprise/sub-users": ("firm", 7),
    "admin/allocations": ("boss", 8),
    "admin/allocations/batches": ("boss", 6),
    "admin/analytics/enterprises": ("boss", 6),
    "admin/audit": ("boss", 6),
    "admin/deposits": ("boss", 6),
    "admin/fraud/freezes": ("boss", 6),
    "admin/fraud/reviews": ("boss", 6),
    "admin/fraud/signals": ("boss", 6),
    "admin/payouts/batches": ("boss", 6),
    "admin/payouts/batches/<uuid:pk>/items": ("boss", 7),
    "admin/payouts/reconciliation": ("boss", 6),
    "admin/payouts/tax-summary": ("boss", 10),
    "admin/products": ("boss", 6),
    "admin/referrals/global-tree": ("boss", 10),
    "affiliate/referrals": ("ann", 10),
    "affiliate/referrals/level/<int:level>": ("ann", 10),
    "affiliate/services": ("ann", 7),
    "allocations": ("ann", 8),
    "api-keys": ("boss", 6),
    "auth/sessions": ("ann", 6),
    "commission-plans": ("boss", 7),
    "commissions": ("boss", 6),
    "commissions/pending": ("boss", 6),
    "departments": ("boss", 8),
    "departments/<uuid:pk>/members": ("boss", 7),
    "notifications": ("ann", 6),
    "orders": ("boss", 7),
    "payout-methods": ("ann", 6),
    "payouts": ("boss", 6),
    "payouts/history": ("boss", 6),
    "permissions": ("boss", 6),
    "referral/bonus/history": ("ann", 6),
    "referrals/tree": ("ann", 10),
    "roles": ("boss", 8),
    "services": ("boss", 6),
    "wallet/deposits": ("ann", 6),
    "wallet/ledger": ("ann", 6),
}


@pytest.fixture
def world(site):
    """At least two rows in every list."""
    found = build_world(site.pk)
    from apps.accounts.models import Membership
    from apps.accounts.services import create_api_key
    from apps.activities.services import run_activity
    from apps.activities.tests.factories import make_form, make_sub_user
    from apps.audit.services import SYSTEM
    from apps.fraud.services import freeze_partner
    from apps.notifications.services import News, tell
    from apps.orders.models import Order
    from apps.payouts.services import add_method, keep_comparison
    from apps.rbac.models import Department
    from apps.rbac.services import add_member
    from apps.referrals.models import Partner
    from apps.referrals.services import join
    from apps.wallet.tests.factories import give_earnings

    ann = Partner.objects.get(pk=found.ids["top"])
    tell([News(ann.user_id, "bonus", str(number), {"amount": 100, "currency": "INR"}) for number in range(3)])
    join(user=found.member("dan"), sponsor=ann)
    create_api_key(name="other", scopes=["orders.write"], actor=SYSTEM, access=None)
    add_method(user=ann.user, kind="manual", details={})
    give_earnings(ann.user, 100)
    for payout in Payout.objects.filter(status="requested"):
        cancel_payout(payout=payout, user=payout.user)
    dan = Partner.objects.get(user__email="dan@example.com").user
    add_member(department=Department.objects.get(code="SUPPORT"), user=dan, actor=SYSTEM, access=None)
    refund_order(order=Order.objects.first(), external_id="R-0", amount=10, actor=SYSTEM)
    freeze_partner(partner=Partner.objects.get(user=dan), reason="odd", actor=SYSTEM)
    firm = Membership.objects.get(user__email="enterprise@example.com")
    make_sub_user(firm, "second@example.com")
    for number in range(2):
        make_form(f"Form {number}")
        for user in (ann.user, firm.user):
            run_activity(user=user, type="form_download", params={})
    for _ in range(2):
        keep_comparison(since=timezone.now(), differences=[], actor=SYSTEM)
    for name in ("firm", "works"):
        Membership.objects.filter(user=found.member(name)).update(user_type=Membership.Kind.ENTERPRISE)
    return found


def url(path):
    from apps.rbac.models import Department

    if "payouts/batches" in path:
        from apps.payouts.models import PayoutBatch

        path = path.replace("<uuid:pk>", str(PayoutBatch.objects.order_by("id")[0].pk))
    if "<uuid:pk>" in path:
        path = path.replace("<uuid:pk>", str(Department.objects.get(code="SUPPORT").pk))
    return "/api/v1/" + path.replace("<int:level>", "1")


def test_every_list_is_pinned():
    assert sorted(PINNED) == sorted(LISTS)


@pytest.mark.parametrize("path", sorted(PINNED))
def test_a_list_asks_as_many_questions_for_many_rows_as_for_one(world, path, django_assert_num_queries):
    who, queries = PINNED[path]
    client = world.clients[who]
    client.raise_request_exception = True
    address = url(path)

    with django_assert_num_queries(queries):
        one = client.get(address, {"limit": 1})
    with django_assert_num_queries(queries):
        many = client.get(address, {"limit": 200})

    assert len(one.json()["results"]) == 1
    assert len(many.json()["results"]) >= (1 if path == "payouts/history" else 2)


@pytest.mark.parametrize("path", sorted(PINNED))
def test_pages_join_without_a_gap_or_a_repetition(world, path):
    client = world.clients[PINNED[path][0]]
    whole = client.get(url(path), {"limit": 200}).json()["results"]

    seen, following = [], url(path) + "?limit=1"
    while following:
        page = client.get(following).json()
        seen += page["results"]
        following = page["next"]

    assert seen == whole
    assert len({row["id"] for row in seen}) == len(seen)


NOT_UNDERSTOOD = [
    ("limit", "0"), ("limit", "201"), ("limit", "ten"), ("limit", "-1"), ("cursor", "x"), ("cursor", "eyJ4IjoxfQ"),
    ("frobnicate", "1"),
]  # fmt: skip


@pytest.mark.parametrize("path", sorted(PINNED))
def test_a_parameter_that_is_not_understood_is_refused(world, path):
    for name, value in NOT_UNDERSTOOD:
        answer = world.clients[PINNED[path][0]].get(url(path), {name: value})

        assert (answer.status_code, answer.json()["errors"][0]["field"]) == (400, name)


def test_a_cursor_of_one_list_is_no_cursor_of_another(world):
    client = world.clients["boss"]
    cursor = client.get("/api/v1/commissions?limit=1").json()["next"].partition("cursor=")[2].partition("&")[0]

    answer = client.get(f"/api/v1/payouts?cursor={cursor}")

    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (400, "cursor")
