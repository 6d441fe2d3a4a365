"""Many paid at once: proposed, looked at, approved by another, run, closed (H9)."""

import csv
import io

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from apps.audit.models import AuditEvent
from apps.audit.services import SYSTEM
from apps.core.errors import Conflict, Denied, Invalid
from apps.core.models import OutboxEvent
from apps.fraud.tests.test_reviews import notice
from apps.payments.models import StripeAccount
from apps.payouts import services
from apps.payouts.admin.previews import how_far
from apps.payouts.models import Payout, PayoutBatch, PayoutBatchItem, PayoutResultFile
from apps.payouts.services import settling
from apps.payouts.services.connecting import begin_connecting
from apps.payouts.services.results import run_steps as run_file_steps
from apps.payouts.services.running import run_step
from apps.payouts.tests.factories import make_partner, money, push_all
from apps.referrals.services import join, set_partner_status
from apps.sites.models import SiteSettings
from apps.wallet import selectors as wallet
from apps.wallet import services as wallets
from apps.wallet.tests.factories import give_earnings

BANK = {"kind": "bank", "account_holder": "=Ann", "account_number": "12345678", "bank_code": "HDFC0001"}


def propose(actor, **rules):
    return services.propose_batch(**({"with_requests": True, "with_available": True} | rules), actor=actor)


def approve(batch, actor):
    return services.approve_batch(batch=batch, actor=actor, seen=batch.digest)


def items(batch):
    rows = PayoutBatchItem.objects.filter(batch=batch).select_related("user").order_by("user__email")
    return {row.user.full_name.lower(): (row.status, row.code, row.gateway, row.amount) for row in rows}


def test_the_preview_says_who_how_much_by_what_and_why_not(stripe, proposer):
    SiteSettings.objects.update(payout_minimum=1000, payout_cooldown_hours=24)
    make_partner("bank", 5000, **BANK)
    make_partner("stripe", 6000, kind="stripe_connect", account_id="acct_annann")
    make_partner("coin", 6000, kind="manual", note="cash")
    make_partner("nowhere", 2000)
    make_partner("little", 999, **BANK)
    cold, _ = make_partner("cold", 3000, **BANK)
    set_partner_status(partner=join(user=cold), status="frozen", reason="odd", actor=SYSTEM)
    asks, method = make_partner("asks", 3000, **BANK)
    services.request_payout(user=asks, method=method)
    give_earnings(asks, 1500)
    asked, method = make_partner("asked", 4000, **BANK)
    services.approve_payout(payout=services.request_payout(user=asked, amount=2500, method=method), actor=SYSTEM)
    paid, method = make_partner("paid", 2000, **BANK)
    payout = services.approve_payout(payout=services.request_payout(user=paid, method=method), actor=SYSTEM)
    services.process_payout(payout=payout, actor=SYSTEM)
    give_earnings(paid, 2000)
    give_earnings(proposer, 9000)

    batch = propose(proposer)

    assert items(batch) == {
        "bank": ("ready", "", "manual", 5000),
        "stripe": ("ready", "", "stripe_connect", 6000),
        "coin": ("ready", "", "manual", 6000),
        "asked": ("ready", "", "manual", 2500),
        "nowhere": ("left_out", "no_method", "", 2000),
        "little": ("left_out", "below_minimum", "manual", 999),
        "cold": ("left_out", "partner_frozen", "manual", 3000),
        "asks": ("left_out", "not_approved", "manual", 1500),
        "paid": ("left_out", "cooldown", "manual", 2000),
        "": ("left_out", "own_payout", "", 9000),
    }
    assert (batch.count, batch.amount, batch.left_out, batch.status) == (4, 19500, 6, "proposed")
    assert Payout.objects.count() == 3


