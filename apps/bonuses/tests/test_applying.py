"""From a first event to a bonus, or to the reason why there is none: a story for each code of A11."""

from datetime import timedelta

import pytest
import time_machine
from django.db import Error, transaction
from django.utils import timezone

from apps.audit.services import SYSTEM
from apps.bonuses import services
from apps.bonuses.models import Bonus, BonusRule, DailyCount, FirstEvent
from apps.bonuses.tests.factories import bid, deposit, make_rules, referred_by
from apps.core.errors import Invalid, NotFound
from apps.referrals.models import Partner
from apps.referrals.services import set_partner_kind, set_partner_status
from apps.referrals.tests.factories import make_partner
from apps.sites.services import change_settings, change_site
from apps.wallet import selectors as wallets
from apps.wallet.models import Entry


@pytest.fixture
def rules(site):
    make_rules()


@pytest.fixture
def referrer(site):
    return make_partner(name="Rita")


@pytest.fixture
def agent(site):
    partner = make_partner(name="Amit")
    set_partner_kind(partner=partner, kind=Partner.Kind.AGENT, reason="An agent.", actor=SYSTEM)
    partner.refresh_from_db()
    return partner


def nothing_moved():
    assert Bonus.objects.count() == DailyCount.objects.count() == Entry.objects.count() == 0
    assert FirstEvent.objects.count() == 0


def earned(partner):
    return wallets.wallet_summary(partner.user_id).available


def test_a_first_deposit_of_a_user_is_credited_by_itself_once(rules, referrer, deliver):
    """5 % of 1,000.01 is 50.0005: half up to the paisa, 50.00."""
    made = deposit(referred_by(referrer), 100_001, ref="tx-9")
    assert (made.bonus.status, made.bonus.approval_mode, made.reason) == ("pending", "auto", "")

    deliver()

    made.bonus.refresh_from_db()
    assert (made.bonus.status, made.bonus.amount, made.bonus.source) == ("credited", 5_000, "user")
    assert earned(referrer) == 5_000
    entry = Entry.objects.get()
    assert (entry.kind, entry.ref_type, entry.ref_id) == ("bonus", "referral_bonus", str(made.bonus.pk))
    assert entry.meta == {"event_type": "first_deposit", "source": "user"}
    assert made.bonus.explained == {
        "rule": {
            "type": "first_deposit", "version": 1, "kind": "percent", "value": "0.05", "min_deposit": 50_000, "cap": None,
        },
        "base_amount": 100_001, "exact": "5000.05", "rounding": "half_up", "capped": False, "amount": 5_000,
    }  # fmt: skip
    services.credit_if_cleared(made.bonus)
    assert earned(referrer) == 5_000
    assert wallets.contradictions() == []


def test_an_agent_has_rules_of_their_own(rules, agent):
    assert deposit(referred_by(agent), 100_000).bonus.amount == 8_000
    made = bid(referred_by(agent)).bonus
    assert (made.amount, made.source, made.event_type, made.status) == (5_000, "agent", "first_bid", "pending")
    assert made.ref_type == "agent_referral_bonus"


def test_the_first_bid_of_a_user_waits_for_staff(rules, referrer, deliver):
    made = bid(referred_by(referrer)).bonus
    deliver()
    made.refresh_from_db()

    assert (made.amount, made.status, made.approval_mode) == (2_500, "pending", "manual")
    assert earned(referrer) == 0


def test_deposit_and_bid_are_two_events_of_a_person(rules, referrer):
    person = referred_by(referrer)

    assert deposit(person).bonus
    assert bid(person).bonus
    assert Bonus.objects.count() == 2


def test_already_used(rules, referrer):
    person = referred_by(referrer)
    deposit(person)

    again = deposit(person)

    assert (again.bonus, again.reason) == (None, "already_used")
    assert Bonus.objects.count() == DailyCount.objects.get().n == 1


def test_no_referrer(rules, referrer):
    assert deposit(referrer).reason == "no_referrer"
    nothing_moved()


@pytest.mark.parametrize("status", ["inactive", "frozen"])
def test_who_may_not_earn_is_no_referrer(rules, referrer, status):
    person = referred_by(referrer)
    set_partner_status(partner=referrer, status=status, reason="Gone.", actor=SYSTEM)

    assert deposit(person).reason == "no_referrer"
    nothing_moved()


def test_no_rule(site, referrer):
    make_rules({"type": "agent_first_deposit", "kind": "percent", "value": "0.08"})

    assert deposit(referred_by(referrer)).reason == "no_rule"
    nothing_moved()


def test_a_rule_that_is_switched_off_is_none(rules, referrer):
    make_rules({"type": "first_bid", "kind": "fixed", "value": 2_500, "is_active": False})

    assert bid(referred_by(referrer)).reason == "no_rule"
    nothing_moved()


def test_below_min_deposit_leaves_the_event_for_a_larger_one(rules, referrer):
    person = referred_by(referrer)

    assert deposit(person, 49_999).reason == "below_min_deposit"
    nothing_moved()
    assert deposit(person, 50_000).bonus.amount == 2_500


def test_zero_bonus(site, referrer):
    make_rules({"type": "first_deposit", "kind": "percent", "value": "0.05"})

    assert deposit(referred_by(referrer), 9).reason == "zero_bonus"
    nothing_moved()


