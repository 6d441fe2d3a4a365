"""A partner's statement of any days: what was there, what moved and why, what is there then."""

import csv
import io
import tracemalloc
from collections import defaultdict
from datetime import timedelta
from decimal import Decimal

import pytest
import time_machine
from django.db import connection
from django.db.models import Sum
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from apps.audit.services import SYSTEM
from apps.commissions.models import Commission
from apps.commissions.services import approve_commission
from apps.commissions.tests.engine_values import percent
from apps.commissions.tests.factories import make_order, make_plan
from apps.core.exports import csv_file, pdf_file, xlsx_file
from apps.core.tenancy import site_context
from apps.payouts.models import OwnMethod
from apps.payouts.services import add_method, approve_payout, process_payout, request_payout
from apps.referrals.tests.factories import make_partner
from apps.reports.periods import read_days
from apps.reports.statements import statement
from apps.reports.tests.program import Story
from apps.sites.selectors import site_day
from apps.sites.services import change_site
from apps.wallet.models import Account, Posting
from apps.wallet.services import transfer_to_funds
from apps.wallet.tests.factories import give_earnings

URL = "/api/v1/wallet/statement"


def table(answer):
    return list(csv.DictReader(io.StringIO(b"".join(answer.streaming_content).decode(), newline="")))


def told(rows, *names):
    return [tuple(row[name] for name in names) for row in rows]


@pytest.fixture
def ann(site, make_user):
    return make_partner(user=make_user("ann@example.com", full_name="Ann"))


@pytest.mark.django_db
def test_every_movement_says_what_it_is_about(api, ann, deliver):
    make_plan(*percent("0.10"))
    buyer = make_partner(sponsor=ann)
    order = make_order(buyer, ("server", 100_000))
    deliver()
    approve_commission(commission=Commission.objects.get(), actor=SYSTEM)
    add_method(
        user=ann.user,
        kind="bank",
        details={"account_holder": "Ann", "account_number": "12345678", "bank_code": "HDFC0001"},
    )
    method = OwnMethod.objects.get()
    payout = approve_payout(payout=request_payout(user=ann.user, amount=4_000, method=method), actor=SYSTEM)
    process_payout(payout=payout, actor=SYSTEM, reference="UTR-77")
    transfer_to_funds(user_id=ann.user_id, amount=1_500, currency="INR")
    today = site_day()

    rows = table(api(ann.user).get(URL, {"from": str(today), "to": str(today)}))

    moved = [row for row in rows if row["amount"]]
    assert told(moved, "movement", "pocket", "amount", "pocket_then", "method", "reference") == [
        ("Commission", "Earnings", "100.00", "100.00", "", ""),
        ("Held for a payout", "Earnings", "-40.00", "60.00", method.label, "UTR-77"),
        ("Held for a payout", "Held for a payout", "40.00", "40.00", method.label, "UTR-77"),
        ("Payout", "Held for a payout", "-40.00", "0.00", method.label, "UTR-77"),
        ("Transfer to funds", "Earnings", "-15.00", "45.00", "", ""),
        ("Transfer to funds", "Funds", "15.00", "15.00", "", ""),
    ]  # fmt: skip
    assert moved[0]["about"].startswith("server, level 1,")
    assert str(order) in moved[0]["about"]
    assert {row["about"] for row in moved[1:4]} == {f"Payout {payout.number}"}
    assert moved[4]["about"] == "Your own move"
    assert told([row for row in rows if not row["amount"]], "movement", "pocket", "pocket_then") == [
        *(("Opening balance", pocket, "0.00") for pocket in ("Earnings", "Funds", "Held for a payout", "Owed to the site")),
        ("Closing balance", "Earnings", "45.00"), ("Closing balance", "Funds", "15.00"),
        ("Closing balance", "Held for a payout", "0.00"), ("Closing balance", "Owed to the site", "0.00"),
    ]  # fmt: skip


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("seed", [5, 6])
def test_opening_and_movements_are_the_closing_whatever_happens(shop, fake_stripe, seed):
    """Forty days of a program: the statements of any days agree with the ledger, and each begins where the last ended."""
    moment = timezone.now() - timedelta(days=41)
    with time_machine.travel(moment, tick=True) as clock:
        story = Story(shop, seed, fake_stripe)
        for _ in range(40):
            for _ in range(3):
                story.happen()
            clock.shift(86_400)
    with site_context(shop):
        today, people = site_day(), [story.top.user, story.middle.user, story.lower.user, story.buyer.user]
        for user in people:
            closed = None
            for back in (60, 30, 20, 10, 3):
                first = today - timedelta(days=back)
                last = today - timedelta(days={60: 31, 30: 21, 20: 11, 10: 4, 3: 0}[back])
                days = read_days({"from": str(first), "to": str(last)})
                opening, moved, closing = parts(user, days)
                assert {pocket: opening[pocket] + moved[pocket] for pocket in closing} == closing
                assert closing == by_the_ledger(user, days.ends)
                assert closed is None or opening == closed
                closed = closing


