"""The bonus API: events from services, the referrer's history, and what staff see, decide and set."""

import pytest

from apps.accounts.services import create_api_key
from apps.audit.services import SYSTEM
from apps.bonuses.models import Bonus, BonusRule
from apps.bonuses.tests.factories import bid, make_rules, referred_by
from apps.referrals.tests.factories import make_partner
from apps.wallet import selectors as wallets

API = "/api/v1"
HISTORY = f"{API}/admin/referral/bonus/history"
SETTINGS = f"{API}/admin/referral/bonus/settings"


@pytest.fixture
def referrer(site):
    make_rules()
    return make_partner(name="Rita")


@pytest.fixture
def service(api, site):
    _, raw = create_api_key(name="auctions", scopes=["events.write"], actor=SYSTEM, access=None)
    return api(key=raw)


@pytest.fixture
def boss(api, make_user):
    return api(make_user("boss@example.com", roles=["super_admin"], user_type="staff"))


def first_bid(client, partner, **more):
    return client.post(f"{API}/referral/events/first-bid", {"user_id": str(partner.user_id), "bid_id": "bid-1", **more})


def first_deposit(client, partner, amount=100_000, **more):
    body = {"user_id": str(partner.user_id), "deposit_amount": amount, "wallet_transaction_id": "tx-1", **more}
    return client.post(f"{API}/referral/events/first-deposit", body)


def test_a_service_reports_a_first_deposit(service, referrer, deliver):
    person = referred_by(referrer)
    told = first_deposit(service, person, device_id="phone-1", ip_address="203.0.113.7").json()

    assert (told["applied"], "reason" in told) == (True, False)
    assert (told["bonus"]["amount"], told["bonus"]["status"]) == (5_000, "pending")
    deliver()
    bonus = Bonus.objects.get()
    assert (bonus.status, bonus.device_id, bonus.ip_address) == ("credited", "phone-1", "203.0.113.7")
    again = first_deposit(service, person)
    assert (again.status_code, again.json()) == (200, {"applied": False, "reason": "already_used"})


def test_the_device_is_never_the_callers(service, referrer):
    first_bid(service, referred_by(referrer))

    assert Bonus.objects.get().ip_address == ""


@pytest.mark.parametrize(
    "body",
    [
        {}, {"user_id": "x", "bid_id": "1"}, {"bid_id": ""}, {"bid_id": "1", "ip_address": "home"},
        {"bid_id": "1", "bid_amount": -1},
    ],
)  # fmt: skip
def test_what_is_no_event_is_refused(service, referrer, body):
    person = referred_by(referrer)
    body = {"user_id": str(person.user_id)} | body if body else body

    assert service.post(f"{API}/referral/events/first-bid", body).status_code == 400
    assert Bonus.objects.count() == 0


def test_nobody_reports_an_event_of_their_own(api, referrer):
    person = referred_by(referrer)

    assert first_bid(api(person.user), person).status_code == 403
    assert first_bid(api(referrer.user), person).status_code == 403
    assert Bonus.objects.count() == 0


def test_a_referrer_sees_their_own_newest_first(api, service, referrer):
    one, two = referred_by(referrer, 2)
    bid(one)
    bid(two)
    bid(referred_by(make_partner()))

    rows = api(referrer.user).get(f"{API}/referral/bonus/history").json()["results"]

    assert [row["referred_user_id"] for row in rows] == [str(two.user_id), str(one.user_id)]
    row = rows[0]
    assert (row["event_type"], row["source"], row["amount"], row["currency"], row["status"], row["approval_mode"]) == (
        "first_bid", "user", 2_500, "INR", "pending", "manual",
    )  # fmt: skip
    assert (row["flagged_fraud"], row["fraud_notes"], row["reason"]) == (False, "", "")
    assert row["referrer_user_id"] == str(referrer.user_id)
    assert api(one.user).get(f"{API}/referral/bonus/history").json()["results"] == []


