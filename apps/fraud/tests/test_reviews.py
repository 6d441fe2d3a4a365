"""A score opens a review, holds money, freezes; a person decides, and nothing else ever releases (W14)."""

from datetime import timedelta

import pytest
from django.utils import timezone

from apps.audit.models import AuditEvent
from apps.audit.services import SYSTEM
from apps.bonuses.models import Bonus
from apps.bonuses.tests.factories import deposit as report_deposit
from apps.bonuses.tests.factories import make_rules
from apps.core.errors import Conflict, Denied, Invalid
from apps.fraud import services
from apps.fraud.models import FraudSettings, Freeze, Review, Signal, Trace
from apps.fraud.selectors import fraud_settings, signals_of
from apps.fraud.services.evidence import Found, write_signals
from apps.fraud.services.reviewing import assess, take_note
from apps.payouts.models import Payout
from apps.payouts.services import approve_payout, process_payout, request_payout
from apps.referrals.models import Partner
from apps.referrals.tests.factories import make_partner
from apps.wallet import selectors as wallets
from apps.wallet import services as wallet
from apps.wallet.models import Entry
from apps.wallet.tests.factories import give_earnings


def notice(partner, points, value="x", kind="sponsor_device"):
    """Something weighs so much, as a detector would have found it."""
    found = Found(partner.pk, kind, value, points, f"{value} was noticed", timezone.now())
    take_note([found], fraud_settings())


def review_of(partner):
    return Review.objects.filter(partner=partner).order_by("-id").first()


def earned(partner):
    return wallets.wallet_summary(partner.user_id).available


def clear(review, actor, **options):
    return services.clear_review(review=review, reason="A family.", actor=actor, **options)


@pytest.fixture
def rita(site):
    return make_partner(name="Rita")


@pytest.fixture
def held(rita):
    """Rita has earned something, and is held."""
    give_earnings(rita.user, 5_000)
    notice(rita, 100)
    return review_of(rita)


# --- thresholds ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("points", "level"), [(19, None), (20, "note"), (99, "note"), (100, "hold"), (199, "hold"), (200, "freeze")]
)
def test_what_a_score_leads_to(rita, points, level):
    notice(rita, points)

    review = review_of(rita)
    assert (review and (review.level, review.score, review.status)) == (level and (level, points, "open"))
    assert Partner.objects.get(pk=rita.pk).status == ("frozen" if level == "freeze" else "active")


def test_signals_add_up_and_the_review_rises_with_them(rita):
    for number, (score, level) in enumerate([(50, "note"), (100, "hold"), (150, "hold"), (200, "freeze")]):
        notice(rita, 50, f"phone {number}")
        review = Review.objects.get()
        assert (review.score, review.level) == (score, level)

    told = AuditEvent.objects.filter(action__startswith="review.").order_by("id")
    assert list(told.values_list("action", "actor_name")) == [
        ("review.opened", "System"), ("review.raised", "System"), ("review.raised", "System"),
    ]  # fmt: skip


def test_the_same_noticed_again_weighs_no_more(rita):
    for _ in range(5):
        notice(rita, 30)

    assert (Review.objects.get().score, Signal.objects.get().points) == (30, 30)


# --- hold ------------------------------------------------------------------------------------------------------------------


def test_nothing_leaves_the_wallet_of_who_is_held(rita, make_user):
    clerk = make_user("clerk@example.com", roles=["super_admin"])
    give_earnings(rita.user, 5_000)
    asked = request_payout(user=rita.user, amount=1_000)
    notice(rita, 100)
    before = (earned(rita), Payout.objects.get().status, Entry.objects.count())

    for act in (
        lambda: approve_payout(payout=asked, actor=clerk),
        lambda: request_payout(user=rita.user, amount=10),
        lambda: wallet.transfer_to_funds(user_id=rita.user_id, amount=10, currency="INR"),
    ):
        with pytest.raises(Conflict) as refused:
            act()
        assert refused.value.code == "under_review"
        assert "noticed" not in refused.value.message

    assert (earned(rita), Payout.objects.get().status, Entry.objects.count()) == before


