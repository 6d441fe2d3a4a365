"""Signals, reviews and settings over the API."""

import csv
import io

import pytest

from apps.audit.services import SYSTEM
from apps.core.ids import uuid7
from apps.core.tenancy import site_context
from apps.fraud import services
from apps.fraud.models import FraudSettings, Freeze, Review, Signal
from apps.fraud.tests.test_reviews import notice
from apps.payouts.models import Payout
from apps.referrals.models import Partner
from apps.referrals.tests.factories import make_chain, make_partner
from apps.wallet.tests.factories import give_earnings

REVIEWS, SIGNALS, SETTINGS = (f"/api/v1/admin/fraud/{name}" for name in ("reviews", "signals", "settings"))


@pytest.fixture
def rita(site):
    return make_partner(name="Rita")


@pytest.fixture
def client(api, officer):
    return api(officer)


def status_of(partner):
    return Partner.objects.get(pk=partner.pk).status


def test_the_queue_a_review_with_its_reasons_and_clearing_it(client, rita):
    notice(rita, 80, "phone")
    notice(rita, 20, "mail", kind="disposable_email")
    notice(make_partner(name="Otto"), 20)

    listed = client.get(REVIEWS, {"status": "open", "level": "hold"}).json()["results"]
    assert [(row["partner_name"], row["score"], row["level"]) for row in listed] == [("Rita", 100, "hold")]
    found = client.get(f"{REVIEWS}/{listed[0]['id']}").json()
    assert [(row["kind"], row["points"], row["words"], row["counts"]) for row in found["signals"]] == [
        ("sponsor_device", 80, "phone was noticed", True), ("disposable_email", 20, "mail was noticed", True),
    ]  # fmt: skip
    assert found["thresholds"] == {"note": 20, "hold": 100, "freeze": 200}
    assert "evidence_key" not in found["signals"][0]

    body = {"reason": "A family.", "seen": found["digest"]}
    cleared = client.post(f"{REVIEWS}/{found['id']}/clear", body, format="json").json()

    assert (cleared["status"], cleared["reason"], cleared["score"]) == ("cleared", "A family.", 100)
    assert [row["counts"] for row in cleared["signals"]] == [False, False]
    assert client.get(REVIEWS, {"status": "open", "partner_id": str(rita.pk)}).json()["results"] == []


def test_confirming_freezes(client, rita):
    notice(rita, 100)
    pk = Review.objects.get().pk

    answer = client.post(f"{REVIEWS}/{pk}/confirm", {"reason": "One person."}, format="json")

    assert answer.status_code == 200
    assert (answer.json()["status"], answer.json()["freeze_id"]) == ("confirmed", str(Freeze.objects.get().pk))
    assert status_of(rita) == "frozen"


def test_lists_filter(client, rita):
    otto = make_partner(name="Otto")
    notice(rita, 25)
    notice(otto, 30, "mail", kind="disposable_email")
    services.clear_review(review=Review.objects.get(partner=otto), reason="x", actor=SYSTEM)

    def of(url, **query):
        answer = client.get(url, query)
        assert answer.status_code == 200, answer.content
        return {row["partner_name"] for row in answer.json()["results"]}

    assert of(SIGNALS) == of(REVIEWS) == {"Rita", "Otto"}
    assert of(SIGNALS, kind="disposable_email") == of(REVIEWS, kind="disposable_email") == {"Otto"}
    assert of(REVIEWS, kind="sponsor_device") == {"Rita"}
    assert of(SIGNALS, counts="true") == of(REVIEWS, status="open") == {"Rita"}
    assert of(SIGNALS, counts="false") == {"Otto"}
    assert of(SIGNALS, partner_id=str(rita.pk)) == {"Rita"}
    assert of(SIGNALS, date_from="2999-01-01") == of(REVIEWS, date_to="2000-01-01") == set()
    assert client.get(SIGNALS, {"kind": "nonsense"}).status_code == 400


def test_lists_are_files_too(client, rita):
    notice(rita, 100)
    for url, column in ((SIGNALS, "words"), (REVIEWS, "level")):
        answer = client.get(url, {"format": "csv"})
        rows = list(csv.DictReader(io.StringIO(b"".join(answer.streaming_content).decode("utf-8-sig"))))
        assert [row[column] for row in rows] == [{"words": "x was noticed", "level": "hold"}[column]]


def test_refusals_move_nothing(client, api, officer, rita, other_site):
    notice(rita, 100)
    own = make_partner(user=officer)
    notice(own, 100)
    with site_context(other_site.pk):
        theirs = make_partner()
        notice(theirs, 100)
        foreign = Review.objects.get().pk
    mine, hers = (Review.objects.get(partner=each).pk for each in (own, rita))

    def post(pk, act, **body):
        answer = client.post(f"{REVIEWS}/{pk}/{act}", body, format="json")
        return answer.status_code, answer.json()["code"]

    for act in ("clear", "confirm"):
        assert post(mine, act, reason="x") == (403, "own_review")
        assert post(hers, act) == (400, "invalid")
        assert post(hers, act, reason="x", seen="other") == (409, "review_changed")
        for nobody in (uuid7(), foreign):
            assert post(nobody, act, reason="x") == (404, "not_found")
    assert post(hers, "confirm", reason="x", also=[str(uuid7())]) == (400, "not_in_radius")
    assert set(Review.objects.values_list("status", flat=True)) == {"open"}
    assert (Freeze.objects.count(), Signal.objects.filter(review=None).count()) == (0, 2)

    client.post(f"{REVIEWS}/{hers}/clear", {"reason": "x"}, format="json")
    assert post(hers, "clear", reason="x") == (409, "invalid_state")


