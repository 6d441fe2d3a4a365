"""/r/{code} and who is credited (H7)."""

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from apps.core.errors import Invalid
from apps.core.tenancy import site_context
from apps.referrals import cookies
from apps.referrals.models import CampaignLink, Click, Partner
from apps.referrals.services import attribute, record_click
from apps.referrals.tests.factories import make_partner
from apps.sites.models import SiteSettings


@pytest.fixture
def browser(site):
    return Client(headers={"host": "alpha.localhost", "user-agent": "Firefox"})


def settle(**values):
    SiteSettings.objects.update(**values)


def test_a_link_records_the_click_sets_the_cookie_and_leads_to_the_join_page(browser, team):
    answer = browser.get(f"/r/{team['ann'].code}", headers={"referer": "https://blog.example/post"})

    click = Click.objects.get()
    assert answer.status_code == 302
    assert answer["Location"] == f"/join?ref={team['ann'].code}&click_id={click.pk}"
    assert (click.partner, click.ip, click.referrer) == (team["ann"], "127.0.0.1", "https://blog.example/post")
    cookie = answer.cookies[cookies.NAME]
    assert (cookie["httponly"], cookie["samesite"], cookie["max-age"], cookie["domain"]) == (
        True,
        "Lax",
        30 * 86400,
        "",
    )
    assert "no-store" in answer["Cache-Control"]


def test_a_site_may_lead_to_its_own_landing_page(browser, team):
    settle(landing_url="https://shop.example/welcome?lang=en")

    answer = browser.get(f"/r/{team['ann'].code}/")

    assert answer["Location"].startswith(f"https://shop.example/welcome?lang=en&ref={team['ann'].code}&click_id=")


def test_a_campaign_link_counts_for_itself(browser, team):
    link = CampaignLink.objects.create(partner=team["ann"], name="Diwali", slug="abcdefgh")

    browser.get("/r/abcdefgh")
    browser.get(f"/r/{team['ann'].code}?link=abcdefgh")
    link.is_active = False
    link.save(update_fields=["is_active"])

    assert Click.objects.filter(link=link, partner=team["ann"]).count() == 2
    assert browser.get("/r/abcdefgh").status_code == 404


def test_an_inactive_code_leads_on_without_a_trace_and_an_unknown_one_nowhere(browser, team):
    Partner.objects.filter(pk=team["ann"].pk).update(status="inactive")

    answer = browser.get(f"/r/{team['ann'].code}")
    assert (answer.status_code, answer["Location"], cookies.NAME in answer.cookies) == (302, "/join", False)
    assert browser.get("/r/AAAAAAAAAAAA").status_code == 404
    assert not Click.objects.exists()


def test_only_a_visit_counts(browser, team):
    assert browser.head(f"/r/{team['ann'].code}").status_code == 302
    assert browser.post(f"/r/{team['ann'].code}").status_code == 405
    assert not Click.objects.exists()


def test_guessing_codes_ends_after_ten(browser, team, address):
    for _ in range(10):
        assert browser.get("/r/AAAAAAAAAAAA", REMOTE_ADDR=address).status_code == 404

    blocked = browser.get(f"/r/{team['ann'].code}", REMOTE_ADDR=address)
    assert (blocked.status_code, "Retry-After" in blocked) == (429, True)
    assert not Click.objects.exists()


def test_another_sites_code_is_unknown_here(browser, other_site):
    with site_context(other_site.pk):
        foreign = make_partner()

    assert browser.get(f"/r/{foreign.code}").status_code == 404


def test_a_typed_code_beats_a_click_which_beats_a_cookie(team):
    by_click, by_cookie = record_click(partner=team["bob"]), record_click(partner=team["carl"])

    first = attribute(code=team["ann"].code, click_id=by_click.pk, cookie=by_cookie.pk)
    second = attribute(click_id=str(by_click.pk), cookie=by_cookie.pk)
    third = attribute(click_id="nonsense", cookie=by_cookie.pk)

    assert (first.partner, first.source, first.click) == (team["ann"], "code", None)
    assert (second.partner, second.source, second.click) == (team["bob"], "click", by_click)
    assert (third.partner, third.source, third.click) == (team["carl"], "cookie", by_cookie)
    assert attribute() is None
    with pytest.raises(Invalid) as refused:
        attribute(code="nobody", click_id=by_click.pk)
    assert refused.value.code == "referral_code_unknown"


def test_a_code_remembers_the_visit_that_brought_it(team):
    click = record_click(partner=team["ann"])

    assert attribute(code=team["ann"].code, cookie=click.pk).click == click


def test_clicks_too_old_or_of_somebody_inactive_are_passed_over(team):
    old = Click.objects.create(partner=team["bob"], created_at=timezone.now() - timedelta(days=31))
    Partner.objects.filter(pk=team["carl"].pk).update(status="frozen")
    frozen, good = record_click(partner=team["carl"]), record_click(partner=team["dora"])

    assert attribute(click_id=old.pk) is None
    assert attribute(click_id=frozen.pk, cookie=good.pk).partner == team["dora"]
    settle(attribution_days=40)
    assert attribute(click_id=old.pk).partner == team["bob"]


def test_first_click_sites_credit_the_device_s_first_visit_and_keep_the_first_cookie(browser, team):
    settle(attribution="first_click")
    first = record_click(partner=team["bob"], device_id="phone")
    later = record_click(partner=team["carl"], device_id="phone")
    assert attribute(click_id=later.pk).click == first

    browser.get(f"/r/{team['ann'].code}")
    again = browser.get(f"/r/{team['zoe'].code}")

    assert cookies.NAME not in again.cookies
    settle(attribution="last_click")
    assert attribute(click_id=later.pk).click == later
    assert cookies.NAME in browser.get(f"/r/{team['zoe'].code}").cookies


@pytest.mark.parametrize("value", ["", "x", "0192aaaa:forged", "a" * 5000])
def test_a_bad_cookie_is_ignored(browser, team, value):
    settle(attribution="first_click")
    browser.cookies[cookies.NAME] = value

    assert cookies.NAME in browser.get(f"/r/{team['ann'].code}").cookies
