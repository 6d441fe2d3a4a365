"""Batches over the API and in the back office: who may, and every refusal with nothing moved."""

import pytest
from django.urls import reverse

from apps.audit.models import AuditEvent
from apps.backoffice.tests.conftest import Office
from apps.payouts.models import Payout, PayoutBatch, PayoutBatchItem, Reconciliation
from apps.payouts.tests.factories import begin, make_partner, push_all
from apps.sites import registry

URL = "/api/v1/admin/payouts/batches"


@pytest.fixture
def partners(site):
    return [make_partner(name, 5000, kind="upi", vpa=f"{name}@upi")[0] for name in ("ann", "ben")]


def test_from_proposing_to_closing(api, proposer, approver, partners, deliver):
    made = api(proposer).post(URL, {"requests": True, "available": True}).json()
    assert (made["status"], made["count"], made["amount"], made["currency"]) == ("proposed", 2, 10_000, "INR")
    assert made["totals"] == [
        {"gateway": "manual", "status": "ready", "code": "", "payout": "", "count": 2, "amount": 10_000}
    ]
    one = f"{URL}/{made['id']}"
    rows = api(approver).get(f"{one}/items").json()["results"]
    assert {(row["user"]["name"], row["amount"], row["method"]["kind"]) for row in rows} == {
        ("Ann", 5000, "upi"), ("Ben", 5000, "upi"),
    }  # fmt: skip
    assert api(proposer).post(f"{one}/approve", {"seen": made["digest"]}).status_code == 403
    assert api(approver).post(f"{one}/approve", {"seen": "x"}).json()["code"] == "batch_changed"

    assert api(approver).post(f"{one}/approve", {"seen": made["digest"]}).json()["status"] == "running"
    deliver()

    assert api(approver).get(one).json()["totals"][0]["payout"] == "processing"
    file = api(proposer).post(f"{one}/bank-file")
    told = b"".join(file.streaming_content).decode("utf-8-sig")
    assert (file["Content-Type"], "ann@upi" in told, "50.00" in told) == ("text/csv; charset=utf-8", True, True)
    ids = list(Payout.objects.values_list("pk", flat=True))
    text = "ref,status,reference,reason\n" + "".join(f"{pk},paid,B-1,\n" for pk in ids)
    wrong = api(proposer).post(f"{one}/results", {"file": text + "x,paid,B,\n"})
    assert (wrong.status_code, wrong.json()["code"], wrong.json()["rows"][0]["row"]) == (400, "result_file", 4)
    assert set(Payout.objects.values_list("status", flat=True)) == {"processing"}
    assert api(proposer).post(f"{one}/results", {"file": text}).json() == {"paid": 2, "failed": 0, "known": 0}
    assert api(proposer).post(f"{one}/close").json()["status"] == "closed"
    actions = (
        AuditEvent.objects.filter(action__startswith="payout_batch.").order_by("id").values_list("action", flat=True)
    )
    assert [name.partition(".")[2] for name in actions] == ["proposed", "approved", "bank_file", "results", "closed"]


def test_who_may_not(api, approver, partners, make_user):
    made = api(approver).post(URL, {"available": True}).json()
    one, clerk = f"{URL}/{made['id']}", make_user("clerk@example.com", roles=["support_agent"])

    for path, body in ((URL, {}), (f"{one}/approve", {"seen": made["digest"]}), (f"{one}/bank-file", {})):
        assert api(clerk).post(path, body).status_code == 403
    assert api(approver).post(f"{one}/bank-file").status_code == 403
    assert api(approver).post(f"{one}/approve", {"seen": made["digest"]}).json()["code"] == "own_batch"
    assert (PayoutBatch.objects.get().status, Payout.objects.count()) == ("proposed", 0)


def test_nothing_to_pay_and_nothing_asked_for(api, proposer):
    assert api(proposer).post(URL, {}).json()["code"] == "nothing_to_pay"
    assert api(proposer).post(URL, {"requests": False}).status_code == 400
    assert PayoutBatch.objects.count() == 0


def test_a_long_file_answers_at_once_and_its_batch_says_how_far(
    api, proposer, approver, partners, deliver, monkeypatch
):
    monkeypatch.setattr("apps.payouts.services.results.AT_ONCE", 1)
    made = api(proposer).post(URL, {"requests": True, "available": True}).json()
    one = f"{URL}/{made['id']}"
    api(approver).post(f"{one}/approve", {"seen": made["digest"]})
    deliver()
    text = "ref,status,reference,reason\n" + "".join(
        f"{pk},paid,B-1,\n" for pk in Payout.objects.values_list("pk", flat=True)
    )

    taken = api(proposer).post(f"{one}/results", {"file": text})

    assert (taken.status_code, taken.json()["status"], taken.json()["rows"]) == (202, "running", 2)
    assert api(proposer).post(f"{one}/results", {"file": text}).json()["code"] == "results_running"
    assert api(proposer).get(one).json()["results"][0] == taken.json()
    desk = Office(proposer, registry.by_code("ALPHA"))
    assert (
        "being booked: 0 of 2 rows"
        in desk.get(reverse("admin:payouts_payoutbatch_change", args=[made["id"]])).content.decode()
    )
    deliver()
    told = api(proposer).get(one).json()["results"][0]
    assert (told["status"], told["paid"], told["known"]) == ("done", 2, 0)


