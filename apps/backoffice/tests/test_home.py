"""The front page: what waits, today, the last days, the books; by what the caller may see, in a fixed number of queries."""

from decimal import Decimal

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from apps.audit.services import SYSTEM
from apps.backoffice import selectors, tasks
from apps.commissions.engine import Kind, Rule
from apps.commissions.models import Commission
from apps.commissions.services import approve_commissions
from apps.commissions.tests.factories import make_order, make_plan, refund_order, set_status
from apps.core.tenancy import site_context
from apps.payouts.models import Payout
from apps.payouts.services import approve_payout, cancel_batch, process_payout, propose_batch, request_payout
from apps.rbac.services import grant_platform_role
from apps.referrals.tests.factories import make_chain
from apps.reports.selectors import revenue
from apps.wallet.tests.factories import give_earnings

QUERIES = 25
PASSWORD = "a-long-password-1"


@pytest.fixture
def story(site, deliver):
    """Three commissions of 100.00, one approved; payouts requested and completed; a partner frozen."""
    make_plan(Rule("*", 1, Kind.PERCENT, Decimal("0.10")))
    chain = make_chain(4)
    for _ in range(3):
        make_order(chain[1])
    deliver()
    approve_commissions(ids=[Commission.objects.order_by("id")[0].pk], actor=SYSTEM)
    done = request_payout(user=chain[0].user, amount=4_000)
    process_payout(payout=approve_payout(payout=done, actor=SYSTEM), actor=SYSTEM)
    give_earnings(chain[2].user, 700)
    request_payout(user=chain[2].user, amount=500)
    set_status(chain[3], "frozen")
    return chain


def figures(home):
    return {figure.label: (figure.count, figure.amount) for figure in [*home.queues, *home.today]}


class Asked:
    """A request, as far as the selectors look."""

    def __init__(self, user, **params):
        self.user, self.GET = user, params


def test_what_waits_and_what_was_sold(story, make_user):
    home = selectors.home(Asked(make_user(roles=["super_admin"])))

    assert figures(home) == {
        "Commissions": (2, 20_000),
        "Payouts to review": (1, 500),
        "Payouts to send": (0, 0),
        "Payout batches to approve": (0, 0),
        "Refunds the bank sent back": (0, 0),
        "Fraud reviews": (0, None),
        "Frozen partners": (1, None),
        "Failed jobs": (0, None),
        "Joined today": (4, None),
        "Orders today": (3, 300_000),
    }
    chart = home.revenue.chart
    assert (chart.total, len(chart.columns)) == (300_000, 14)
    assert (chart.columns[-1].value, chart.columns[-1].height) == (300_000, "100.0%")
    assert (home.people.total, home.people.joined_today, home.people.chart.total) == (5, 5, 5)
    assert home.people.kinds == [("Individual", 5)]
    assert home.people.partners == [("Not activated", 0), ("Active", 3), ("Inactive", 0), ("Frozen", 1)]
    assert dict(home.books.parts) == {
        "Payable": 6_200, "In flight": 500, "Paid since the start": 4_000, "Owed by partners": 0,
    }  # fmt: skip
    assert (home.books.sum, home.books.ledger) == (10_700, 10_700)
    assert home.books.agree


@pytest.mark.parametrize(("period", "columns"), [("month", 12), ("year", 1), ("century", 14)])
def test_revenue_by_another_unit(story, make_user, period, columns):
    chart = selectors.home(Asked(make_user(roles=["super_admin"]), revenue=period)).revenue.chart

    assert (len(chart.columns), chart.total, chart.columns[-1].value) == (columns, 300_000, 300_000)


def test_acts_of_one_kind_in_a_row_are_told_as_one(story, make_user):
    boss = make_user("boss@example.com", roles=["super_admin"])
    pending = Commission.objects.filter(status="pending").values_list("pk", flat=True)
    approve_commissions(ids=list(pending), actor=boss)

    told = selectors.home(Asked(boss)).activity

    assert (told[0].actor_name, told[0].said) == ("boss@example.com", "approved 2 commissions")
    assert told[1].said == "gave a role, Super admin: boss@example.com"
    assert len(told) <= 8


def test_books_that_take_long_are_kept_and_renewed(story, monkeypatch):
    monkeypatch.setattr("apps.backoffice.selectors.books.SLOW_SECONDS", -1.0)
    first = selectors.books_now()
    give_earnings(story[0].user, 300)

    kept = selectors.books_now()
    renewed = tasks.renew_books()

    assert kept == first
    assert renewed >= 1
    assert selectors.books_now().sum == first.sum + 300
    assert selectors.books_now().checked_at > first.checked_at


