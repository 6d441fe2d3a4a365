"""Everything that fits a list, decided by a job with progress: exactly those rows, once, by what the asker may at that moment."""

from decimal import Decimal

import pytest
from django.contrib import admin

from apps.accounts.models import User
from apps.audit.models import AuditEvent
from apps.audit.services import SYSTEM
from apps.backoffice import jobs
from apps.backoffice.models import BulkJob
from apps.commissions.engine import Kind, Rule
from apps.commissions.models import Commission
from apps.commissions.tests.factories import make_order, make_plan, set_status
from apps.core import outbox
from apps.core.errors import Conflict
from apps.core.models import OutboxEvent
from apps.rbac.models import UserRole
from apps.referrals.tests.factories import make_chain
from apps.wallet.selectors import contradictions

from .conftest import listing, page_of

PENDING = listing(Commission) + "?status__exact=pending"


@pytest.fixture(autouse=True)
def _small_steps(monkeypatch):
    """Three rows a step, as if a page held two."""
    monkeypatch.setattr("apps.core.backoffice.bulk.AT_ONCE", 3)
    monkeypatch.setattr(jobs, "AT_ONCE", 3)


@pytest.fixture
def pending(site, deliver):
    """Eight commissions to approve."""
    make_plan(Rule("*", 1, Kind.PERCENT, Decimal("0.10")))
    chain = make_chain(2)
    for _ in range(8):
        make_order(chain[1])
    deliver()
    return chain


def ask(desk, url=PENDING, action="approve", **data):
    return desk.post(url, {"action": action, "index": "0", "select_across": "1", "note": "", **data})


def step(site):
    """One step, as the worker takes it. False when there is none."""
    return outbox.drain(site.pk, "backoffice", limit=1) == 1


def test_all_that_fit_are_approved_in_steps_that_can_be_watched(site, pending, office, deliver):
    desk = office("affiliate_manager")

    answer = ask(desk)

    job = BulkJob.objects.get()
    assert answer["Location"] == page_of(job)
    assert (job.total, job.seen, job.status) == (8, 0, "running")
    assert step(site)
    assert step(site)
    job.refresh_from_db()
    assert (job.seen, job.done, job.percent) == (6, 6, 75)
    assert "6 of 8 rows, 75 %" in desk.get(page_of(job)).content.decode()
    deliver()
    job.refresh_from_db()
    assert (job.status, job.seen, job.done, job.refused, job.percent) == ("done", 8, 8, 0, 100)
    assert set(Commission.objects.values_list("status", flat=True)) == {"approved"}
    assert contradictions() == []
    acts = AuditEvent.objects.filter(action__startswith="bulk.").order_by("id").values_list("action", "actor_name")
    assert list(acts) == [("bulk.started", desk.user.email), ("bulk.finished", desk.user.email)]
    assert AuditEvent.objects.filter(action="commission.approved", actor_name=desk.user.email).count() == 8


def test_what_is_refused_is_counted_by_reason(site, pending, office, deliver):
    desk = office("affiliate_manager")
    make_order(make_chain(2, sponsor=pending[1])[1])
    deliver()
    ask(desk)
    set_status(pending[0], "frozen")

    deliver()

    job = BulkJob.objects.get()
    assert (job.total, job.done, job.refused) == (9, 1, 8)
    assert job.reasons == {"the partner is frozen": 8}
    assert Commission.objects.filter(status="pending").count() == 8


def test_rows_that_came_later_are_left_alone(site, pending, office, deliver):
    ask(office("affiliate_manager"))
    make_order(pending[1])
    while outbox.drain(site.pk, "commissions"):
        pass

    deliver()

    assert Commission.objects.filter(status="pending").count() == 1
    assert BulkJob.objects.get().done == 8


def test_the_filters_of_the_list_are_those_of_the_job(site, pending, office, deliver):
    first = Commission.objects.order_by("id").first()
    desk = office("affiliate_manager")

    ask(desk, f"{PENDING}&q={first.order_id}")
    assert not BulkJob.objects.exists()  # one row fits: a request carries it
    ask(desk, f"{PENDING}&q={pending[0].code}&p=1&o=1", action="reject", note="household")
    deliver()

    assert BulkJob.objects.get().query == f"status__exact=pending&q={pending[0].code}"
    assert Commission.objects.filter(status="rejected", rejected_reason="household").count() == 7
    assert Commission.objects.get(status="approved") == first