def test_an_approved_payout_is_not_paid(rita, make_user):
    clerk = make_user("clerk@example.com", roles=["super_admin"])
    give_earnings(rita.user, 5_000)
    payout = approve_payout(payout=request_payout(user=rita.user, amount=1_000), actor=clerk)
    notice(rita, 100)

    with pytest.raises(Conflict, match="looked at"):
        process_payout(payout=payout, actor=clerk)

    assert Payout.objects.get().status == "approved"


def test_a_note_holds_nothing(rita):
    give_earnings(rita.user, 5_000)
    notice(rita, 99)

    assert request_payout(user=rita.user, amount=1_000).status == "requested"


def test_a_bonus_waits_until_somebody_clears_and_is_credited_once(rita, held, make_user, deliver):
    officer = make_user("officer@example.com", roles=["super_admin"])
    make_rules()
    bonus = report_deposit(make_partner(rita)).bonus
    deliver()
    assert (Bonus.objects.get().status, earned(rita)) == ("pending", 5_000)

    clear(held, officer)

    bonus.refresh_from_db()
    assert (bonus.status, earned(rita)) == ("credited", 10_000)
    deliver()
    assert earned(rita) == 10_000
    assert request_payout(user=rita.user, amount=10_000).status == "requested"


def test_a_bonus_is_looked_at_before_it_credits_itself(rita, deliver):
    """The worker of bonuses comes first, and waits for the verdict all the same: what this bonus brings to light counts."""
    from apps.core import outbox
    from apps.core.tenancy import require_site_id

    services.change_fraud_settings(changes={"points": {"aliased_email": 50}}, actor=SYSTEM)
    from apps.referrals.tests.factories import UserFactory

    anna = make_partner(user=UserFactory.create(email="anna@example.com"))
    alias = make_partner(anna, user=UserFactory.create(email="anna+1@example.com"))
    make_rules()
    report_deposit(alias)

    outbox.drain(require_site_id(), "bonuses")
    assert Bonus.objects.get().status == "pending"
    deliver()

    assert (Bonus.objects.get().status, earned(anna)) == ("pending", 0)
    assert review_of(anna).level == "hold"


# --- decisions ---------------------------------------------------------------------------------------------------------------


def test_what_was_cleared_never_counts_again_and_new_signals_do(rita, make_user):
    officer = make_user("officer@example.com")
    notice(rita, 30, "phone 1")
    clear(review_of(rita), officer)
    notice(rita, 30, "phone 1")
    assert review_of(rita).status == "cleared"

    notice(rita, 25, "phone 2")

    assert (review_of(rita).status, review_of(rita).score) == ("open", 25)
    assert [each.words for each in signals_of(review_of(rita))] == ["phone 2 was noticed"]
    assert [each.words for each in signals_of(Review.objects.get(status="cleared"))] == ["phone 1 was noticed"]


def test_clearing_lifts_the_machines_freeze_and_restores(rita, make_user):
    officer = make_user("officer@example.com")
    notice(rita, 200)
    freeze = Freeze.objects.get()
    assert (freeze.created_by, freeze.reason) == (None, "A score of 200. Device of the sponsor.")
    assert freeze.items.get().kind == "partner"

    clear(review_of(rita), officer)

    freeze.refresh_from_db()
    assert (freeze.status, freeze.lift_reason) == ("lifted", "A family.")
    assert Partner.objects.get(pk=rita.pk).status == "active"


def test_a_persons_freeze_is_not_the_reviews_to_lift(rita, make_user):
    officer = make_user("officer@example.com")
    services.freeze_partner(partner=rita, reason="Odd.", actor=officer)
    notice(rita, 200)
    assert Freeze.objects.count() == 1

    clear(review_of(rita), officer)

    assert Freeze.objects.get().status == "active"
    assert Partner.objects.get(pk=rita.pk).status == "frozen"