def test_money_stays_where_a_method_is_not_ready_or_somebody_looks_at_the_account(stripe, proposer, approver):
    """The newest method counts that is paid here; what rests or isn't done at Stripe waits."""
    rests, _ = make_partner("rests", 2000, **BANK)
    services.add_method(user=rests, kind="upi", details={"vpa": "new@bank"})
    begun, _ = make_partner("begun", 2000)
    begin_connecting(user=begun, details={})
    make_partner("coin", 2000, kind="crypto", network="ethereum", address="0x" + "1" * 40)
    held, _ = make_partner("held", 2000, **BANK)
    notice(join(user=held), 100)
    late, _ = make_partner("late", 2000, **BANK)
    partner = join(user=late)

    batch = propose(proposer)

    assert items(batch) == {
        "rests": ("left_out", "method_rests", "manual", 2000),
        "begun": ("left_out", "method_not_ready", "stripe_connect", 2000),
        "coin": ("left_out", "gateway_unavailable", "", 2000),
        "held": ("left_out", "under_review", "manual", 2000),
        "late": ("ready", "", "manual", 2000),
    }
    approve(batch, approver)
    notice(partner, 100)
    run_step(batch.pk, 0)
    assert items(batch)["late"] == ("left_out", "under_review", "manual", 2000)
    assert (Payout.objects.count(), money(late)) == (0, (2000, 0))


def test_an_address_kept_for_tokens_does_not_stand_in_the_way_of_a_bank_account(proposer):
    """It is newer and it rests; no gateway of this site pays to it."""
    ann, bank = make_partner("ann", 5000, **BANK)
    services.add_method(user=ann, kind="crypto", details={"network": "ethereum", "address": "0x" + "1" * 40})

    batch = propose(proposer)

    assert items(batch) == {"ann": ("ready", "", "manual", 5000)}
    assert PayoutBatchItem.objects.get().method_id == bank.pk


def test_nobody_approves_a_batch_of_nobody(api, proposer, approver):
    make_partner("nowhere", 2000)
    batch = propose(proposer)
    before = AuditEvent.objects.count()

    with pytest.raises(Conflict) as refused:
        approve(batch, approver)

    assert refused.value.code == "nothing_to_pay"
    batch.refresh_from_db()
    assert (batch.status, batch.count, AuditEvent.objects.count()) == ("proposed", 0, before)
    assert not OutboxEvent.objects.filter(topic="payout_batch.step").exists()


def test_the_planner_knows_of_many_new_people_at_once(proposer, monkeypatch, django_capture_on_commit_callbacks):
    monkeypatch.setattr("apps.payouts.services.previewing.MANY", 3)
    for name in ("ann", "ben", "cleo"):
        make_partner(name, 5000, **BANK)

    with django_capture_on_commit_callbacks(execute=True):
        propose(proposer)

    with connection.cursor() as cursor:
        cursor.execute("SELECT reltuples FROM pg_class WHERE oid = 'payouts_payoutbatchitem'::regclass")
        assert cursor.fetchone() == (3,)


def test_what_is_written_down_of_an_approval_is_what_goes_out(proposer, approver):
    make_partner("bank", 5000, **BANK)
    services.add_method(
        user=approver, kind="bank", details={name: value for name, value in BANK.items() if name != "kind"}
    )
    join(user=approver)
    give_earnings(approver, 3000)
    batch = propose(proposer)
    assert (batch.count, batch.amount) == (2, 8000)

    batch = approve(batch, approver)

    event = AuditEvent.objects.get(action="payout_batch.approved")
    assert (event.after["count"], event.after["amount"], event.after["left_out"]) == (1, 5000, 1)
    batch.refresh_from_db()
    assert (batch.count, batch.amount, batch.left_out) == (1, 5000, 1)


def test_who_approves_a_batch_of_their_own_money_alone_sends_nobody(proposer, approver):
    services.add_method(
        user=approver, kind="bank", details={name: value for name, value in BANK.items() if name != "kind"}
    )
    join(user=approver)
    give_earnings(approver, 3000)
    batch = propose(proposer)

    with pytest.raises(Conflict) as refused:
        approve(batch, approver)

    assert refused.value.code == "nothing_to_pay"
    batch.refresh_from_db()
    assert (batch.status, items(batch)[""]) == ("proposed", ("ready", "", "manual", 3000))


