"""W3: an act costs money and leaves a file, both exactly once, or neither."""

from datetime import timedelta
from io import BytesIO
from zipfile import ZipFile

import pytest
from django.utils import timezone

from apps.activities import reports, selectors, services
from apps.activities.models import Activity, ActivityFile
from apps.activities.services import running
from apps.activities.tests.factories import PDF, give_funds, make_form, offer
from apps.audit.models import AuditEvent
from apps.core.errors import Conflict, Invalid
from apps.wallet.models import Entry
from apps.wallet.selectors import contradictions, wallet_summary
from apps.wallet.tests.factories import give_earnings

URL = "/api/v1/activities"


def funds(user):
    return wallet_summary(user.pk).funds


@pytest.fixture
def ann(make_user):
    user = make_user("ann@example.com", full_name="Ann")
    offer()
    give_funds(user, 2500)
    return user


def test_a_member_runs_a_report_and_downloads_a_form(api, ann):
    form, client = make_form(), api(ann)
    types = client.get("/api/v1/activity-types").json()["results"]
    assert [(row["type"], row["cost"], row["currency"]) for row in types] == [
        ("report_generation", 1000, "INR"), ("form_download", 500, "INR"),
    ]  # fmt: skip

    report = client.post(URL, {"type": "report_generation", "params": {"report": "ledger", "format": "xlsx"}})
    download = client.post(URL, {"type": "form_download", "params": {"form": str(form.pk)}})

    assert (report.status_code, download.status_code) == (201, 201)
    assert (report.json()["status"], report.json()["cost"], report.json()["rows_total"]) == ("completed", 1000, 1)
    book = client.get(report.json()["file_url"])
    assert book.status_code == 200
    assert b"deposit" in b"".join(
        ZipFile(BytesIO(book.content)).read(n) for n in ZipFile(BytesIO(book.content)).namelist()
    )
    paper = client.get(download.json()["file_url"])
    assert paper.content == PDF
    assert paper["Content-Type"] == "application/pdf"
    assert paper["Content-Disposition"] == 'attachment; filename="leave.pdf"'
    assert (paper["X-Content-Type-Options"], paper["Cache-Control"]) == ("nosniff", "private, no-store")
    assert funds(ann) == 1000
    assert [row["type"] for row in client.get(URL).json()["results"]] == ["form_download", "report_generation"]
    ledger = client.get("/api/v1/wallet/ledger?kind=activity").json()["results"]
    assert [row["amount"] for row in ledger] == [-500, -1000]
    assert contradictions() == []


@pytest.mark.parametrize("kind", ["activities", "commissions", "downline", "ledger", "orders"])
@pytest.mark.parametrize("file_format", ["pdf", "xlsx"])
def test_every_kind_of_report_is_a_real_file(api, ann, kind, file_format):
    body = {"type": "report_generation", "params": {"report": kind, "format": file_format, "date_from": "2020-01-01"}}
    made = api(ann).post(URL, body).json()

    content = api(ann).get(made["file_url"]).content

    assert content.startswith(b"%PDF-" if file_format == "pdf" else b"PK")


def test_without_params_it_is_the_ledger_as_pdf(api, ann):
    made = api(ann).post(URL, {"type": "report_generation"}).json()

    assert made["params"] == {"report": "ledger", "format": "pdf"}
    assert api(ann).get(made["file_url"]).content.startswith(b"%PDF-")


def nothing_moved(user, balance):
    assert funds(user) == balance
    assert not Activity.objects.exists()
    assert not ActivityFile.objects.exists()
    assert not Entry.objects.filter(kind="activity").exists()
    return True


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"type": "dance"}, 400, "invalid"), ({}, 400, "invalid"),
        ({"type": "report_generation", "params": {"report": "secrets"}}, 400, "invalid"),
        ({"type": "report_generation", "params": {"report": ["x"]}}, 400, "invalid"),
        ({"type": "report_generation", "params": {"format": "exe"}}, 400, "invalid"),
        ({"type": "report_generation", "params": {"date_from": "yesterday"}}, 400, "invalid"),
        ({"type": "report_generation", "params": {"user_id": "x"}}, 400, "invalid"),
        ({"type": "form_download", "params": {"form": "7"}}, 400, "form_unknown"),
        ({"type": "form_download"}, 409, "activity_unavailable"),
    ],
)  # fmt: skip
def test_what_cant_be_made_is_refused(api, ann, body, status, code):
    answer = api(ann).post(URL, body)

    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert nothing_moved(ann, 2500)


