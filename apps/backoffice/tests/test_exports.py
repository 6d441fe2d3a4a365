"""Every list of the back office as a file: its columns, filters and search (R24, W12)."""

import csv
import io
from decimal import Decimal

import pytest
from django.contrib import admin
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from apps.audit.models import AuditEvent
from apps.audit.services import SYSTEM, record
from apps.commissions.models import Commission
from apps.core.exports import response as made
from apps.core.exports.sheet import FIRST_PAGE
from apps.core.ids import uuid7
from apps.core.models import OutboxEvent
from apps.payouts.models import Payout
from apps.referrals.models import Partner

from .conftest import listing, our_models
from .test_lists import one_more


def file_of(model):
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_export")


def content(answer):
    assert answer.status_code == 200, answer.get("Location")
    return b"".join(answer.streaming_content)


def rows(answer):
    return list(csv.DictReader(io.StringIO(content(answer).decode(), newline="")))


@pytest.mark.parametrize("file_format", ["csv", "xlsx", "pdf"])
def test_every_list_is_a_file(site, office, deliver, file_format):
    desk = office("super_admin")
    one_more(site, deliver, 1)
    for model in our_models():
        answer = desk.get(file_of(model), {"format": file_format})
        body = content(answer)
        assert body, model._meta.label
        assert answer["Content-Disposition"].startswith('attachment; filename="ALPHA-')
        assert answer["X-Content-Type-Options"] == "nosniff"
        if file_format == "csv":
            screen = admin.site._registry[model]
            expected = screen.get_queryset(answer.wsgi_request).count()
            assert len(list(csv.reader(io.StringIO(body.decode(), newline="")))) - 1 >= min(expected, 1), (
                model._meta.label
            )
    assert AuditEvent.objects.filter(action="export.made").count() == len(our_models())


def test_a_file_costs_the_same_with_one_row_and_with_four(site, office, deliver, steady_sites):
    desk = office("super_admin")
    one_more(site, deliver, 1)
    for _ in range(FIRST_PAGE):  # a file of more than its first page takes another query, which five more would make it
        record(actor=SYSTEM, action="list.tested")
        OutboxEvent.objects.create(
            topic="list.tested", consumer="test", key=str(uuid7()), payload={}, done_at=timezone.now()
        )

    def costs():
        found = {}
        for model in our_models():
            desk.get(file_of(model), {"format": "csv"})
            with CaptureQueriesContext(connection) as queries:
                content(desk.get(file_of(model), {"format": "csv"}))
            found[model._meta.label] = len(queries)
        return found

    before = costs()
    for number in range(2, 5):
        one_more(site, deliver, number)

    after = costs()
    assert {label: (before[label], after[label]) for label in after if before[label] != after[label]} == {}


def test_filters_and_search_hold_and_money_is_a_number(site, office, deliver):
    desk = office("affiliate_manager")
    one_more(site, deliver, 1)
    some = Commission.objects.filter(status="approved")

    found = rows(desk.get(file_of(Commission), {"format": "csv", "status__exact": "approved", "p": "7", "o": "2"}))

    assert {row["id"] for row in found} == {str(row.pk) for row in some}
    amounts = {str(row.pk): Decimal(row.amount) / 100 for row in some}
    assert {row["id"]: Decimal(row["amount"]) for row in found} == amounts
    assert {row["currency"] for row in found} == {"INR"}
    assert {row["status"] for row in found} == {"Approved"}
    code = Partner.objects.exclude(code="").first().code
    assert [code in row["partner"] for row in rows(desk.get(file_of(Partner), {"format": "csv", "q": code}))] == [True]


def test_the_menu_keeps_what_the_list_is_filtered_by(site, office, deliver):
    desk = office("affiliate_manager")
    one_more(site, deliver, 1)

    page = desk.get(listing(Payout), {"status__exact": "requested", "p": "1"}).content.decode()

    assert f'href="{file_of(Payout)}?status__exact=requested&amp;format=csv"' in page


def test_who_may_not_see_a_list_gets_no_file_of_it(site, office, deliver):
    one_more(site, deliver, 1)
    desk = office("support_agent")

    assert desk.get(file_of(Payout), {"format": "csv"}).status_code == 403
    assert not AuditEvent.objects.filter(action="export.made").exists()


@pytest.mark.parametrize(
    ("query", "said"), [({"format": "docx"}, "ormat is one of"), ({"format": "pdf"}, "A PDF holds")]
)
def test_a_refusal_leads_back_to_the_list_and_says_why(site, office, deliver, monkeypatch, query, said):
    monkeypatch.setattr(made, "MOST_PDF_ROWS", 0)
    desk = office("super_admin")
    one_more(site, deliver, 1)

    answer = desk.client.get(file_of(Commission), {**query, "status__exact": "approved"}, follow=True)

    assert answer.redirect_chain == [(f"{listing(Commission)}?status__exact=approved", 302)]
    assert said in answer.content.decode()
    assert not AuditEvent.objects.filter(action="export.made").exists()


@pytest.mark.parametrize("query", [{"colour": "blue"}, {"level__exact": "high"}, {"earned_at__gte": "soon"}])
def test_a_filter_that_the_list_does_not_have_makes_no_file(site, office, deliver, query):
    desk = office("super_admin")
    one_more(site, deliver, 1)

    answer = desk.client.get(file_of(Commission), {**query, "format": "csv"}, follow=True)

    assert answer.status_code == 200
    assert "no such filter" in answer.content.decode()
    assert not AuditEvent.objects.filter(action="export.made").exists()


def test_the_audit_says_what_was_taken(site, office, deliver):
    desk = office("super_admin")
    one_more(site, deliver, 1)

    content(desk.get(file_of(Payout), {"format": "pdf", "q": "a"}))

    event = AuditEvent.objects.get(action="export.made")
    assert event.after == {"list": "payouts.payout", "filters": {"q": "a"}, "format": "pdf", "rows": 0}
    assert event.actor_name == "super_admin@example.com"