def test_another_approves_and_everybody_is_paid_once(stripe, proposer, approver, deliver, held_by):
    bank, _ = make_partner("bank", 5000, **BANK)
    card, _ = make_partner("stripe", 6000, kind="stripe_connect", account_id="acct_annann")
    batch = propose(proposer)

    approve(batch, approver)
    deliver()
    push_all()

    batch.refresh_from_db()
    assert batch.status == "sent"
    assert {row.user_id: (row.status, row.gateway) for row in Payout.objects.all()} == {
        bank.pk: ("processing", "manual"), card.pk: ("completed", "stripe_connect"),
    }  # fmt: skip
    assert (money(bank), money(card), len(held_by())) == ((0, 5000), (0, 0), 1)
    run_step(batch.pk, 99)
    assert (Payout.objects.count(), wallet.contradictions()) == (2, [])


def test_what_batches_pay_stands_in_lists_by_when_it_was_made(proposer, approver, deliver, api):
    SiteSettings.objects.update(payout_without_method="wallet")
    user, _ = make_partner("nowhere")
    for amount in range(1000, 1006):
        give_earnings(user, amount)
        approve(propose(proposer), approver)
        deliver()

    listed = api(proposer).get("/api/v1/payouts").json()["results"]

    assert [row["amount"] for row in listed] == [1005, 1004, 1003, 1002, 1001, 1000]


def test_nobody_approves_what_they_proposed_or_have_not_seen(proposer, approver):
    make_partner("bank", 5000, **BANK)
    batch = propose(proposer)

    with pytest.raises(Denied) as own:
        approve(batch, proposer)
    with pytest.raises(Denied) as machine:
        approve(batch, SYSTEM)
    give_earnings(make_partner("new", **BANK)[0], 700)
    seen = batch.digest
    services.refresh_batch(batch=batch, actor=proposer)
    with pytest.raises(Conflict) as changed:
        services.approve_batch(batch=batch, actor=approver, seen=seen)

    assert (own.value.code, machine.value.code, changed.value.code) == ("own_batch", "own_batch", "batch_changed")
    assert (PayoutBatch.objects.get().status, Payout.objects.count()) == ("proposed", 0)


def test_the_approvers_own_payout_is_left_to_others(proposer, approver, deliver):
    make_partner("bank", 5000, **BANK)
    give_earnings(approver, 800)
    services.add_method(user=approver, kind="upi", details={"vpa": "me@upi"})

    approve(propose(proposer), approver)
    deliver()

    assert PayoutBatchItem.objects.get(user=approver).code == "own_payout"
    assert not Payout.objects.filter(user=approver).exists()
    assert money(approver) == (800, 0)


def test_who_was_frozen_or_paid_or_asked_since_is_left_out_and_holds_nobody_up(proposer, approver, deliver):
    people = {name: make_partner(name, 5000, **BANK) for name in ("good", "froze", "asks", "spent")}
    batch = propose(proposer)
    set_partner_status(partner=join(user=people["froze"][0]), status="frozen", reason="odd", actor=SYSTEM)
    services.request_payout(user=people["asks"][0], amount=100)
    wallets.transfer_to_funds(user_id=people["spent"][0].pk, amount=1, currency="INR")

    approve(batch, approver)
    deliver()

    assert {name: found[:2] for name, found in items(batch).items()} == {
        "good": ("begun", ""), "froze": ("left_out", "partner_frozen"), "asks": ("left_out", "payout_in_progress"),
        "spent": ("left_out", "insufficient_balance"),
    }  # fmt: skip
    assert (money(people["good"][0]), money(people["spent"][0])) == ((0, 5000), (4999, 0))
    assert wallet.contradictions() == []


