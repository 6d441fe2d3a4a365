"""The audit in the back office: found by anything an event has, page after page, and as the history of one row (H12)."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from apps.audit.models import AuditEvent
from apps.audit.services import SYSTEM, record
from apps.core import logs
from apps.core.ids import uuid7
from apps.payouts.models import Payout
from apps.payouts.services import request_payout
from apps.wallet.tests.factories import give_earnings

from .conftest import listing

AUDIT = listing(AuditEvent)


def found(desk, **query):
    """Ids of the events on the page, newest first."""
    page = desk.get(AUDIT, query)
    assert page.status_code == 200, page.get("Location")
    return [row.pk for row in page.context_data["cl"].result_list]


@pytest.fixture
def desk(office):
    return office("super_admin")


@pytest.fixture
def events(site, make_user):
    """One by Ann about her, from one address in one request, and one by the system."""
    ann = make_user("ann@example.com")
    AuditEvent.objects.count()
    request, ip = logs.request_id.set("req-1"), logs.client_ip.set("203.0.113.9")
    try:
        mine = record(actor=ann, action="payout.requested", target=ann, after={"amount": 5}, reason="Because")
    finally:
        logs.request_id.reset(request)
        logs.client_ip.reset(ip)
    other = record(actor=SYSTEM, action="plan.published", target=site)
    return {"ann": ann, "mine": mine.pk, "other": other.pk}


@pytest.mark.parametrize(
    "query",
    [
        {"actor_name": "ann@example.com"}, {"actor_kind": "user", "action": "payout.requested"}, {"about": "payout"},
        {"action": "PAYOUT.requested"}, {"ip": "203.0.113.9"}, {"request_id": "req-1"}, {"q": "payout.req"}, {"q": "req-1"},
        {"q": "ann@example.com"}, {"target_id": "{ann}"}, {"q": "{ann}"}, {"q": "{mine}"},
        {"day_from": "{today}", "day_to": "{today}", "about": "payout"},
    ],
    ids=str,
)  # fmt: skip
def test_an_event_is_found_by_anything_it_has(site, desk, events, query):
    values = {"ann": events["ann"].pk, "mine": events["mine"], "today": timezone.now().date()}
    query = {name: value.format(**values) for name, value in query.items()}

    ids = found(desk, **query)

    assert events["mine"] in ids
    assert events["other"] not in ids


def test_days_are_whole_and_both_ends_count(site, desk, events):
    today, tomorrow = timezone.now().date(), timezone.now().date() + timedelta(days=1)

    assert events["mine"] in found(desk, day_from=str(today))
    assert events["mine"] in found(desk, day_to=str(today))
    assert found(desk, day_from=str(tomorrow)) == []
    assert found(desk, day_to=str(today - timedelta(days=1))) == []
    assert events["mine"] in found(desk, day_from="no date")


def test_pages_lead_back_and_forth_without_counting(site, desk):
    for number in range(120):
        record(actor=SYSTEM, action="test.happened", reason=str(number))
    everything = list(AuditEvent.objects.order_by("-id").values_list("pk", flat=True))

    seen, url = [], AUDIT
    with CaptureQueriesContext(connection) as queries:
        while url:
            changelist = desk.get(url).context_data["cl"]
            seen += [row.pk for row in changelist.result_list]
            url = AUDIT + changelist.older_url() if changelist.older_url() else ""
    assert seen == everything
    assert not any("COUNT(" in query["sql"] or "DISTINCT" in query["sql"] for query in queries)

    last = changelist
    back = desk.get(AUDIT + last.newer_url()).context_data["cl"]
    assert [row.pk for row in back.result_list] == everything[
        len(everything) // 50 * 50 - 50 : len(everything) // 50 * 50
    ]
    assert desk.get(AUDIT + back.newer_url()).context_data["cl"].newer_url() == ""


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    "where",
    [
        {"actor_name": "user 7"}, {"ip": "203.0.113.7"}, {"request_id": "r7"}, {"action": "test.act_7"},
        {"actor_kind": "api_key"},
        {"target_type": "a.b", "target_id": "7"}, {},
    ],
    ids=str,
)  # fmt: skip
def test_the_newest_page_is_a_range_of_an_index(transactional_alpha, as_admin, where):
    """Under row level security, on a log of a hundred thousand events."""
    from apps.core.tenancy import site_context

    as_admin(
        "INSERT INTO audit_auditevent (id, site_id, created_at, actor_kind, actor_name, action, target_type, target_id,"
        " target_name, before, after, reason, request_id, ip) SELECT ('01990000' || lpad(to_hex(n), 24, '0'))::uuid, %s, now(),"
        " CASE n %% 1000 WHEN 7 THEN 'api_key' ELSE 'user' END, 'user ' || n %% 1000, 'test.act_' || n %% 1000, 'a.b', n %% 1000,"
        " '', '{}', '{}', '', 'r' || n %% 1000, '203.0.113.' || n %% 250 FROM generate_series(1, 100000) n",
        [transactional_alpha],
    )
    as_admin("ANALYZE audit_auditevent")
    with site_context(transactional_alpha):
        plan = AuditEvent.objects.filter(**where).order_by("-id")[:51].explain()

    assert "Index" in plan, plan
    assert "Seq Scan" not in plan, plan
    assert "Sort" not in plan, plan


def history(row):
    return reverse(f"admin:{row._meta.app_label}_{row._meta.model_name}_history", args=[row.pk])


def test_the_history_of_a_row_tells_who_what_and_from_what_to_what(site, desk, events):
    from apps.accounts.models import Membership, User
    from apps.accounts.services import set_member_active

    ann = User.objects.get(pk=events["ann"].pk)
    membership = Membership.objects.get(user=ann)
    set_member_active(user=ann, is_active=False, actor=desk.user, reason="Left us")
    record(
        actor=desk.user,
        action="settings.changed",
        target=ann,
        before={"limit": 5, "same": 1},
        after={"limit": 7, "same": 1},
    )

    page = desk.get(history(membership)).content.decode()

    assert "shut a member out" in page
    assert "“Left us”" in page
    assert '<th scope="row">Limit</th><td>5</td><td>7</td>' in page
    assert "Same</th>" not in page
    assert "asked for a payout" in page


def test_the_button_on_a_row_leads_to_its_history(site, desk, make_user):
    ben = make_user("ben@example.com")
    give_earnings(ben, 5000)
    payout = request_payout(user=ben, amount=1000)
    page = desk.get(reverse("admin:payouts_payout_change", args=[payout.pk])).content.decode()
    assert f'href="{history(payout)}"' in page

    desk.do("approve", payout)

    page = desk.get(history(payout)).content.decode()
    assert page.index("approved a payout") < page.index("asked for a payout")
    assert desk.user.email in page


def test_a_long_history_has_pages(site, desk, events):
    for number in range(60):
        record(actor=SYSTEM, action="test.happened", target=site, reason=f"number {number};")

    first = desk.get(history(site)).content.decode()
    older = first.partition('href="?before=')[2].partition('"')[0]
    second = desk.get(history(site), {"before": older}).content.decode()

    assert "number 59;" in first
    assert "number 9;" not in first
    assert "number 9;" in second
    assert "Newest" in second


def test_a_long_history_costs_as_much_as_a_short_one(site, desk, steady_sites):
    counts = []
    for _ in range(2):
        for number in range(20):
            record(actor=SYSTEM, action="payout.approved", target=site, after={"amount": number})
        desk.get(history(site))
        with CaptureQueriesContext(connection) as queries:
            desk.get(history(site))
        counts.append(len(queries))

    assert counts[0] == counts[1]


def test_history_is_for_those_who_read_the_audit_and_of_what_is_there(site, office, desk, make_user):
    ben = make_user("ben@example.com")
    give_earnings(ben, 5000)
    payout = request_payout(user=ben, amount=1000)

    assert office("payout_manager").get(history(payout)).status_code == 403
    assert desk.get(history(Payout(pk=uuid7()))).status_code == 404


def test_an_event_names_things_in_words(site, desk, events):
    page = desk.get(reverse("admin:audit_auditevent_change", args=[events["mine"]])).content.decode()

    assert "<h1>ann@example.com asked for a payout</h1>" in page
    assert '<th scope="row">Amount</th><td>–</td><td>₹0.05</td>' in page