@pytest.mark.parametrize("box", ["on", "true", "True"])
def test_all_is_all_however_the_box_is_said(site, pending, office, box):
    office("affiliate_manager").post(PENDING, {"action": "approve", "index": "0", "select_across": box, "note": ""})

    assert BulkJob.objects.get().total == 8
    assert Commission.objects.filter(status="pending").count() == 8


def test_without_a_reason_nothing_is_begun(site, pending, office):
    desk = office("affiliate_manager")

    ask(desk, action="reject")

    assert desk.said == ["Say why: write the reason beside the action."]
    assert not BulkJob.objects.exists()
    assert not OutboxEvent.objects.filter(topic=jobs.TOPIC).exists()


def test_who_loses_the_right_on_the_way_decides_nothing_more(site, pending, office, deliver):
    desk = office("affiliate_manager")
    ask(desk)
    step(site)
    UserRole.objects.filter(user=desk.user).delete()

    deliver()

    job = BulkJob.objects.get()
    assert (job.status, job.done) == ("stopped", 3)
    assert "may no longer" in job.ended_because
    assert Commission.objects.filter(status="pending").count() == 5


def test_a_job_is_stopped_once(site, pending, office, deliver):
    desk = office("affiliate_manager")
    ask(desk)
    step(site)
    job = BulkJob.objects.get()

    desk.do("stop", job)
    deliver()

    job.refresh_from_db()
    assert desk.said == ["1 job stopped."]
    assert (job.status, job.done) == ("stopped", 3)
    assert Commission.objects.filter(status="pending").count() == 5
    with pytest.raises(Conflict):
        jobs.stop_job(job=job, actor=SYSTEM)


def test_who_could_not_ask_for_it_does_not_stop_it(site, pending, office, deliver):
    ask(office("affiliate_manager"))
    other = office("support_manager")

    other.do("stop", BulkJob.objects.get())
    deliver()

    assert "Only who asked for it" in other.said[0]
    assert (BulkJob.objects.get().status, BulkJob.objects.get().done) == ("done", 8)


def test_a_step_that_is_delivered_twice_decides_once(site, pending, office, deliver):
    ask(office("affiliate_manager"))
    job = BulkJob.objects.get()
    step(site)

    jobs.run_step(job.pk, 0)
    deliver()

    job.refresh_from_db()
    assert (job.status, job.done, job.seen) == ("done", 8, 8)


def test_a_step_that_fails_leaves_nothing_and_is_repeated(site, pending, office, deliver, monkeypatch):
    ask(office("affiliate_manager"))
    screen = type(admin.site.get_model_admin(Commission))
    decide = screen.approve.decide

    def broken(*args):
        decide(*args)
        raise RuntimeError("the power went")

    monkeypatch.setattr(screen.approve, "decide", broken)
    step(site)
    assert (BulkJob.objects.get().seen, Commission.objects.filter(status="pending").count()) == (0, 8)
    monkeypatch.setattr(screen.approve, "decide", decide)
    OutboxEvent.objects.filter(topic=jobs.TOPIC).update(next_at="2026-01-01T00:00Z", last_error="")

    deliver()

    assert BulkJob.objects.get().done == 8
    assert contradictions() == []


def test_who_may_not_approve_begins_no_job(site, pending, office):
    desk = office("sales_executive")

    assert ask(desk).status_code in (302, 403)
    assert not BulkJob.objects.exists()
    assert Commission.objects.filter(status="pending").count() == 8


def test_a_search_that_fits_too_many_people_says_so_and_begins_no_job(site, pending, office, monkeypatch):
    make_chain(2)
    people = User.objects.members().filter(email__startswith="person").count()
    monkeypatch.setattr(
        "apps.core.backoffice.lists.FOUND_UP_TO", people - 1
    )  # whoever is left out, the others have rows
    desk = office("affiliate_manager")

    page = desk.get(f"{PENDING}&q=person").content.decode()
    ask(desk, f"{PENDING}&q=person")

    assert "Write more of it." in page
    assert "too many people" in desk.said[0]
    assert not BulkJob.objects.exists()
    assert Commission.objects.filter(status="pending").count() == 8