@pytest.mark.parametrize(("role", "reads"), [("ai_fraud_officer", 200), ("finance_manager", 403), ("affiliate", 403)])
def test_others_decide_nothing(api, make_user, rita, role, reads):
    notice(rita, 100)
    pk = Review.objects.get().pk
    other = api(make_user("other@example.com", roles=[role]))

    assert {other.get(url).status_code for url in (REVIEWS, SIGNALS, SETTINGS, f"{REVIEWS}/{pk}")} == {reads}
    for act in ("clear", "confirm"):
        assert other.post(f"{REVIEWS}/{pk}/{act}", {"reason": "x"}, format="json").status_code == 403
    assert other.put(SETTINGS, {"note_at": 1}, format="json").status_code == 403
    assert (Review.objects.get().status, FraudSettings.objects.count()) == ("open", 0)


def test_a_partner_is_told_that_and_not_why(api, rita):
    give_earnings(rita.user, 5_000)
    notice(rita, 100)
    own = api(rita.user)

    for url, body in (
        ("/api/v1/payouts/request", {"amount": 100}),
        ("/api/v1/wallet/transfers", {"from": "earnings", "to": "funds", "amount": 100}),
    ):
        answer = own.post(url, body, format="json")
        assert (answer.status_code, answer.json()["code"]) == (409, "under_review")
        assert answer.json()["message"].startswith("This account is being looked at.")
        assert "noticed" not in answer.content.decode()
    assert Payout.objects.count() == 0
    assert own.get("/api/v1/wallet").json()["earnings"]["available"] == 5_000


def test_their_own_pages_say_it_too(site, rita):
    from django.urls import reverse

    from apps.accounts.tests.browsers import browser_of

    give_earnings(rita.user, 5_000)
    browser = browser_of(rita.user, site)
    said = "account is being looked at"
    assert said not in browser.get(reverse("dashboard:payouts")).content.decode()
    notice(rita, 100)

    for name in ("overview", "payouts"):
        text = browser.get(reverse(f"dashboard:{name}")).content.decode()
        assert said in text
        assert "noticed" not in text
    asked = browser.post(reverse("dashboard:payouts"), {"amount": "10.00", "method": ""})
    assert (asked.status_code, said in asked.content.decode()) == (409, True)
    moved = browser.post(reverse("dashboard:wallet"), {"amount": "10.00"})
    assert moved.status_code != 302
    assert Payout.objects.count() == 0


def test_settings_are_read_changed_and_refused(client):
    before = client.get(SETTINGS).json()
    assert (before["note_at"], before["points"]["circular_sponsorship"], before["retention_days"]) == (20, 40, 365)

    body = {"hold_at": 50, "points": {"fast_signup": 0}, "disposable_domains": ["B.example", "a.example"]}
    changed = client.put(SETTINGS, body, format="json").json()

    assert changed == before | {
        "hold_at": 50, "points": before["points"] | {"fast_signup": 0}, "disposable_domains": ["a.example", "b.example"],
    }  # fmt: skip
    assert client.get(SETTINGS).json() == changed
    refused = client.put(SETTINGS, {"freeze_at": 40}, format="json")
    assert (refused.status_code, refused.json()["errors"][0]["field"]) == (400, "freeze_at")
    assert client.get(SETTINGS).json() == changed


class TestCircles:
    """What is refused is rolled back, and noticed nevertheless."""

    def test_registering_by_ones_own_code(self, api, rita, deliver):
        body = {"email": rita.user.email.upper(), "password": "correct horse battery", "referral_code": rita.code}
        answers = [api().post("/api/v1/auth/register", body, format="json") for _ in range(2)]
        deliver()

        assert [(each.status_code, each.json()["code"]) for each in answers] == [(400, "self_referral")] * 2
        signal = Signal.objects.get()
        assert (signal.partner, signal.kind, signal.count) == (rita, "circular_sponsorship", 2)
        assert Partner.objects.people().count() == 1

    def test_moving_somebody_into_their_own_downline(self, client, rita, deliver):
        low = make_chain(2, rita)[-1]
        url = f"/api/v1/admin/referrals/{rita.pk}/move"
        looked = client.post(url, {"new_sponsor_id": str(low.pk), "reason": "x", "preview": True}, format="json")
        deliver()
        assert (looked.status_code, Signal.objects.count()) == (400, 0)

        moved = client.post(url, {"new_sponsor_id": str(low.pk), "reason": "x"}, format="json")
        deliver()

        assert (moved.status_code, moved.json()["code"]) == (400, "move_into_own_downline")
        assert Signal.objects.get().words == "Tried to stand below themselves, once"
        rita.refresh_from_db()
        assert rita.sponsor_id is None

    def test_another_refusal_is_no_circle(self, api, client, rita, deliver):
        body = {"email": "new@example.com", "password": "correct horse battery", "referral_code": "22222222222A"}
        assert api().post("/api/v1/auth/register", body, format="json").status_code == 400
        url = f"/api/v1/admin/referrals/{rita.pk}/move"
        assert client.post(url, {"new_sponsor_id": None, "reason": "x"}, format="json").status_code == 400
        deliver()

        assert Signal.objects.count() == 0
