"""One search over everything, by what the caller may see."""

from decimal import Decimal

import pytest
from django.test import Client

from apps.audit.services import SYSTEM
from apps.commissions.engine import Kind, Rule
from apps.commissions.models import Commission
from apps.commissions.services import approve_commissions
from apps.commissions.tests.factories import make_order, make_plan
from apps.core.ids import uuid7
from apps.core.tenancy import site_context
from apps.referrals.tests.factories import make_chain

URL = "/admin/search/"


@pytest.fixture
def story(site, deliver):
    make_plan(Rule("*", 1, Kind.PERCENT, Decimal("0.10")))
    ann, ben = make_chain(2)
    order = make_order(ben)
    deliver()
    approve_commissions(ids=list(Commission.objects.values_list("pk", flat=True)), actor=SYSTEM)
    return ann, ben, order


def titles(answer):
    return {found.name: [hit.title for hit in found.hits] for found in answer.context["found"]}


def test_a_person_is_found_by_the_beginning_of_their_address(story, office):
    ann, _, _ = story

    found = titles(office("super_admin").get(URL, {"q": ann.user.email[:-4].upper()}))

    assert found["Members"] == [str(ann.user)]
    assert found["Partners"] == [str(ann.user)]
    assert len(found["Commissions"]) == 1


def test_an_id_finds_its_row_and_what_the_audit_says_of_it(story, office):
    commission = Commission.objects.get()

    found = titles(office("super_admin").get(URL, {"q": f" {commission.pk} "}))

    assert set(found) == {"Commissions", "Audit", "Entries"}


def test_a_role_finds_only_what_its_lists_show(story, office):
    ann, _, order = story

    assert set(titles(office("sales_executive").get(URL, {"q": ann.user.email}))) == {"Members"}
    assert set(titles(office("payout_manager").get(URL, {"q": str(order.pk)}))) == {"Commissions"}


def test_another_sites_rows_are_not_found(office, other_site):
    with site_context(other_site.pk):
        stranger = make_chain(1)[0]

    desk = office("super_admin")
    for term in (stranger.code, stranger.user.email, str(stranger.pk), str(uuid7())):
        answer = desk.get(URL, {"q": term})
        assert titles(answer) == {}
        assert "Nothing fits" in answer.content.decode()


def test_more_than_fit_lead_to_the_list(site, office):
    make_chain(7)
    desk = office("super_admin")

    answer = desk.get(URL, {"q": "person"})

    members = next(found for found in answer.context["found"] if found.name == "Members")
    assert len(members.hits) == 5
    assert members.more == "/admin/accounts/membership/?q=person"
    assert desk.get(members.more).status_code == 200


@pytest.mark.parametrize("term", ["", "   "])
def test_no_term_asks_for_one(office, term):
    answer = office("super_admin").get(URL, {"q": term})

    assert answer.status_code == 200
    assert "What are you looking for?" in answer.content.decode()


def test_the_search_is_for_staff(office):
    assert Client(headers={"host": "alpha.localhost"}).get(URL, {"q": "x"}).status_code == 302
    assert office("affiliate").get(URL, {"q": "x"}).status_code == 200