def test_what_was_proposed_is_looked_at_again_before_it_is_sent(stripe, proposer, approver, deliver):
    """A method that its owner has removed, a gateway that was switched off, somebody who was paid since."""
    SiteSettings.objects.update(payout_cooldown_hours=24)
    gone, method = make_partner("gone", 5000, **BANK)
    card, _ = make_partner("card", 6000, kind="stripe_connect", account_id="acct_annann")
    paid, own = make_partner("paid", 2000, **BANK)
    batch = propose(proposer)
    services.remove_method(method=method, actor=gone)
    StripeAccount.objects.update(is_active=False)
    payout = services.approve_payout(payout=services.request_payout(user=paid, method=own), actor=SYSTEM)
    services.process_payout(payout=payout, actor=SYSTEM)
    give_earnings(paid, 2000)

    approve(batch, approver)
    deliver()

    assert {name: found[:2] for name, found in items(batch).items()} == {
        "gone": ("left_out", "invalid_state"), "card": ("left_out", "gateway_unavailable"), "paid": ("left_out", "cooldown"),
    }  # fmt: skip
    assert [money(user) for user in (gone, card, paid)] == [(5000, 0), (6000, 0), (2000, 0)]
    assert wallet.contradictions() == []


def test_without_a_method_the_site_may_say_into_funds(proposer, approver, deliver):
    SiteSettings.objects.update(payout_without_method="wallet")
    user, _ = make_partner("nowhere", 2000)

    approve(propose(proposer), approver)
    deliver()

    found = wallet.wallet_summary(user.pk)
    assert (found.available, found.held, found.funds) == (0, 0, 2000)
    assert Payout.objects.get().status == "completed"
    assert wallet.contradictions() == []


def test_a_hundred_more_people_need_no_more_queries(proposer, approver):
    def queries(number, at):
        for place in range(number):
            make_partner(f"p{at}x{place}", 1000, **BANK)
        batch = propose(proposer)
        approve(batch, approver)
        with CaptureQueriesContext(connection) as caught:
            run_step(batch.pk, 0)
        return len(caught)

    assert queries(30, 1) == queries(3, 2)


@pytest.fixture
def running(proposer, approver, deliver):
    people = [make_partner(name, 5000, **BANK)[0] for name in ("ann", "ben", "cat")]
    batch = propose(proposer)
    approve(batch, approver)
    deliver()
    batch.refresh_from_db()
    return batch, people


def results(*rows):
    return "ref,status,reference,reason\n" + "\n".join(",".join(map(str, row)) for row in rows)


def of(user):
    return Payout.objects.get(user=user)


def test_the_bank_gets_a_file_and_its_answer_is_booked_once(running, proposer):
    batch, (ann, ben, cat) = running
    told = csv.reader(io.StringIO(b"".join(services.bank_file(batch=batch, actor=proposer)).decode("utf-8-sig")))
    rows = {row[0]: row for row in told}
    assert rows[str(of(ann).pk)][2:7] == ["50.00", "INR", "Ann", "bank", "'=Ann"]
    text = results((of(ann).pk, "paid", "N-1", ""), (of(ben).pk, "failed", "", "no such account"))

    first = services.book_results(batch=batch, text=text, actor=proposer)
    again = services.book_results(batch=batch, text=text, actor=proposer)

    assert (first.paid, first.failed, first.known, again.paid, again.failed, again.known) == (1, 1, 0, 0, 0, 2)
    assert (of(ann).status, of(ann).reference, of(ben).status, of(ben).reason) == (
        "completed", "N-1", "failed", "no such account",
    )  # fmt: skip
    assert (money(ann), money(ben), money(cat)) == ((0, 0), (5000, 0), (0, 5000))
    assert wallet.contradictions() == []
    with pytest.raises(Conflict) as early:
        services.close_batch(batch=batch, actor=proposer)
    services.book_results(batch=batch, text=results((of(cat).pk, "paid", "N-2", "")), actor=proposer)
    assert (early.value.code, services.close_batch(batch=batch, actor=proposer).status) == ("batch_open", "closed")


def test_who_is_frozen_since_is_not_in_the_file_and_waits(running, proposer):
    batch, (ann, ben, cat) = running
    partner = set_partner_status(partner=join(user=ann), status="frozen", reason="odd", actor=SYSTEM)
    notice(join(user=ben), 100)

    def named():
        told = b"".join(services.bank_file(batch=batch, actor=proposer)).decode()
        return [str(of(user).pk) in told for user in (ann, ben, cat)]

    assert named() == [False, False, True]
    assert (of(ann).status, money(ann)) == ("processing", (0, 5000))
    set_partner_status(partner=partner, status="active", reason="fine", actor=SYSTEM)
    assert named() == [True, False, True]