def test_a_percentage_of_a_bid_without_an_amount_is_zero(site, referrer):
    make_rules({"type": "first_bid", "kind": "percent", "value": "0.05"})
    person = referred_by(referrer)

    assert bid(person).reason == "zero_bonus"
    assert bid(person, 1_000).bonus.amount == 50


def test_a_cap_of_the_rule(site, referrer):
    make_rules({"type": "first_deposit", "kind": "percent", "value": "0.05", "cap": 3_000})

    made = deposit(referred_by(referrer)).bonus

    assert (made.amount, made.explained["exact"], made.explained["capped"]) == (3_000, "5000", True)


def test_the_eleventh_of_a_day_is_not_created_and_its_event_is_used_up(rules, referrer):
    people = referred_by(referrer, 11)
    made = [bid(person) for person in people]

    assert [one.reason for one in made] == [""] * 10 + ["referrer_daily_cap"]
    assert Bonus.objects.count() == DailyCount.objects.get().n == 10
    event = FirstEvent.objects.get(user_id=people[-1].user_id)
    assert event.used_by == "referrer_daily_cap"
    assert bid(people[-1]).reason == "already_used"
    assert bid(referred_by(make_partner())).bonus is not None


def test_a_day_is_the_sites_own(rules, referrer):
    """In Kolkata midnight is 18:30 UTC."""
    change_site(changes={"time_zone": "Asia/Kolkata"}, actor=SYSTEM)
    change_settings(changes={"bonus_daily_cap": 1}, actor=SYSTEM)
    one, two, three = referred_by(referrer, 3)

    with time_machine.travel("2031-03-01 18:29:00+00:00", tick=False):
        assert bid(one).bonus
        assert bid(two).reason == "referrer_daily_cap"
    with time_machine.travel("2031-03-01 18:31:00+00:00", tick=False):
        assert bid(three).bonus


@pytest.mark.parametrize("where", [{"device": "phone-1"}, {"ip": "203.0.113.7"}])
def test_the_third_of_a_device_or_address_in_24_hours_is_frozen(rules, where, deliver):
    """Whoever referred them. It is flagged, for staff, with the reason; and nothing credits it by itself."""
    before = [deposit(referred_by(make_partner()), **where) for _ in range(2)]
    third = deposit(referred_by(make_partner()), **where)
    deliver()

    assert [one.reason for one in before] == ["", ""]
    third.bonus.refresh_from_db()
    kind, value = ("deviceId", "phone-1") if "device" in where else ("ip", "203.0.113.7")
    assert third.reason == third.bonus.reason == f"High referral bonus volume from {kind} {value}"
    assert (third.bonus.status, third.bonus.flagged_fraud, third.bonus.approval_mode) == ("frozen", True, "manual")
    assert list(Bonus.objects.order_by("id").values_list("status", flat=True)) == ["credited", "credited", "frozen"]


def test_after_24_hours_a_device_is_forgotten(rules):
    long_ago = timezone.now() - timedelta(hours=24, minutes=1)
    with time_machine.travel(long_ago, tick=False):
        for _ in range(2):
            assert bid(referred_by(make_partner()), device="phone-1").bonus

    assert bid(referred_by(make_partner()), device="phone-1").bonus.status == "pending"


def test_the_limits_are_the_sites(rules):
    change_settings(changes={"bonus_device_limit": 1}, actor=SYSTEM)

    made = [bid(referred_by(make_partner()), ip="203.0.113.7").bonus.status for _ in range(2)]

    assert made == ["pending", "frozen"]


def test_an_unknown_device_is_nobodys(rules):
    made = [bid(referred_by(make_partner())).bonus.status for _ in range(4)]

    assert set(made) == {"pending"}


def test_a_stranger_has_no_first_event(rules, other_site):
    from types import SimpleNamespace

    with pytest.raises(NotFound):
        deposit(SimpleNamespace(user_id=other_site.pk))
    nothing_moved()


def test_a_change_of_the_rule_never_touches_an_earlier_bonus(rules, referrer):
    made = deposit(referred_by(referrer)).bonus
    make_rules({"type": "first_deposit", "kind": "percent", "value": "0.10"})

    made.refresh_from_db()
    assert made.explained["rule"]["value"] == "0.05"
    assert (made.rule.version, deposit(referred_by(referrer)).bonus.rule.version) == (1, 2)
    make_rules({"type": "first_deposit", "kind": "percent", "value": "0.10"})
    assert BonusRule.objects.filter(type="first_deposit").count() == 2
    with pytest.raises(Error), transaction.atomic():
        BonusRule.objects.filter(pk=made.rule_id).update(flat_amount=5)


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"type": "second_deposit"}, "type"), ({"value": "1.5"}, "value"), ({"value": 5}, "value"),
        ({"kind": "fixed", "value": "0.05"}, "value"), ({"kind": "fixed", "value": -1}, "value"), ({"kind": "gift"}, "kind"),
    ],
)  # fmt: skip
def test_a_rule_that_makes_no_sense_is_not_kept(site, values, field):
    with pytest.raises(Invalid) as refused:
        services.set_rule(**{"type": "first_bid", "kind": "percent", "value": "0.05", "actor": SYSTEM} | values)

    assert refused.value.field == field
    assert BonusRule.objects.count() == 0