def test_a_short_balance_makes_nothing(api, ann):
    services.set_type(key="report_generation", cost=2501, is_active=True, actor=ann)

    answer = api(ann).post(URL, {"type": "report_generation"})

    assert (answer.status_code, answer.json()["code"]) == (409, "insufficient_funds")
    assert nothing_moved(ann, 2500)


def test_earnings_pay_nothing(api, make_user):
    offer()
    ben = make_user()
    give_earnings(ben, 5000)

    assert api(ben).post(URL, {"type": "report_generation"}).json()["code"] == "insufficient_funds"
    assert nothing_moved(ben, 0)


def test_what_is_not_offered_is_not_done(api, ann):
    services.set_type(key="report_generation", cost=1, is_active=False, actor=ann)

    assert api(ann).post(URL, {"type": "report_generation"}).json()["code"] == "activity_unavailable"
    assert nothing_moved(ann, 2500)
    assert AuditEvent.objects.filter(action="activity_type.changed").count() == 3


def test_what_is_free_moves_no_money(api, ann):
    offer(report=0)

    assert api(ann).post(URL, {"type": "report_generation"}).json()["status"] == "completed"
    assert funds(ann) == 2500
    assert not Entry.objects.filter(kind="activity").exists()


def test_a_file_that_cant_be_made_costs_nothing(api, ann, monkeypatch):
    def broken(user):
        raise RuntimeError("no")

    monkeypatch.setitem(reports._kinds, "ledger", "apps.activities.tests.test_activities.broken_report")
    client = api(ann)
    client.raise_request_exception = False

    assert client.post(URL, {"type": "report_generation"}).status_code == 500
    assert nothing_moved(ann, 2500)


def broken_report(user):
    raise RuntimeError("no")


def test_nobody_elses_activity_or_file_is_there(api, ann, make_user):
    made = api(ann).post(URL, {"type": "report_generation"}).json()

    for other in (make_user("ben@example.com"), make_user("boss@example.com", roles=["super_admin"])):
        assert api(other).get(f"{URL}/{made['id']}").status_code == 404
        assert api(other).get(made["file_url"]).status_code == 404
        assert api(other).get(URL).json()["results"] == []


def test_a_file_is_kept_for_a_while(api, ann, settings):
    made = api(ann).post(URL, {"type": "report_generation"}).json()
    assert services.forget_files() == 0

    settings.UPLINE_FILE_DAYS = 0
    assert services.forget_files() == 1

    gone = api(ann).get(made["file_url"])
    assert (gone.status_code, gone.json()["code"]) == (404, "file_expired")
    assert api(ann).get(f"{URL}/{made['id']}").status_code == 200


def test_figures_by_day_month_and_year(api, ann):
    api(ann).post(URL, {"type": "report_generation"})
    make_form()
    api(ann).post(URL, {"type": "form_download"})

    for period, rows in (("day", 30), ("month", 12), ("year", 5)):
        told = api(ann).get(f"{URL}/stats?period={period}").json()
        assert told["total"] == {"count": 2, "amount": 1500}
        assert told["by_type"] == {
            "report_generation": {"count": 1, "amount": 1000},
            "form_download": {"count": 1, "amount": 500},
        }
        assert told["by_user"] == [{"id": str(ann.pk), "name": "Ann", "count": 2, "amount": 1500}]
        assert (len(told["series"]), told["series"][-1]["amount"]) == (rows, 1500)
    assert api(ann).get(f"{URL}/stats?from=2020-01-01&to=2020-01-31").json()["total"] == {"count": 0, "amount": 0}
    for query in ("period=week", "from=2020-01-01", "from=2026-02-01&to=2026-01-01", "from=x", "day=1"):
        assert api(ann).get(f"{URL}/stats?{query}").status_code == 400