def test_what_two_batches_looked_at_is_in_the_file_and_the_results_of_one(proposer, approver, deliver):
    """The bank would pay it twice."""
    asked, method = make_partner("asked", 4000, **BANK)
    services.approve_payout(payout=services.request_payout(user=asked, method=method), actor=SYSTEM)
    first, third = propose(proposer, with_available=False), propose(proposer, with_available=False)
    late, method = make_partner("late", 3000, **BANK)
    services.approve_payout(payout=services.request_payout(user=late, method=method), actor=SYSTEM)
    second = propose(proposer, with_available=False)
    for batch in (first, second):
        approve(batch, approver)
        deliver()
        batch.refresh_from_db()
    assert (items(first)["asked"][0], items(second)["asked"][:2]) == ("begun", ("left_out", "invalid_state"))
    with pytest.raises(Conflict) as refused:
        approve(third, approver)
    third.refresh_from_db()
    assert (refused.value.code, third.status, items(third)["asked"][0]) == ("nothing_to_pay", "proposed", "ready")
    far = how_far(second)
    assert (far["over"], far["begun"], far["percent"]) == (0, 1, 0)

    told = [b"".join(services.bank_file(batch=batch, actor=proposer)).decode() for batch in (first, second)]

    assert [str(of(asked).pk) in text for text in told] == [True, False]
    with pytest.raises(Invalid):
        services.book_results(batch=second, text=results((of(asked).pk, "paid", "N-1", "")), actor=proposer)
    assert (of(asked).status, money(asked)) == ("processing", (0, 4000))
    for person, batch in ((asked, first), (late, second)):
        services.book_results(batch=batch, text=results((of(person).pk, "paid", "N-1", "")), actor=proposer)
    far = how_far(second)
    assert (far["over"], far["begun"], far["percent"]) == (1, 1, 100)
    assert services.close_batch(batch=second, actor=proposer).status == "closed"


@pytest.mark.parametrize(
    "make",
    [
        lambda pk: "", lambda pk: "ref;status", lambda pk: results(("x", "paid", "N", "")),
        lambda pk: results((pk, "perhaps", "N", "")),
        lambda pk: results((pk, "paid", "", "")), lambda pk: results((pk, "failed", "", "")),
        lambda pk: results((pk, "paid", "N-1", ""), (pk, "paid", "N-1", "")), lambda pk: results((pk, "paid", "N-1", "", "more")),
        lambda pk: results((pk, "paid", "N-1", ""), ("0190f5a0-0000-7000-8000-000000000000", "paid", "N-2", "")),
        lambda pk: "\x00", lambda pk: results((pk, "paid", "N" * 121, "")), lambda pk: results((pk, "paid", "N\x00", "")),
        lambda pk: results((pk, "paid", "N-1", "")).replace("\n", "\r"), lambda pk: "r" * 200_000,
        lambda pk: results((pk, "paid", "N-1", "x" * 501)), lambda pk: results((pk, "failed", "N" * 121, "no such account")),
    ],
)  # fmt: skip
def test_a_file_with_one_bad_row_books_nothing(running, proposer, make):
    batch, (ann, *_) = running

    with pytest.raises(Invalid) as refused:
        services.book_results(batch=batch, text=make(of(ann).pk), actor=proposer)

    assert refused.value.code == "result_file"
    assert refused.value.details["rows"]
    assert (of(ann).status, money(ann)) == ("processing", (0, 5000))


@pytest.fixture
def long_files(monkeypatch):
    """What is more than two rows is long."""
    monkeypatch.setattr("apps.payouts.services.results.AT_ONCE", 2)