def test_confirming_freezes_with_the_radius(rita, held, make_user):
    officer = make_user("officer@example.com")
    waiting = request_payout_of(rita)

    review = services.confirm_review(review=held, reason="One person.", actor=officer)

    assert (review.status, review.decided_by, review.reason) == ("confirmed", officer, "One person.")
    assert review.freeze == Freeze.objects.get()
    assert {item.kind for item in review.freeze.items.all()} == {"partner", "payout"}
    assert Payout.objects.get(pk=waiting.pk).status == "requested"
    assert Partner.objects.get(pk=rita.pk).status == "frozen"


def request_payout_of(partner):
    """From before they were held."""
    review = review_of(partner)
    Review.objects.filter(pk=review.pk).update(level="note")
    payout = request_payout(user=partner.user, amount=1_000)
    Review.objects.filter(pk=review.pk).update(level="hold")
    return payout


def test_confirming_what_the_machine_froze_keeps_that_freeze(rita, make_user):
    notice(rita, 200)

    review = services.confirm_review(review=review_of(rita), reason="Sure.", actor=make_user("o@example.com"))

    assert review.freeze == Freeze.objects.get()
    assert review.freeze.created_by is None


@pytest.mark.parametrize("decide", [services.clear_review, services.confirm_review])
class TestRefusals:
    def refused(self, decide, review, kind, code, actor, **options):
        before = (Review.objects.get(pk=review.pk).status, Signal.objects.filter(review=None).count())
        with pytest.raises(kind) as refusal:
            decide(review=review, reason="x", actor=actor, **options)
        assert refusal.value.code == code
        assert (Review.objects.get(pk=review.pk).status, Signal.objects.filter(review=None).count()) == before
        assert Freeze.objects.count() == 0

    def test_oneself(self, decide, rita, held):
        self.refused(decide, held, Denied, "own_review", rita.user)

    def test_twice(self, decide, rita, held, make_user):
        officer = make_user("officer@example.com")
        clear(held, officer)

        self.refused(decide, held, Conflict, "invalid_state", officer)

    def test_with_other_signals_than_were_seen(self, decide, rita, held, make_user):
        seen = services.digest(list(signals_of(held)))
        notice(rita, 5, "another")

        self.refused(decide, held, Conflict, "review_changed", make_user("officer@example.com"), seen=seen)


# --- settings ----------------------------------------------------------------------------------------------------------------


def test_lower_thresholds_count_for_what_was_noticed_before(rita, deliver):
    notice(rita, 15)
    assert review_of(rita) is None

    services.change_fraud_settings(changes={"note_at": 10, "hold_at": 15}, actor=SYSTEM)
    deliver()

    assert review_of(rita).level == "hold"


def test_higher_thresholds_release_nothing(rita, held, deliver):
    services.change_fraud_settings(changes={"note_at": 100, "hold_at": 200, "freeze_at": 300}, actor=SYSTEM)
    deliver()
    notice(rita, 5, "another")

    assert (review_of(rita).status, review_of(rita).level) == ("open", "hold")


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"note_at": 0}, "note_at"), ({"hold_at": 19}, "hold_at"), ({"freeze_at": 99}, "freeze_at"),
        ({"note_at": 200}, "hold_at"), ({"points": {"nonsense": 5}}, "points"), ({"points": {"fast_signup": -1}}, "points"),
        ({"points": {"fast_signup": True}}, "points"), ({"points": {"fast_signup": 1001}}, "points"),
        ({"burst_signups": 1}, "burst_signups"), ({"retention_days": 0}, "retention_days"),
        ({"disposable_domains": ["nodot"]}, "disposable_domains"),
    ],
)  # fmt: skip
def test_settings_that_cannot_be(site, changes, field):
    with pytest.raises(Invalid) as refused:
        services.change_fraud_settings(changes=changes, actor=SYSTEM)

    assert refused.value.field == field
    assert FraudSettings.objects.count() == 0


