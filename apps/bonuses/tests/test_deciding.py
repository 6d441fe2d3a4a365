"""What becomes of a bonus: every state and every way between them, and none besides."""

import itertools

import pytest
from django.db import Error, transaction

from apps.audit.models import AuditEvent
from apps.audit.services import SYSTEM
from apps.bonuses import services
from apps.bonuses.models import Bonus
from apps.bonuses.tests.factories import bid, deposit, make_rules, referred_by
from apps.core.errors import Conflict, Denied
from apps.referrals.services import set_partner_status
from apps.referrals.tests.factories import make_partner
from apps.wallet import selectors as wallets
from apps.wallet import services as wallet
from apps.wallet.models import Entry

STATES = ("pending", "approved", "rejected", "credited", "frozen")


@pytest.fixture
def referrer(site):
    make_rules()
    return make_partner(name="Rita")


@pytest.fixture
def clerk(make_user):
    return make_user("clerk@example.com")


@pytest.fixture
def bonus(referrer):
    return bid(referred_by(referrer)).bonus


def decide(bonus, status, actor, reason=""):
    return services.decide_bonus(bonus=bonus, status=status, reason=reason, actor=actor)


def bring_to(bonus, state, actor):
    if state == "frozen":
        return services.freeze_bonus(bonus=bonus, actor=actor)
    return bonus if state == "pending" else decide(bonus, state, actor)


def earned(partner):
    return wallets.wallet_summary(partner.user_id).available


def test_approved_then_credited(bonus, referrer, clerk):
    approved = decide(bonus, "approved", clerk, "Looks right.")
    assert (approved.status, approved.approved_by, earned(referrer)) == ("approved", clerk, 0)

    credited = decide(bonus, "credited", clerk)

    assert (credited.status, credited.reason, earned(referrer)) == ("credited", "Looks right.", 2_500)
    assert credited.credited_at
    assert credited.decided_at
    actions = AuditEvent.objects.filter(target_id=str(bonus.pk)).order_by("id").values_list("action", flat=True)
    assert list(actions) == ["bonus.created", "bonus.approved", "bonus.credited"]


def test_rejected_moves_nothing(bonus, referrer, clerk):
    rejected = decide(bonus, "rejected", clerk, "A relative.")

    assert (rejected.status, rejected.reason, rejected.approved_by) == ("rejected", "A relative.", None)
    assert Entry.objects.count() == 0


def test_frozen_waits_and_is_released_by_a_person(bonus, referrer, clerk, deliver):
    frozen = services.freeze_bonus(bonus=bonus, fraud_notes="Same flat.", actor=clerk)
    assert (frozen.status, frozen.flagged_fraud, frozen.frozen_by, frozen.fraud_notes) == (
        "frozen", True, clerk, "Same flat.",
    )  # fmt: skip

    released = services.unfreeze_bonus(bonus=bonus, actor=clerk)

    deliver()
    assert (released.status, released.flagged_fraud, earned(referrer)) == ("pending", False, 0)


def test_a_bonus_frozen_before_the_worker_came_is_never_credited_by_itself(referrer, clerk, deliver):
    made = deposit(referred_by(referrer)).bonus
    services.freeze_bonus(bonus=made, actor=clerk)
    deliver()
    services.unfreeze_bonus(bonus=made, actor=clerk)

    assert not services.credit_if_cleared(made)
    assert earned(referrer) == 0


def not_yet(bonus):
    return False


def test_a_verdict_is_waited_for(referrer, deliver, monkeypatch):
    monkeypatch.setattr("apps.bonuses.services.crediting._verdicts", [])
    services.await_verdict("apps.bonuses.tests.test_deciding.not_yet")
    made = deposit(referred_by(referrer)).bonus
    deliver()
    made.refresh_from_db()
    assert (made.status, earned(referrer)) == ("pending", 0)

    monkeypatch.setattr("apps.bonuses.services.crediting._verdicts", [])

    assert services.credit_if_cleared(made)
    assert earned(referrer) == 5_000


def test_a_frozen_partner_is_credited_by_nobody_but_a_person(referrer, clerk, deliver):
    made = deposit(referred_by(referrer)).bonus
    set_partner_status(partner=referrer, status="frozen", reason="Odd.", actor=SYSTEM)
    deliver()

    made.refresh_from_db()
    assert (made.status, earned(referrer)) == ("frozen", 0)  # what depends on a frozen partner is frozen with them


ALLOWED = {
    ("pending", "approved"), ("pending", "rejected"), ("pending", "credited"), ("pending", "frozen"),
    ("approved", "credited"), ("approved", "rejected"), ("approved", "frozen"), ("frozen", "pending"),
}  # fmt: skip


@pytest.mark.parametrize(("before", "after"), sorted(set(itertools.product(STATES, STATES)) - ALLOWED))
def test_no_other_way_leads_anywhere(bonus, referrer, clerk, before, after):
    bonus = bring_to(bonus, before, clerk)
    had = earned(referrer)
    acts = {
        "frozen": lambda: services.freeze_bonus(bonus=bonus, actor=clerk),
        "pending": lambda: services.unfreeze_bonus(bonus=bonus, actor=clerk),
    }

    with pytest.raises(Conflict) as refused, transaction.atomic():
        acts.get(after, lambda: decide(bonus, after, clerk))()

    assert refused.value.code == "invalid_state"
    bonus.refresh_from_db()
    assert (bonus.status, earned(referrer)) == (before, had)
    if before != after:  # and not behind the services' back either
        with pytest.raises(Error), transaction.atomic():
            Bonus.objects.filter(pk=bonus.pk).update(status=after)


def test_nobody_decides_about_their_own(bonus, referrer):
    me = referrer.user
    for act in (
        lambda: decide(bonus, "approved", me),
        lambda: decide(bonus, "credited", me),
        lambda: services.freeze_bonus(bonus=bonus, actor=me),
    ):
        with pytest.raises(Denied) as refused, transaction.atomic():
            act()
        assert refused.value.code == "own_bonus"
    bonus.refresh_from_db()
    assert (bonus.status, earned(referrer)) == ("pending", 0)


def test_a_credited_bonus_is_paid_out_with_the_other_earnings(bonus, referrer, clerk):
    decide(bonus, "credited", clerk)
    held = wallet.hold_earnings(user_id=referrer.user_id, currency="INR", key="p-1")
    wallet.settle_hold(user_id=referrer.user_id, currency="INR", key="p-1", amount=held)

    assert (held, earned(referrer)) == (2_500, 0)
    assert wallets.contradictions() == []
