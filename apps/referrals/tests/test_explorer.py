"""Staff walk the whole tree: a branch at a time, by search, and only those who may see it (T7)."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from apps.backoffice.tests.conftest import office  # noqa: F401
from apps.core.tenancy import site_context
from apps.referrals.tests.factories import make_chain, make_partner

TREE = "/admin/referrals/partner/tree/"


@pytest.fixture
def desk(office):  # noqa: F811
    return office("affiliate_manager")


def names(answer):
    return [row.name for row in answer.context["branch"].rows]


def test_it_begins_with_those_without_a_sponsor(site, desk):
    top, middle, _ = make_chain(3)
    other = make_partner()

    answer = desk.get(TREE)

    assert names(answer) == [str(top.user), str(other.user)]
    assert [(level.level, level.people, level.width) for level in answer.context["levels"]] == [
        (1, 2, "100.0%"), (2, 1, "50.0%"), (3, 1, "50.0%"),
    ]  # fmt: skip
    branch = desk.get(reverse("admin:referrals_partner_branch", args=[top.pk]))
    assert names(branch) == [str(middle.user)]


def test_one_person_with_those_above_and_below(site, desk):
    top, middle, bottom = make_chain(3)

    answer = desk.get(TREE, {"root": str(middle.pk)})

    assert [step.pk for step in answer.context["above"]] == [top.pk]
    assert names(answer) == [str(bottom.user)]
    assert [(level.level, level.people) for level in answer.context["levels"]] == [(1, 1)]


def test_a_code_or_an_address_leads_to_its_person(site, desk):
    top, middle, _ = make_chain(3)

    assert desk.get(TREE, {"q": middle.code.lower()}).context["top"] == middle
    assert desk.get(TREE, {"q": top.user.email.upper()}).context["top"] == top
    several = desk.get(TREE, {"q": "person"})
    assert len(several.context["found"]) == 3
    assert "Nobody’s code" in desk.get(TREE, {"q": "zzz"}).content.decode()


def test_a_wide_branch_is_read_in_pages(site, desk, monkeypatch):
    monkeypatch.setattr("apps.referrals.explorer.SHOWN", 2)
    top = make_partner()
    below = [make_partner(sponsor=top) for _ in range(5)]

    first = desk.get(TREE, {"root": str(top.pk)})
    second = desk.get(TREE, {"root": str(top.pk), "after": str(first.context["branch"].more)})
    third = desk.get(TREE, {"root": str(top.pk), "after": str(second.context["branch"].more)})

    assert [*names(first), *names(second), *names(third)] == [str(person.user) for person in below]
    assert third.context["branch"].more is None


def test_what_is_no_partner_of_the_site_is_not_found(site, desk, other_site):
    with site_context(other_site.pk):
        stranger = make_partner()

    for wrong in (str(stranger.pk), "nobody"):
        assert desk.get(TREE, {"root": wrong}).status_code == 404
        assert desk.get(TREE, {"after": wrong}).status_code == 404
    assert desk.get(reverse("admin:referrals_partner_branch", args=[stranger.pk])).status_code == 404


def test_only_who_may_see_partners(site, office):  # noqa: F811
    top = make_partner()
    closed = office("payout_manager")

    assert closed.get(TREE).status_code == 403
    assert closed.get(reverse("admin:referrals_partner_branch", args=[top.pk])).status_code == 403


def test_a_page_takes_as_many_queries_for_many_as_for_few(site, desk, steady_sites):
    top = make_partner()
    make_partner(sponsor=top)
    desk.get(TREE)
    with CaptureQueriesContext(connection) as few:
        desk.get(TREE, {"root": str(top.pk)})
    for _ in range(5):
        make_partner(sponsor=make_partner(sponsor=top))
    with CaptureQueriesContext(connection) as many:
        desk.get(TREE, {"root": str(top.pk)})

    assert len(few) == len(many)
