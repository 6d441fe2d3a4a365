"""Links, their QR codes, and what came of them."""

import pytest

from apps.catalogue import shelf
from apps.commissions.tests.factories import make_order
from apps.referrals.models import CampaignLink, Conversion
from apps.referrals.services import create_link

pytestmark = pytest.mark.django_db


def test_a_named_link_is_made_once(signed_in, ann):
    client = signed_in(ann)

    first = client.post("/dashboard/links", {"name": "Newsletter"})
    second = client.post("/dashboard/links", {"name": "Newsletter"})

    assert (first.status_code, second.status_code) == (302, 409)
    assert "You have a link with this name." in second.content.decode()
    assert CampaignLink.objects.filter(partner=ann.partner).count() == 1


def test_it_needs_a_name(signed_in, ann):
    response = signed_in(ann).post("/dashboard/links", {"name": "  "})

    assert response.status_code == 400
    assert "This field is required." in response.content.decode()
    assert not CampaignLink.objects.exists()


def test_clicks_signups_and_buyers_add_up(signed_in, at, ann, site, plan, deliver):
    link = create_link(partner=ann.partner, name="Newsletter")
    for token in (ann.partner.code, link.slug, link.slug):
        visitor = at()
        address = visitor.get(f"/r/{token}").headers["Location"]
        assert address.startswith("/join?")
    visitor.post("/join", {"email": "new@example.com", "password": "a-long-password-1", "full_name": "New Person"})
    conversion = Conversion.objects.get()
    from apps.referrals.models import Partner

    make_order(Partner.objects.get(pk=conversion.subject_id), ("server", 1000))
    deliver()

    table = signed_in(ann).get("/dashboard/links").context["table"]

    assert (table.total.clicks, table.total.signups, table.total.buyers) == (3, 1, 1)
    assert (table.main.clicks, table.main.signups, table.main.buyers) == (1, 0, 0)
    assert [(row.name, row.clicks, row.signups, row.buyers) for row in table.named] == [("Newsletter", 2, 1, 1)]


def test_a_link_switched_off_leads_nowhere_until_it_is_on_again(signed_in, at, ann):
    link = create_link(partner=ann.partner, name="Newsletter")
    client = signed_in(ann)

    client.post(f"/dashboard/links/{link.pk}")
    assert at().get(f"/r/{link.slug}").status_code == 404
    client.post(f"/dashboard/links/{link.pk}")
    assert at().get(f"/r/{link.slug}").status_code == 302


def test_other_people_s_links_are_not_mine_to_switch_or_print(signed_in, ann, stranger):
    link = create_link(partner=stranger.partner, name="Theirs")
    client = signed_in(ann)

    assert client.post(f"/dashboard/links/{link.pk}").status_code == 404
    assert client.get(f"/dashboard/links/{link.slug}.svg").status_code == 404
    link.refresh_from_db()
    assert link.is_active


def test_the_qr_code_is_a_file_without_style(signed_in, ann):
    response = signed_in(ann).get(f"/dashboard/links/{ann.partner.code}.svg?download")

    assert response.headers["Content-Type"] == "image/svg+xml"
    assert ann.partner.code in response.headers["Content-Disposition"]
    assert b"<svg" in response.content
    assert b"style" not in response.content


def test_queries_do_not_grow_with_the_links(signed_in, ann, nested, django_assert_num_queries):
    client = signed_in(ann)
    for number in range(5):
        create_link(partner=ann.partner, name=f"Link {number}")

    # Session, caller, partner, clicks, signups, links, buyers, settings.
    shelf.products()  # warm, as it mostly is
    with django_assert_num_queries(nested + 9):
        client.get("/dashboard/links")