# --- long reports ---


@pytest.fixture
def long_report(ann, monkeypatch):
    """More rows than are made at once."""
    monkeypatch.setattr(running, "AT_ONCE", 3)
    for _ in range(5):
        give_earnings(ann, 10)
    return {"type": "report_generation", "params": {"report": "ledger", "format": "xlsx"}}


def test_a_long_report_is_made_in_the_background(api, ann, site, long_report):
    client = api(ann)
    made = client.post(URL, long_report).json()
    assert (made["status"], made["rows_total"], funds(ann)) == ("running", 4, 1500)
    waiting = client.get(made["file_url"])
    assert (waiting.status_code, waiting.json()) == (202, {"status": "running", "rows_done": 0, "rows_total": 4})

    assert services.finish(site_id=site.pk, activity_id=made["id"]) == "completed"
    assert services.finish(site_id=site.pk, activity_id=made["id"]) == ""

    assert client.get(made["file_url"]).content.startswith(b"PK")
    assert (client.get(f"{URL}/{made['id']}").json()["status"], funds(ann)) == ("completed", 1500)


def test_what_the_background_cant_make_is_refunded_once(api, ann, site, long_report, monkeypatch):
    made = api(ann).post(URL, long_report).json()
    monkeypatch.setitem(reports._kinds, "ledger", "apps.activities.tests.test_activities.unreadable_report")

    told = [services.finish(site_id=site.pk, activity_id=made["id"]) for _ in range(5)]

    assert told == ["running", "running", "failed", "", ""]
    assert funds(ann) == 2500
    answer = api(ann).get(made["file_url"]) if made["file_url"] else None
    assert (answer.status_code, answer.json()["code"]) == (409, "activity_failed")
    assert selectors.spent(Activity.objects.all()) == 0
    assert contradictions() == []


def unreadable_report(user):
    from apps.activities.own import ledger

    found = ledger(user)
    return reports.OwnReport(found.title, found.columns, found.rows, lambda row: 1 / 0)


def test_a_worker_at_work_is_left_alone_and_a_dead_one_is_followed(ann, site, long_report):
    made = services.run_activity(user=ann, type=long_report["type"], params=long_report["params"])
    Activity.objects.update(claimed_until=timezone.now() + timedelta(minutes=1), tries=1)
    assert services.finish(site_id=site.pk, activity_id=made.pk) == ""

    Activity.objects.update(claimed_until=timezone.now() - timedelta(seconds=1))

    assert services.finish(site_id=site.pk, activity_id=made.pk) == "completed"


def test_a_long_pdf_is_refused(ann, long_report):
    before = funds(ann)
    with pytest.raises(Conflict) as refused:
        services.run_activity(user=ann, type="report_generation", params={"format": "pdf"})

    assert refused.value.code == "export_too_large"
    assert funds(ann) == before


# --- forms ---


@pytest.mark.parametrize(
    ("filename", "content"),
    [
        ("virus.exe", b"MZ"), ("page.html", b"<script>"), ("a.pdf", b"<script>alert(1)</script>"), ("a.docx", b"%PDF-"),
        ("empty.pdf", b""), ("big.pdf", b"%PDF-" + b"x" * (5 * 1024 * 1024)), ("pdf", b"%PDF-"),
    ],
)  # fmt: skip
def test_only_documents_become_forms(site, filename, content):
    with pytest.raises(Invalid):
        make_form(filename=filename, content=content)


def test_a_filename_is_plain(site):
    assert make_form(filename='../../et"c\r\nX-Evil: 1/Löhne 2026.PDF').filename == "L-hne-2026.pdf"


def test_a_withdrawn_form_stays_with_who_downloaded_it(api, ann):
    form = make_form()
    made = api(ann).post(URL, {"type": "form_download"}).json()

    services.set_form_active(form=form, is_active=False, actor=ann)

    assert (
        api(ann).post(URL, {"type": "form_download", "params": {"form": str(form.pk)}}).json()["code"] == "form_unknown"
    )
    assert api(ann).get("/api/v1/activity-forms").json()["results"] == []
    assert api(ann).get(made["file_url"]).content == PDF