def test_staff_filter_the_history(boss, referrer, make_user):
    other = make_partner(name="Omar")
    mine, theirs = referred_by(referrer), referred_by(other)
    made = [bid(mine).bonus, bid(theirs).bonus]

    def found(**query):
        answer = boss.get(HISTORY, query)
        assert answer.status_code == 200, answer.content
        assert set(answer.json()) == {"items", "total"}
        return [row["id"] for row in answer.json()["items"]]

    first, second = (str(bonus.pk) for bonus in made)
    assert found() == [second, first]
    assert found(referrer_user_id=str(referrer.user_id)) == [first]
    assert found(referred_user_id=str(theirs.user_id)) == [second]
    assert found(search_term=str(referrer.user_id).upper()) == [first]
    assert found(search_term=other.user.email[:9].upper()) == ([second] if other.user.email[:9] != "person" else [])
    assert found(search_term="nobody") == []
    assert found(status="frozen") == found(source="agent") == found(event_type="first_deposit") == []
    assert found(status="pending", source="user", event_type="first_bid") == [second, first]
    assert found(**{"from": "2100-01-01"}) == found(to="2020-01-01T00:00:00Z") == []
    assert len(found(**{"from": made[0].created_at.isoformat()})) == 2
    page = boss.get(HISTORY, {"limit": 1, "offset": 1}).json()
    assert ([row["id"] for row in page["items"]], page["total"]) == ([first], 2)
    for odd in ({"limit": 201}, {"offset": -1}, {"status": "lost"}, {"from": "noon"}, {"userId": "x"}):
        assert boss.get(HISTORY, odd).status_code == 400


def test_the_history_asks_as_many_questions_for_many_rows(boss, referrer, django_assert_num_queries):
    for person in referred_by(referrer, 5):
        bid(person)
    for limit in (1, 200):
        with django_assert_num_queries(7):
            boss.get(HISTORY, {"limit": limit})


def test_decisions_each_by_their_own_key(api, make_user, referrer):
    clerk = make_user("fm@example.com", roles=["finance_manager"], user_type="staff")
    officer = make_user("ai@example.com", roles=["ai_fraud_officer"], user_type="staff")
    bonus = bid(referred_by(referrer)).bonus
    status, freeze = (f"{API}/admin/referral/bonus/{bonus.pk}/{name}" for name in ("status", "freeze"))

    assert api(clerk).patch(freeze, {"frozen": True}).status_code == 403
    assert api(officer).patch(status, {"status": "approved"}).status_code == 403
    frozen = api(officer).patch(freeze, {"frozen": True, "fraud_notes": "Same flat."}).json()
    assert (frozen["status"], frozen["flagged_fraud"], frozen["frozen_by"]) == ("frozen", True, str(officer.pk))
    stuck = api(clerk).patch(status, {"status": "credited"})
    assert (stuck.status_code, stuck.json()["code"]) == (409, "invalid_state")
    assert api(officer).patch(freeze, {"frozen": False}).json()["status"] == "pending"
    paid = api(clerk).patch(status, {"status": "credited", "reason": "It is fine."}).json()

    assert (paid["status"], paid["approved_by"], paid["reason"]) == ("credited", str(clerk.pk), "It is fine.")
    assert paid["decided_at"] is not None
    assert wallets.wallet_summary(referrer.user_id).available == 2_500


def test_a_bonus_of_ones_own_is_not_ones_to_decide(api, make_user, site):
    make_rules()
    clerk = make_user("fm@example.com", roles=["finance_manager"])
    bonus = bid(referred_by(make_partner(user=clerk))).bonus

    answer = api(clerk).patch(f"{API}/admin/referral/bonus/{bonus.pk}/status", {"status": "credited"})

    assert (answer.status_code, answer.json()["code"]) == (403, "own_bonus")
    bonus.refresh_from_db()
    assert bonus.status == "pending"


def test_settings_are_upserted_per_type(boss, site):
    one = boss.put(
        SETTINGS,
        {"type": "first_deposit", "kind": "percent", "value": "0.05", "min_deposit": 50_000, "auto_credit": True},
    )
    two = boss.put(SETTINGS, {"type": "first_deposit", "kind": "fixed", "value": 700, "auto_credit": False})

    assert (one.status_code, two.status_code) == (200, 200)
    assert (one.json()["value"], one.json()["version"], one.json()["min_deposit"]) == ("0.05", 1, 50_000)
    [rule] = boss.get(SETTINGS).json()["rules"]
    assert (rule["kind"], rule["value"], rule["version"], rule["auto_credit"]) == ("fixed", 700, 2, False)


def test_settings_that_make_no_sense_or_of_nobody_are_refused(api, boss, make_user):
    body = {"type": "first_bid", "kind": "percent", "value": "1.05", "auto_credit": True}

    refused = boss.put(SETTINGS, body)
    assert (refused.status_code, refused.json()["errors"][0]["field"]) == (400, "value")
    assert boss.put(SETTINGS, body | {"value": "0.05", "min_deposit": -1}).status_code == 400
    manager = make_user("fm@example.com", roles=["finance_manager"], user_type="staff")
    assert api(manager).put(SETTINGS, body | {"value": "0.05"}).status_code == 403
    assert BonusRule.objects.count() == 0