def test_settings_are_kept_and_audited_once(site):
    for _ in range(2):
        services.change_fraud_settings(changes={"hold_at": 50, "points": {"fast_signup": 0}}, actor=SYSTEM)

    row = FraudSettings.objects.get()
    assert (row.hold_at, row.points_of("fast_signup"), row.points_of("bonus_device")) == (50, 0, 20)
    event = AuditEvent.objects.get(action="fraudsettings.changed")
    assert (event.before["hold_at"], event.after["hold_at"]) == (100, 50)


# --- forgetting --------------------------------------------------------------------------------------------------------------


def old(partner, points, value, other=None):
    at = timezone.now() - timedelta(days=400)
    write_signals([Found(partner.pk, "aliased_email", value, points, f"{value} of a***@example.com", at, other)])


def test_old_evidence_is_forgotten_and_nothing_else_moves(site, rita, make_user):
    other, frozen, waits, fresh = (make_partner(name=name) for name in ("Otto", "Fred", "Wanda", "Freya"))
    old(rita, 15, "mailbox", other.pk)
    old(fresh, 15, "mailbox")
    notice(fresh, 3, "today")
    for each in (waits, frozen):
        old(each, 30, "mailbox", other.pk)
        assess([each.pk], fraud_settings())
    services.confirm_review(review=review_of(frozen), reason="x", actor=make_user("o@example.com"))
    Trace.objects.create(
        partner=rita, kind="device", key="k", first_seen="2020-01-01T00:00Z", last_seen="2020-01-01T00:00Z"
    )
    before = {row.pk: row for row in Signal.objects.all()}
    reviews = list(Review.objects.order_by("id").values())

    assert services.forget() == 2
    assert services.forget() == 0

    after = {row.pk: row for row in Signal.objects.all()}
    for pk, row in after.items():
        was = before[pk]
        same = ("partner_id", "kind", "points", "count", "first_seen", "last_seen", "review_id")
        assert [getattr(row, name) for name in same] == [getattr(was, name) for name in same]
        if row.expired_at is None:
            assert (row.evidence_key, row.words, row.other_id) == (was.evidence_key, was.words, was.other_id)
        else:
            assert (row.evidence_key, row.words, row.other_id) == ("", "One mailbox, several accounts", None)
    gone = Signal.objects.filter(expired_at__isnull=False).select_related("partner__user")
    assert {row.partner.user.full_name for row in gone} == {"Rita", "Freya"}
    assert list(Review.objects.order_by("id").values()) == reviews
    assert Trace.objects.count() == 0
    assert Partner.objects.get(pk=frozen.pk).status == "frozen"


def test_a_freeze_of_the_machines_keeps_no_evidence_that_is_forgotten(rita, make_user):
    notice(rita, 120, "phone of o***@example.com")
    notice(rita, 90, "card", kind="payment_fingerprint")

    reason = "A score of 210. Device of the sponsor. Same card."
    assert Freeze.objects.get().reason == reason
    assert AuditEvent.objects.get(action="partner.freeze_started").reason == reason


def test_what_comes_again_after_it_was_forgotten_is_new(rita):
    old(rita, 15, "mailbox")
    services.forget()

    old(rita, 15, "mailbox")

    assert Signal.objects.count() == 2
    assert Signal.objects.filter(expired_at=None).count() == 1


def test_the_sweep_goes_to_every_site(rita, other_site):
    from apps.core.tenancy import site_context
    from apps.fraud.tasks import forget_evidence

    old(rita, 15, "mailbox")
    with site_context(other_site.pk):
        old(make_partner(), 15, "mailbox")

    assert forget_evidence() == 2


def test_another_sites_reviews_hold_nobody_here(site, other_site):
    """One login, a member of both."""
    from apps.accounts.models import Membership
    from apps.core.tenancy import site_context

    here = make_partner()
    with site_context(other_site.pk):
        Membership.objects.create(user=here.user)
        notice(make_partner(user=here.user), 100)
        with pytest.raises(Conflict):
            services.check_not_held(here.user_id)

    services.check_not_held(here.user_id)
    assert (Review.objects.count(), Signal.objects.count()) == (0, 0)