def test_the_office_compares_now_and_shows_what_differs(stripe, proposer, approver, site):
    begin(*make_partner("cat", 5000, kind="stripe_connect", account_id="acct_annann"))
    push_all()
    stripe.server.store.rows("DELETE FROM object WHERE kind = 'transfer'")
    address = reverse("admin:payouts_reconciliation_add")

    assert Office(approver, site).post(address, {"days": 7}).status_code == 403
    assert Office(proposer, site).post(address, {"days": 0}).status_code == 200
    assert Reconciliation.objects.count() == 0
    answer = Office(proposer, site).post(address, {"days": 7})

    row = Reconciliation.objects.get()
    assert (row.count, row.ran_by_id) == (1, proposer.pk)
    assert answer.headers["Location"] == reverse("admin:payouts_reconciliation_change", args=[row.pk])
    assert "missing_there" in Office(proposer, site).get(answer.headers["Location"]).content.decode()


def test_comparing_by_the_api(stripe, api, proposer):
    begin(*make_partner("cat", 5000, kind="stripe_connect", account_id="acct_annann"))
    push_all()
    stripe.server.store.rows("DELETE FROM object WHERE kind = 'transfer'")

    found = api(proposer).post("/api/v1/admin/payouts/reconciliation", {"days": 7})

    assert found.status_code == 201, found.content
    assert (found.json()["count"], found.json()["differences"][0]["kind"]) == (1, "missing_there")
    assert api(proposer).get("/api/v1/admin/payouts/reconciliation").json()["results"][0]["count"] == 1


def test_a_failed_one_is_asked_for_again_by_the_api(stripe, api, proposer):
    payout = begin(*make_partner("cat", 5000, kind="stripe_connect", account_id="acct_closed99"))
    push_all()

    again = api(proposer).post(f"/api/v1/payouts/{payout.pk}/retry")

    assert (again.status_code, again.json()["status"], again.json()["retry_of"]) == (201, "requested", str(payout.pk))
    shown = (
        Office(proposer, registry.by_code("ALPHA")).get(f"/admin/payouts/payout/{payout.pk}/change/").content.decode()
    )
    assert f'/admin/payouts/payout/{again.json()["id"]}/change/">{again.json()["number"]}</a>' in shown
    assert "Ask again for failed ones" not in shown


def test_the_office_shows_a_batch_before_it_is_approved_and_while_it_runs(site, proposer, approver, partners, deliver):
    desk = Office(proposer, site)
    added = desk.post("/admin/payouts/payoutbatch/add/", {"available": "on"})
    batch = PayoutBatch.objects.get()
    assert (added.status_code, batch.created_by_id) == (302, proposer.pk)
    page = f"/admin/payouts/payoutbatch/{batch.pk}/change/"
    assert "2 would be paid" in desk.get(page).content.decode()

    boss = Office(approver, site)
    boss.do("approve", batch, confirmed="yes", **{f"seen-{batch.pk}": batch.digest})
    assert "0 of 2 have been handed on" in desk.get(page).content.decode()
    deliver()

    batch.refresh_from_db()
    assert batch.status == "sent"
    shown = desk.get(page).content.decode()
    assert ("0 of 2 payouts are over" in shown, "data-live" in shown, "The file for the bank" in shown) == (True,) * 3


def test_who_proposed_a_batch_is_told_that_somebody_else_approves_it(site, proposer, approver, partners):
    Office(proposer, site).post("/admin/payouts/payoutbatch/add/", {"available": "on"})
    page = f"/admin/payouts/payoutbatch/{PayoutBatch.objects.get().pk}/change/"

    told = "looks at it here and approves it."
    assert told in Office(proposer, site).get(page).content.decode()
    assert told not in Office(approver, site).get(page).content.decode()


def test_the_office_names_what_failed_first_and_leads_to_each_payout(
    site, api, proposer, approver, partners, deliver, monkeypatch
):
    monkeypatch.setattr("apps.payouts.admin.previews.SHOWN", 1)
    one = f"{URL}/{api(proposer).post(URL, {'available': True}).json()['id']}"
    batch = PayoutBatch.objects.get()
    api(approver).post(f"{one}/approve", {"seen": batch.digest})
    deliver()
    failed = PayoutBatchItem.objects.order_by("id").last().payout
    text = f"ref,status,reference,reason\n{failed.pk},failed,,Account closed\n"
    assert api(proposer).post(f"{one}/results", {"file": text}).json()["failed"] == 1

    shown = Office(proposer, site).get(f"/admin/payouts/payoutbatch/{batch.pk}/change/").content.decode()

    assert f"/admin/payouts/payout/{failed.pk}/change/" in shown
    assert shown.count("/admin/payouts/payout/0") == 1
    assert f'payoutbatchitem/?batch={batch.pk}">1 more</a>' in shown
    for asked, count in ((batch.pk, 2), (failed.pk, 0), ("rubbish", 0)):
        people = Office(proposer, site).get(f"/admin/payouts/payoutbatchitem/?batch={asked}")
        assert (people.status_code, people.context["cl"].result_count) == (200, count)