def test_a_clawback_keeps_the_books_in_agreement(story, deliver, make_user):
    refund_order(Commission.objects.order_by("id")[0].order)
    deliver()

    books = selectors.books_now()

    assert books.agree
    assert revenue(period="day").total.net == 200_000


def test_a_batch_that_waits_for_its_second_person_is_told(story, make_user):
    manager = make_user(roles=["super_admin"])
    approve_payout(payout=Payout.objects.get(status="requested"), actor=SYSTEM)
    batch = propose_batch(with_requests=True, with_available=False, actor=SYSTEM)

    told = figures(selectors.home(Asked(manager)))["Payout batches to approve"]

    assert told == (1, batch.amount)
    cancel_batch(batch=batch, actor=SYSTEM)
    assert figures(selectors.home(Asked(manager)))["Payout batches to approve"] == (0, 0)


@pytest.mark.parametrize(
    ("role", "seen"),
    [
        ("payout_manager", {"Commissions", "Payouts to review", "Payouts to send", "Payout batches to approve"}),
        ("support_agent", set()),
        ("sales_executive", {"Orders today"}),
    ],
)
def test_only_what_the_role_may_see(story, make_user, role, seen):
    home = selectors.home(Asked(make_user(roles=[role])))

    assert set(figures(home)) == seen
    assert (home.revenue is None) == (role != "sales_executive")


def test_the_page_takes_as_many_queries_whatever_there_is(story, office, deliver, steady_sites):
    desk = office("super_admin")
    desk.get("/admin/")

    with CaptureQueriesContext(connection) as before:
        page = desk.get("/admin/")
    for _ in range(5):
        make_order(story[1])
    deliver()
    with CaptureQueriesContext(connection) as after:
        desk.get("/admin/")

    assert page.status_code == 200
    assert b"They agree" in page.content
    assert len(before) == len(after)
    assert len(after) <= QUERIES


def test_on_the_platform_host_a_site_is_chosen_first(transactional_alpha, member):
    with site_context(transactional_alpha):
        grant_platform_role(user=member, role_key="super_admin", actor=SYSTEM, access=None)
        member.set_password(PASSWORD)
        member.save(update_fields=["password"])
    client = Client(headers={"host": "localhost"})

    answer = client.post("/admin/login/", {"username": member.email, "password": PASSWORD, "next": "/admin/"})
    chooser = client.get("/admin/").content.decode()
    there = client.post("/admin/switch/", {"site": "ALPHA"}, follow=True).content.decode()

    assert answer.status_code == 302, answer.content.decode()
    assert "Choose a site" in chooser
    assert "Work at ALPHA" in chooser
    assert "They agree" in there
    assert '<option value="ALPHA" selected>' in there


def test_the_platform_host_knows_no_members(transactional_alpha, member):
    with site_context(transactional_alpha):
        member.set_password(PASSWORD)
        member.save(update_fields=["password"])
    client = Client(headers={"host": "localhost"})

    answer = client.post("/admin/login/", {"username": member.email, "password": PASSWORD, "next": "/admin/"})

    assert answer.status_code == 200
    assert "notice" in answer.content.decode()


def test_what_was_owed_at_another_time(story, office):
    desk = office("affiliate_manager")

    now = desk.get("/admin/liability/")
    before = desk.get("/admin/liability/", {"at": "2026-01-31T18:00"})

    assert (now.status_code, before.status_code) == (200, 200)
    told = now.context["told"][0]
    assert (told.held, told.payable, told.in_flight, told.paid, told.agrees) == (20_000, 6_200, 500, 4_000, True)
    assert "They agree" in now.content.decode()
    assert (before.context["told"][0].ledger, before.context["told"][0].held) == (0, 0)


@pytest.mark.parametrize("at", ["soon", "1850-01-01T00:00", "2199-01-01T00:00"])
def test_no_past_moment_is_said_so(site, office, at):
    answer = office("affiliate_manager").get("/admin/liability/", {"at": at})

    assert (answer.status_code, answer.context["told"]) == (400, [])
    assert answer.context["form"].errors["at"]


def test_only_analysts_see_the_liability(site, office):
    assert office("payout_manager").get("/admin/liability/").status_code == 403
