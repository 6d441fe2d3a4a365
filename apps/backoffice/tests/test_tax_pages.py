"""Tax years in the back office: everybody's, one person's, and both as files."""

import csv
import io

import pytest
import time_machine

from apps.accounts.models import Membership
from apps.audit.models import AuditEvent
from apps.audit.services import SYSTEM
from apps.core.tenancy import site_context
from apps.sites.services import change_settings
from apps.wallet.tests.factories import give_earnings

from .conftest import page_of

LIST = "/admin/tax-summary/"


@pytest.fixture
def years(site, make_user):
    """Years begin in April. Ann earned 100.00 in 2025 and 25.00 in 2026, Ben 5.00 in 2026; it is June of 2026."""
    change_settings(changes={"tax_year_month": 4}, actor=SYSTEM)
    ann, ben = make_user("ann@example.com", full_name="Ann"), make_user("ben@example.com", full_name="Ben")
    for moment, user, amount in (("2026-03-01", ann, 10_000), ("2026-04-02", ann, 2_500), ("2026-04-03", ben, 500)):
        with time_machine.travel(f"{moment} 12:00+00:00", tick=False):
            give_earnings(user, amount)
    with time_machine.travel("2026-06-01 12:00+00:00"):
        yield ann


def body(answer):
    return list(csv.DictReader(io.StringIO(b"".join(answer.streaming_content).decode(), newline="")))


def test_everybody_whose_earnings_moved(years, office):
    desk = office("payout_manager")

    now, before, never = desk.get(LIST), desk.get(LIST, {"year": 2025}), desk.get(LIST, {"year": 2024})

    told = [(person.full_name, told.opening, told.total.earned, told.closing) for person, told in now.context["rows"]]
    assert told == [("Ben", 0, 500, 500), ("Ann", 10_000, 2_500, 12_500)]
    assert [person.full_name for person, _ in before.context["rows"]] == ["Ann"]
    assert "Nobody in this year" in never.content.decode()
    assert "1 April 2026 to 31 March 2027" in now.content.decode()


def test_more_than_a_page_is_leafed_through(years, office, make_user, monkeypatch):
    monkeypatch.setattr("apps.backoffice.money_pages.PAGE", 1)
    desk = office("payout_manager")

    first = desk.get(LIST)
    second = desk.get(LIST, {"year": 2026, first.context["older_field"]: first.context["older"]})

    names = [person.full_name for answer in (first, second) for person, _ in answer.context["rows"]]
    assert names == ["Ben", "Ann"]
    assert (first.context["is_first"], second.context["is_first"], second.context["older"]) == (True, False, None)


def test_one_person_month_by_month(years, office):
    answer = office("payout_manager").get(f"{LIST}{years.pk}/", {"year": 2025})

    told = answer.context["told"]
    assert (told.opening, told.total.credits, told.closing) == (0, 10_000, 10_000)
    assert [row.credits for row in told.months.values()] == [*[0] * 11, 10_000]
    assert "March 2026" in answer.content.decode()


def test_months_to_come_are_not_shown_and_each_says_what_was_left_then(years, office):
    answer = office("payout_manager").get(f"{LIST}{years.pk}/", {"year": 2026})

    told = answer.context["told"]
    assert [(f"{first:%b}", row.earned, balance) for first, row, balance in told.begun] == [
        ("Apr", 2_500, 12_500), ("May", 0, 12_500), ("Jun", 0, 12_500),
    ]  # fmt: skip
    assert "July 2026" not in answer.content.decode()


def test_each_is_a_file_too_and_the_audit_says_who_took_it(years, office):
    desk = office("payout_manager")

    everybody = desk.get(LIST, {"year": 2026, "format": "csv"})
    one = desk.get(f"{LIST}{years.pk}/", {"year": 2026, "format": "csv"})

    assert [row["name"] for row in body(everybody)] == ["Ben", "Ann"]
    last = body(one)[-1]
    assert (last["month"], last["credits"], last["earned"]) == ("total", "25.00", "25.00")
    made = AuditEvent.objects.filter(action="export.made", actor_id=desk.user.pk)
    assert made.count() == 2


@pytest.mark.parametrize("address", ["", "{ann}/"])
@pytest.mark.parametrize("asked", [{"year": "soon"}, {"year": "2190"}, {"year": "soon", "format": "csv"}])
def test_what_is_no_year_is_said_on_the_page(years, office, address, asked):
    answer = office("payout_manager").get(LIST + address.format(ann=years.pk), asked)

    assert (answer.status_code, answer.context["year"].year) == (400, 2026)
    assert "A tax year that has begun, such as 2026." in answer.content.decode()


@pytest.mark.parametrize("file_format", ["exe", ""])
def test_what_is_no_format_is_refused(years, office, file_format):
    answer = office("payout_manager").get(LIST, {"format": file_format})

    assert answer.status_code == 400
    assert not AuditEvent.objects.filter(action="export.made").exists()


def test_other_people_see_neither_the_pages_nor_their_link(years, office):
    desk, reader = office("support_manager"), office("payout_manager")

    assert [desk.get(url).status_code for url in (LIST, f"{LIST}{years.pk}/")] == [403, 403]
    assert desk.get(f"{LIST}{years.pk}/", {"format": "csv"}).status_code == 403
    assert LIST not in desk.get("/admin/").content.decode()
    assert LIST in reader.get("/admin/").content.decode()
    assert not AuditEvent.objects.filter(action="export.made").exists()


def test_the_page_of_a_person_leads_to_their_years(years, office):
    membership = Membership.objects.get(user=years)
    link = f'href="{LIST}{years.pk}/"'

    assert link in office("super_admin").get(page_of(membership)).content.decode()
    assert link not in office("support_manager").get(page_of(membership)).content.decode()


def test_people_of_another_site_are_not_here(years, office, other_site, make_user):
    with site_context(other_site.pk):
        stranger = make_user("stranger@example.com")
        give_earnings(stranger, 700)

    desk = office("payout_manager")

    assert desk.get(f"{LIST}{stranger.pk}/").status_code == 404
    assert "stranger@example.com" not in desk.get(LIST).content.decode()
