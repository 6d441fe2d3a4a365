"""Reviews in the back office: the queue, a review with its score, and deciding about it."""

import pytest
from django.urls import reverse

from apps.backoffice.tests.conftest import Office, page_of
from apps.fraud.models import FraudSettings, Freeze, Review, Signal
from apps.fraud.tests.test_reviews import notice
from apps.referrals.models import Partner
from apps.referrals.tests.factories import make_partner


@pytest.fixture
def desk(officer, site):
    return Office(officer, site)


@pytest.fixture
def rita(site):
    return make_partner(name="Rita")


def text_of(answer):
    assert answer.status_code == 200
    return answer.content.decode()


def seen_on(desk, review):
    """The digest that the page would send back."""
    text = text_of(desk.get(page_of(review)))
    return text.partition('name="seen" value="')[2].partition('"')[0]


def test_the_front_page_leads_to_the_queue_and_that_to_a_review(desk, rita):
    notice(rita, 100)
    notice(make_partner(name="Otto"), 20)
    home = text_of(desk.get(reverse("admin:index")))
    assert "Fraud reviews" in home
    assert "to look at, 1 of them held" in home

    queue = text_of(desk.get(reverse("admin:fraud_review_changelist") + "?status__exact=open&level__exact=hold"))
    assert "Rita" in queue
    assert "Otto" not in queue

    page = text_of(desk.get(page_of(Review.objects.get(partner=rita))))
    assert "Score 100: a review opens at 20, money is held at 100, the partner is frozen at 200" in page
    assert 'width="50.0%"' in page
    assert "x was noticed" in page


def test_clearing_needs_a_reason_and_what_was_seen(desk, rita):
    notice(rita, 100)
    review = Review.objects.get()
    seen = seen_on(desk, review)
    desk.do("clear", review, seen=seen)
    assert Review.objects.get().status == "open"
    notice(rita, 5, "another")
    desk.do("clear", review, note="A family.", seen=seen)
    assert (Review.objects.get().status, "More was noticed meanwhile" in desk.said[0]) == ("open", True)

    desk.do("clear", review, note="A family.", seen=seen_on(desk, review))

    review.refresh_from_db()
    assert (review.status, review.reason, desk.said) == ("cleared", "A family.", ["1 review cleared."])
    assert Signal.objects.filter(review=review).count() == 2


def test_confirming_goes_by_the_radius(desk, rita):
    notice(rita, 100)
    review = Review.objects.get()
    page = text_of(desk.get(page_of(review)))
    assert 'value="confirm"' not in page
    desk.do("confirm", review, note="x")
    assert (Review.objects.get().status, Freeze.objects.count()) == ("open", 0)

    link = page.partition(f'href="{reverse("admin:fraud_freeze_partner", args=[rita.pk])}')[2].partition('"')[0]
    address = reverse("admin:fraud_freeze_partner", args=[rita.pk]) + link.replace("&amp;", "&")
    shown = desk.get(address)
    assert "Confirm and freeze" in text_of(shown)
    desk.post(address, {"reason": "One person.", "seen": "another radius"})
    assert (Review.objects.get().status, Freeze.objects.count()) == ("open", 0)

    desk.post(address, {"reason": "One person.", "seen": shown.context["radius"].digest})

    review.refresh_from_db()
    assert (review.status, review.freeze) == ("confirmed", Freeze.objects.get())
    assert Partner.objects.get(pk=rita.pk).status == "frozen"


def test_what_the_machine_froze_is_confirmed_on_its_page(desk, rita):
    notice(rita, 200)
    review = Review.objects.get()
    assert 'value="confirm"' in text_of(desk.get(page_of(review)))

    desk.do("confirm", review, note="Sure.", seen=seen_on(desk, review))

    assert Review.objects.get().status == "confirmed"
    assert Freeze.objects.count() == 1


def test_a_partners_page_shows_the_score(desk, rita):
    page = reverse("admin:referrals_partner_change", args=[rita.pk])
    assert "score" not in text_of(desk.get(page))
    notice(rita, 10)
    assert "Signals, score 10" in text_of(desk.get(page))
    notice(rita, 30, "another")
    assert "Review, score 40" in text_of(desk.get(page))


def test_settings_are_set_as_a_whole(desk, officer):
    url = reverse("admin:fraud_fraudsettings_add")
    form = desk.get(url).context["form"]
    values = {name: form.initial.get(name, "") for name in form.fields if name != "disposable_domains"}
    assert (values["note_at"], values["points_fast_signup"]) == (20, 15)

    answer = desk.post(url, values | {"freeze_at": 10, "disposable_domains": ""})
    assert "at no less than money is held" in text_of(answer)
    assert FraudSettings.objects.count() == 0

    desk.post(url, values | {"points_fast_signup": 0, "disposable_domains": "b.example\na.example"})

    row = FraudSettings.objects.get()
    assert (row.points_of("fast_signup"), row.disposable_domains) == (0, ["a.example", "b.example"])


@pytest.mark.parametrize("role", ["finance_manager", "payout_manager"])
def test_the_pages_are_closed_to_others(site, make_user, rita, role):
    notice(rita, 100)
    other = Office(make_user("other@example.com", roles=[role]), site)

    for url in (reverse("admin:fraud_review_changelist"), page_of(Review.objects.get())):
        assert other.get(url).status_code == 403
    assert "Fraud reviews" not in text_of(other.get(reverse("admin:index")))


def test_a_fraud_officer_reads_and_decides_nothing(site, make_user, rita):
    notice(rita, 100)
    desk = Office(make_user("fo@example.com", roles=["ai_fraud_officer"]), site)

    assert "x was noticed" in text_of(desk.get(page_of(Review.objects.get())))
    desk.do("clear", Review.objects.get(), note="x")

    assert Review.objects.get().status == "open"
    assert desk.get(reverse("admin:fraud_fraudsettings_add")).status_code == 403