def test_a_long_file_is_read_as_a_whole_and_booked_in_steps(running, proposer, deliver, long_files):
    batch, (ann, ben, cat) = running
    text = results(
        (of(ann).pk, "paid", "N-1", ""), (of(ben).pk, "failed", "", "no such account"), (of(cat).pk, "paid", "N-2", ""),
    )  # fmt: skip
    with pytest.raises(Invalid) as refused:
        services.book_results(batch=batch, text=f"{text}\nx,paid,N-3,", actor=proposer)
    assert (refused.value.code, PayoutResultFile.objects.count()) == ("result_file", 0)

    file = services.book_results(batch=batch, text=text, actor=proposer).file

    assert (file.status, file.rows, file.booked) == ("running", 3, 0)
    assert {of(one).status for one in (ann, ben, cat)} == {"processing"}
    with pytest.raises(Conflict) as early:
        services.book_results(batch=batch, text=text, actor=proposer)
    assert early.value.code == "results_running"
    first, _ = OutboxEvent.objects.filter(topic="payout_results.step").order_by("id")
    run_file_steps([first])
    OutboxEvent.objects.filter(pk=first.pk).update(done_at=timezone.now())
    file.refresh_from_db()
    assert (file.status, file.paid, file.failed, file.percent) == ("running", 1, 1, 66)
    assert of(cat).status == "processing"
    deliver()
    file.refresh_from_db()
    assert (file.status, file.paid, file.failed, file.known) == ("done", 2, 1, 0)
    assert (of(ann).reference, of(ben).reason, of(cat).reference) == ("N-1", "no such account", "N-2")
    assert (money(ann), money(ben), money(cat)) == ((0, 0), (5000, 0), (0, 0))
    assert wallet.contradictions() == []


def test_a_long_file_known_already_changes_nothing(running, proposer, deliver, long_files):
    batch, people = running
    text = results(*((of(one).pk, "paid", "N-1", "") for one in people))
    for _ in range(2):
        file = services.book_results(batch=batch, text=text, actor=proposer).file
        deliver()
    file.refresh_from_db()

    assert (file.status, file.paid, file.failed, file.known, file.refused) == ("done", 0, 0, 3, 0)
    assert file.finished_at is not None
    assert [money(one) for one in people] == [(0, 0)] * 3
    assert wallet.contradictions() == []
    assert services.close_batch(batch=batch, actor=proposer).status == "closed"
    told = AuditEvent.objects.filter(action="payout_batch.results").order_by("id").values_list("after__paid", flat=True)
    assert list(told) == [3, 0]


def test_what_was_decided_otherwise_meanwhile_is_refused_and_counted(running, proposer, deliver, long_files):
    batch, (ann, *others) = running
    text = results(*((of(one).pk, "paid", "N-1", "") for one in (ann, *others)))
    file = services.book_results(batch=batch, text=text, actor=proposer).file
    late = of(ann)
    late.reason = "came back"
    settling.fail([late], actor=SYSTEM)

    deliver()

    file.refresh_from_db()
    assert (file.status, file.paid, file.refused, money(ann)) == ("done", 2, 1, (5000, 0))
    assert wallet.contradictions() == []


def test_a_schedule_proposes_once_on_its_day_and_pays_nothing(site, approver, deliver):
    today = timezone.now().isoweekday()
    make_partner("bank", 5000, **BANK)
    assert services.propose_due() is None
    SiteSettings.objects.update(payout_schedule="weekly", payout_day=today)

    made = services.propose_due()

    assert services.propose_due() is None
    deliver()
    assert (made.created_by_id, made.count, Payout.objects.count()) == (None, 1, 0)
    SiteSettings.objects.update(payout_day=today % 7 + 1)
    assert services.propose_due() is None
    assert approve(made, approver).status == "running"


def test_net_days_leave_young_earnings_for_the_next_batch(site):
    make_partner("bank", 5000, **BANK)
    SiteSettings.objects.update(payout_schedule="weekly", payout_day=timezone.now().isoweekday(), payout_net_days=30)

    assert services.propose_due().count == 0
    assert PayoutBatchItem.objects.get().code == "below_minimum"


def test_with_four_eyes_a_person_looks_at_what_the_machine_proposed_first(site, proposer, approver):
    make_partner("bank", 5000, **BANK)
    SiteSettings.objects.update(four_eyes=True)
    batch = propose(SYSTEM)

    with pytest.raises(Denied) as refused:
        approve(batch, approver)
    looked = services.refresh_batch(batch=batch, actor=proposer)

    assert refused.value.code == "four_eyes"
    assert approve(looked, approver).status == "running"
