"""Every list of the API as a file, generated from the URL conf (R24, W12)."""

import csv
import io
import zipfile

import pytest

from apps.audit.models import AuditEvent
from apps.core.exports import FORMATS
from apps.core.exports import response as made
from apps.core.tenancy import site_context
from apps.orders.models import Order
from tests.api.test_lists import PINNED, url, world  # noqa: F401  (a fixture)
from tests.permissions.scenarios import build_world

# Whole numbers that are no money.
COUNTS = {
    "level", "direct_referrals", "total_team_size", "version", "plan_version", "depth", "hold_days", "number",
    "sub_users", "active_sub_users", "activities", "orders", "quantity", "cycles", "inventory", "position", "cycle", "count",
    "rows_done", "rows_total", "size", "touched", "left", "points", "score", "left_out", "compared", "year",
}  # fmt: skip


def table(answer):
    """{column: value} of each row of a CSV. Of the audit without the event that the export itself is."""
    rows = csv.DictReader(io.StringIO(b"".join(answer.streaming_content).decode(), newline=""))
    return [row for row in rows if row.get("action") != "export.made"]


@pytest.mark.parametrize("path", sorted(PINNED))
def test_a_list_is_a_csv_of_all_its_rows(world, path):  # noqa: F811
    client = world.clients[PINNED[path][0]]
    listed = client.get(url(path), {"limit": 200}).json()["results"]

    answer = client.get(url(path), {"format": "csv", "limit": "1", "cursor": "ignored"})

    assert answer.status_code == 200
    assert answer["Content-Type"] == "text/csv; charset=utf-8"
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert answer["Content-Disposition"].startswith('attachment; filename="ALPHA-')
    rows = table(answer)
    assert [row["id"] for row in rows] == [row["id"] for row in listed]


@pytest.mark.parametrize("path", sorted(PINNED))
def test_amounts_are_in_the_currencys_units_and_every_number_is_known_to_be_one_or_not(world, path):  # noqa: F811
    from tests.api.test_lists import LISTS
    from tests.permissions.routes import api_routes

    assert path in LISTS
    view = next(route.view for route in api_routes() if route.path == f"api/v1/{path}" and route.method == "GET")
    client = world.clients[PINNED[path][0]]
    listed = client.get(url(path), {"limit": 200}).json()["results"]
    rows = table(client.get(url(path), {"format": "csv"}))
    numbers = {name for row in listed for name, value in row.items() if type(value) is int}

    assert numbers - COUNTS <= set(view.exported.money)
    for before, row in zip(listed, rows, strict=True):
        for name in view.exported.money:
            if before[name] is not None:
                assert row[name] == f"{before[name] / 100:.2f}", name
                assert row["currency"] == "INR"


@pytest.mark.parametrize("path", sorted(PINNED))
@pytest.mark.parametrize("file_format", ["xlsx", "pdf"])
def test_a_list_is_a_workbook_and_a_pdf(world, path, file_format):  # noqa: F811
    answer = world.clients[PINNED[path][0]].get(url(path), {"format": file_format})

    content = b"".join(answer.streaming_content)
    assert answer["Content-Type"] == FORMATS[file_format][0]
    if file_format == "pdf":
        assert content.startswith(b"%PDF-")
    else:
        assert zipfile.ZipFile(io.BytesIO(content)).testzip() is None


@pytest.mark.parametrize("path", sorted(PINNED))
def test_an_unknown_format_is_refused(world, path):  # noqa: F811
    answer = world.clients[PINNED[path][0]].get(url(path), {"format": "docx"})

    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (400, "format")
    assert not AuditEvent.objects.filter(action="export.made").exists()


def test_only_lists_know_of_formats(world):  # noqa: F811
    answer = world.clients["boss"].get("/api/v1/admin/stats", {"format": "csv"})

    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (400, "format")


def test_filters_hold_and_a_wrong_one_is_refused(world):  # noqa: F811
    boss = world.clients["boss"]
    paid = boss.get("/api/v1/commissions", {"status": "pending"}).json()["results"]

    rows = table(boss.get("/api/v1/commissions", {"status": "pending", "format": "csv"}))

    assert [row["id"] for row in rows] == [row["id"] for row in paid]
    assert table(boss.get("/api/v1/commissions", {"status": "rejected", "format": "csv"})) == []
    assert boss.get("/api/v1/commissions", {"status": "nonsense", "format": "csv"}).status_code == 400


def test_a_partner_exports_their_own_and_no_more(world):  # noqa: F811
    ann = world.clients["ann"]

    for path in ("commissions", "payouts", "wallet/ledger"):
        own = ann.get(url(path), {"limit": 200}).json()["results"]
        assert [row["id"] for row in table(ann.get(url(path), {"format": "csv"}))] == [row["id"] for row in own]
    assert ann.get("/api/v1/api-keys", {"format": "csv"}).status_code == 403
    assert world.clients["nobody"].get("/api/v1/commissions", {"format": "csv"}).status_code == 401


def test_an_export_is_audited_with_what_was_asked(world):  # noqa: F811
    world.clients["boss"].get("/api/v1/commissions", {"status": "pending", "format": "csv", "limit": 5})
    world.clients["boss"].get("/api/v1/orders", {"format": "pdf"})

    first, second = AuditEvent.objects.filter(action="export.made").order_by("id")
    assert first.after == {"list": "commissions", "filters": {"status": "pending"}, "format": "csv"}
    assert second.after == {"list": "orders", "filters": {}, "format": "pdf", "rows": Order.objects.count()}
    assert first.actor_name == "boss@example.com"


def test_a_pdf_of_too_many_rows_is_refused(world, monkeypatch):  # noqa: F811
    monkeypatch.setattr(made, "MOST_PDF_ROWS", 1)

    answer = world.clients["boss"].get("/api/v1/orders", {"format": "pdf"})

    assert (answer.status_code, answer.json()["code"]) == (409, "export_too_large")
    assert not AuditEvent.objects.filter(action="export.made").exists()


def test_parts_of_an_object_are_columns_of_their_own(world):  # noqa: F811
    row = table(world.clients["boss"].get("/api/v1/payouts", {"format": "csv"}))[0]

    assert row["user_name"] == "Cara" or row["user_id"]
    assert {"user_id", "user_name", "method_id", "method_kind", "method_label"} <= set(row)


def test_a_name_that_is_a_formula_arrives_as_text(world):  # noqa: F811
    from apps.accounts.models import User

    User.objects.filter(email="ben@example.com").update(full_name='=HYPERLINK("http://x")')

    rows = table(world.clients["ann"].get("/api/v1/referrals/tree", {"format": "csv"}))

    assert '\'=HYPERLINK("http://x")' in {row["name"] for row in rows}


@pytest.mark.django_db(transaction=True)
def test_rows_are_read_after_the_request_each_page_in_a_transaction_of_its_own(transactional_alpha, monkeypatch):
    """Over committed rows, as a server sends it: outside of the request's transaction."""
    from django.db import connection

    from apps.core.exports import sheet

    monkeypatch.setattr(sheet, "FIRST_PAGE", 1)
    monkeypatch.setattr(sheet, "PAGE", 1)
    with site_context(transactional_alpha):
        committed = build_world(transactional_alpha)

    answer = committed.clients["boss"].get("/api/v1/commissions", {"format": "csv"})
    chunks = []
    for chunk in answer.streaming_content:
        assert not connection.in_atomic_block
        chunks.append(chunk)

    assert len(chunks) >= 2
    assert len(b"".join(chunks).splitlines()) == 1 + len(
        committed.clients["boss"].get("/api/v1/commissions").json()["results"]
    )