def parts(user, days):
    """(opening, moved, closing), each {pocket: amount}, as the file has them."""
    opening, moved, closing = {}, defaultdict(Decimal), {}
    for page in statement(user=user, days=days).pages():
        for _, movement, pocket, amount, then, *_ in page:
            if amount is not None:
                moved[pocket] += amount
            else:
                (opening if movement == "Opening balance" else closing)[pocket] = then
    return opening, moved, closing


def by_the_ledger(user, before):
    sums = {}
    for account in Account.objects.filter(user=user):
        rows = Posting.objects.filter(account=account, entry__created_at__lt=before)
        sums[account.get_kind_display()] = Decimal(rows.aggregate(total=Sum("amount"))["total"] or 0).scaleb(-2)
    return sums


@pytest.mark.django_db
def test_days_are_the_sites_own(api, ann):
    change_site(changes={"time_zone": "Asia/Kolkata"}, actor=SYSTEM)
    for moment, amount in (("2026-03-31 18:29:00", 100), ("2026-03-31 18:31:00", 2_000), ("2026-06-30 18:31:00", 50)):
        with time_machine.travel(f"{moment}+00:00", tick=False):
            give_earnings(ann.user, amount)
    client = api(ann.user)
    april = [("20.00", "21.00")]

    for asked in (
        {"quarter": "2026-Q2"}, {"month": "2026-04"}, {"from": "2026-04-01", "to": "2026-06-30"},
        {"from": "2026-04-01", "to": "2026-04-01"},
    ):  # fmt: skip
        rows = table(client.get(URL, asked))
        assert told([row for row in rows if row["amount"]], "amount", "pocket_then") == april, asked
    whole = table(client.get(URL, {"year": "2026"}))
    assert [row["amount"] for row in whole if row["amount"]] == ["1.00", "20.00", "0.50"]


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("asked", "field"),
    [
        ({}, "month"), ({"month": "2026-13"}, "month"), ({"quarter": "2026-Q5"}, "quarter"), ({"year": "26"}, "year"),
        ({"year": "2190"}, "year"), ({"from": "soon"}, "from"), ({"from": "2199-01-01"}, "from"), ({"to": "2026-01-01"}, "from"),
        ({"from": "2026-02-02", "to": "2026-02-01"}, "to"), ({"from": "2026-02-02", "to": "2199-02-01"}, "to"),
        ({"month": "2026-01", "year": "2026"}, "year"), ({"month": "2026-01", "to": "2026-01-09"}, "from"),
        ({"month": "2026-01", "format": "docx"}, "format"), ({"of": "somebody"}, "of"),
    ],
)  # fmt: skip
def test_what_is_no_such_days_is_400(api, ann, asked, field):
    answer = api(ann.user).get(URL, asked)

    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (400, field)


@pytest.mark.django_db
def test_it_is_ones_own_alone(api, ann, make_user):
    give_earnings(ann.user, 100)

    rows = table(api(make_user("ben@example.com")).get(URL, {"from": "2026-01-01"}))

    assert rows == []
    assert api().get(URL, {"from": "2026-01-01"}).status_code == 401


@pytest.mark.django_db
def test_a_long_one_comes_in_pages_of_few_queries_and_little_memory(site, ann):
    """As many statements for each page whatever is on it, and the same memory at its end as at its beginning."""
    for _ in range(3):
        give_earnings(ann.user, 1)
    many(ann.user, 9_000)
    sheet = statement(user=ann.user, days=read_days({"from": "2026-01-01"}))

    for chunks in (csv_file.chunks, xlsx_file.chunks):
        tracemalloc.start()
        size = sum(len(chunk) for chunk in chunks(sheet))
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert size > 100_000
        assert peak < 25_000_000, (chunks, peak)
    with CaptureQueriesContext(connection) as queries:
        pages = list(sheet.pages())
    rows = sum(len(page) for page in pages)
    assert rows == 9_003 + 2 * 2
    assert len([query for query in queries if "wallet_posting" in query["sql"]]) == 1 + len(pages)
    assert b"".join(pdf_file.chunks(sheet)).startswith(b"%PDF")


def many(user, count):
    """So many credits of 1, written by the services' own statement."""
    from apps.wallet.models import Books, Entry
    from apps.wallet.services import Credit, credit_earnings

    for start in range(0, count, 3_000):
        given = [Credit(user.pk, 1, "INR", "test", f"many-{number}") for number in range(start, start + 3_000)]
        credit_earnings(given, kind=Entry.Kind.CREDIT, book=Books.CREDITS)
