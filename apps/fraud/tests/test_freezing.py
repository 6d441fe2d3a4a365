"""Freezing a partner shows the radius first, then freezes exactly that, and lifting restores it (X11)."""

from datetime import timedelta

import pytest
from django.utils import timezone

from apps.accounts.models import SignIn
from apps.allocations import services as allocations
from apps.allocations.models import Allocation
from apps.audit.models import AuditEvent
from apps.audit.services import SYSTEM
from apps.bonuses import services as bonuses
from apps.bonuses.models import Bonus
from apps.commissions.models import Commission
from apps.commissions.services import approve_commission, approve_due
from apps.core.errors import Conflict, Denied, Invalid, NotFound
from apps.fraud import services
from apps.fraud.models import Freeze, FreezeItem
from apps.payouts.models import Payout
from apps.payouts.services import approve_payout, request_payout
from apps.referrals.models import Partner
from apps.referrals.services import Attribution, record_click, set_partner_status
from apps.referrals.tests.factories import make_partner


def freeze(partner, actor, **options):
    return services.freeze_partner(partner=partner, reason="Two faces.", actor=actor, **options)


def lift(found, actor, **options):
    return services.lift_freeze(freeze=found, reason="Explained.", actor=actor, **options)


def everything(partner):
    """The state of all that is the partner's, as the database has it."""
    user = partner.user_id
    return {
        "partner": Partner.objects.get(pk=partner.pk).status,
        "commissions": list(Commission.objects.filter(user=user).order_by("id").values_list("status", "amount")),
        "bonuses": list(
            Bonus.objects.filter(referrer=user).order_by("id").values_list("status", "flagged_fraud", "approval_mode")
        ),
        "payouts": list(Payout.objects.filter(user=user).values_list("status", "amount")),
        "allocations": list(Allocation.objects.values_list("status", flat=True)),
    }


def totals(found):
    return {row["kind"]: (row["count"], row["amount"]) for row in found.totals}


def test_the_radius_lists_what_depends_on_a_partner_and_changes_nothing(rita):
    before = everything(rita)

    found = services.radius(rita)

    assert totals(found) == {
        "partner": (1, None), "commission": (2, 2_000), "bonus": (2, 5_000), "payout": (1, 1_500), "allocation": (1, None),
    }  # fmt: skip
    assert found.totals[-1]["tokens"] == "100"
    assert {row["kind"]: row["effect"] for row in found.totals} == {
        "partner": "frozen", "bonus": "frozen", "commission": "held", "payout": "held", "allocation": "held",
    }  # fmt: skip
    assert everything(rita) == before
    assert Freeze.objects.count() == 0


def test_what_was_shown_is_what_is_frozen_and_lifting_restores_it(rita, officer):
    before = everything(rita)
    shown = services.radius(rita)

    found = freeze(rita, officer, seen=shown.digest)

    assert {(item.kind, item.object_id, item.state_before) for item in found.items.all()} == {
        (item.kind, item.pk, item.state) for item in shown.items
    }
    frozen = everything(rita)
    assert frozen["partner"] == "frozen"
    assert frozen["bonuses"] == [("frozen", True, "manual")] * 2
    assert {name: frozen[name] for name in ("commissions", "payouts", "allocations")} == {
        name: before[name] for name in ("commissions", "payouts", "allocations")
    }

    lifted = lift(found, officer)

    assert everything(rita) == before
    assert (lifted.status, lifted.lifted_by, lifted.lift_reason) == ("lifted", officer, "Explained.")
    assert set(found.items.values_list("outcome", flat=True)) == {"restored"}
    actions = AuditEvent.objects.filter(target_id=str(found.pk)).order_by("id").values_list("action", "reason")
    assert list(actions) == [("partner.freeze_started", "Two faces."), ("partner.freeze_lifted", "Explained.")]


def test_nothing_that_is_held_moves_by_anybody_or_any_timer(rita, officer, deliver):
    freeze(rita, officer)
    before = everything(rita)
    assert Commission.objects.due(timezone.now()).count() == 1

    with pytest.raises(Conflict, match="frozen"):
        approve_commission(commission=Commission.objects.get(user=rita.user, status="pending"), actor=officer)
    with pytest.raises(Conflict, match="frozen"):
        approve_payout(payout=Payout.objects.get(), actor=officer)
    with pytest.raises(Conflict, match="frozen"):
        request_payout(user=rita.user, amount=10)
    with pytest.raises(Conflict) as refused:
        allocations.send_batch(allocation_ids=[Allocation.objects.get().pk], actor=officer)
    assert approve_due() == 0
    for bonus in Bonus.objects.all():
        bonuses.credit_if_cleared(bonus)
    deliver()

    assert refused.value.details["refused"] == [{"id": str(Allocation.objects.get().pk), "code": "partner_frozen"}]
    assert everything(rita) == before
    assert Freeze.objects.get().status == "active"


def test_what_somebody_decided_meanwhile_is_left_alone(rita, officer):
    found = freeze(rita, officer)
    first, second = Bonus.objects.order_by("id")
    bonuses.unfreeze_bonus(bonus=first, actor=officer)
    bonuses.decide_bonus(bonus=first, status="rejected", reason="A relative.", actor=officer)

    lift(found, officer)

    assert list(Bonus.objects.order_by("id").values_list("status", flat=True)) == ["rejected", "pending"]
    assert set(FreezeItem.objects.filter(object_id=first.pk).values_list("outcome", flat=True)) == {"left"}
    assert FreezeItem.objects.get(object_id=second.pk).outcome == "restored"


def test_a_bonus_that_was_frozen_before_stays_so(rita, officer):
    earlier = bonuses.freeze_bonus(bonus=Bonus.objects.order_by("id")[1], fraud_notes="Same flat.", actor=officer)

    lift(freeze(rita, officer), officer)

    earlier.refresh_from_db()
    assert (earlier.status, earlier.fraud_notes) == ("frozen", "Same flat.")


def test_somebody_not_activated_yet_is_that_again(site, officer):
    pia = make_partner(status="pending")

    lift(freeze(pia, officer), officer)

    pia.refresh_from_db()
    assert (pia.status, pia.activated_at) == ("pending", None)


def test_without_the_key_for_bonuses_they_are_left_out(rita, officer):
    found = freeze(rita, officer, bonuses=False)

    assert "bonus" not in set(found.items.values_list("kind", flat=True))
    assert set(Bonus.objects.values_list("status", flat=True)) == {"pending", "approved"}
    lift(found, officer, bonuses=False)
    assert Partner.objects.get(pk=rita.pk).status == "active"


class TestRefusals:
    def refused(self, rita, kind, code, act):
        before, freezes = everything(rita), Freeze.objects.count()
        with pytest.raises(kind) as refusal:
            act()
        assert refusal.value.code == code
        assert everything(rita) == before
        assert Freeze.objects.count() == freezes

    def test_twice(self, rita, officer):
        found = freeze(rita, officer)
        self.refused(rita, Conflict, "invalid_state", lambda: freeze(rita, officer))

        lift(found, officer)
        self.refused(rita, Conflict, "invalid_state", lambda: lift(found, officer))

    def test_oneself(self, rita, officer):
        self.refused(rita, Denied, "own_freeze", lambda: freeze(rita, rita.user))

        found = freeze(rita, officer)
        self.refused(rita, Denied, "own_freeze", lambda: lift(found, rita.user))

    def test_nobody(self, rita, officer):
        root = Partner.objects.get(depth=1)
        self.refused(rita, NotFound, "not_found", lambda: freeze(root, officer))

    def test_somebody_outside_the_radius(self, rita, officer):
        stranger = make_partner()
        self.refused(rita, Invalid, "not_in_radius", lambda: freeze(rita, officer, also=[stranger.pk]))

    def test_another_radius_than_was_seen(self, rita, officer):
        seen = services.radius(rita).digest
        bonuses.decide_bonus(bonus=Bonus.objects.order_by("id")[1], status="rejected", actor=officer)

        self.refused(rita, Conflict, "radius_changed", lambda: freeze(rita, officer, seen=seen))


class TestSharing:
    @pytest.fixture
    def family(self, site, officer):
        """Rob and, below him, Mia from his address and Ned on his device; Oda has nothing of his."""
        rob_click = record_click(partner=make_partner(), ip="203.0.113.9", device_id="rob-phone")
        rob = make_partner(
            name="Rob", attribution=Attribution(partner=rob_click.partner, click=rob_click, source="click")
        )
        ned_click = record_click(partner=rob, ip="198.51.100.1", device_id="rob-phone")
        ned = make_partner(rob, name="Ned", attribution=Attribution(partner=rob, click=ned_click, source="click"))
        mia, oda = make_partner(rob, name="Mia"), make_partner(ned, name="Oda")
        for person, ip in ((mia, "203.0.113.9"), (oda, "192.0.2.4")):
            SignIn.objects.create(
                user=person.user, kind="api", version=1, expires_at=timezone.now() + timedelta(days=1), ip=ip
            )
        return {"rob": rob, "ned": ned, "mia": mia, "oda": oda}

    def test_who_shares_is_shown_beside_and_frozen_only_when_chosen(self, family, officer):
        shown = {each.partner.user.full_name: each.reasons for each in services.radius(family["rob"]).shared}
        assert shown == {
            "Ned": ("signed up with the same device",), "Mia": ("signed in from the same address",),
        }  # fmt: skip

        found = freeze(family["rob"], officer, also=[family["ned"].pk])

        status = {name: Partner.objects.get(pk=one.pk).status for name, one in family.items()}
        assert status == {"rob": "frozen", "ned": "frozen", "mia": "active", "oda": "active"}
        lift(found, officer)
        assert set(Partner.objects.people().values_list("status", flat=True)) == {"active"}

    def test_somebody_frozen_along_who_is_made_active_takes_only_their_own_out(self, family, officer, deliver):
        found = freeze(family["rob"], officer, also=[family["ned"].pk])

        set_partner_status(partner=family["ned"], status="active", reason="A mistake.", actor=officer)
        deliver()

        found.refresh_from_db()
        assert found.status == "active"
        assert Partner.objects.get(pk=family["rob"].pk).status == "frozen"
        assert list(found.items.filter(partner=family["ned"]).values_list("outcome", flat=True)) == ["left"]


class TestTheOtherDoor:
    """A partner's status is changed by staff elsewhere too; what depends on them follows."""

    def test_frozen_and_made_active_there(self, rita, officer, deliver):
        before = everything(rita)
        set_partner_status(partner=rita, status="frozen", reason="Odd.", actor=officer)
        deliver()

        found = Freeze.objects.get()
        assert (found.partner, found.reason, found.created_by) == (rita, "Odd.", officer)
        assert set(Bonus.objects.values_list("status", flat=True)) == {"frozen"}
        assert found.items.get(kind="partner").state_before == "active"

        set_partner_status(partner=rita, status="active", reason="Fine.", actor=officer)
        deliver()

        found.refresh_from_db()
        assert (found.status, found.lift_reason) == ("lifted", "Fine.")
        assert everything(rita) == before

    def test_who_may_not_freeze_bonuses_doesnt_there_either(self, rita, make_user, deliver):
        manager = make_user("manager@example.com", roles=["affiliate_manager"])
        set_partner_status(partner=rita, status="frozen", reason="Odd.", actor=manager)
        deliver()

        assert set(Bonus.objects.values_list("status", flat=True)) == {"pending", "approved"}
        assert Freeze.objects.get().created_by == manager

    def test_our_own_freeze_is_not_taken_for_another(self, rita, officer, deliver):
        found = freeze(rita, officer)
        deliver()
        assert Freeze.objects.count() == 1

        lift(found, officer)
        deliver()

        assert list(Freeze.objects.values_list("status", flat=True)) == ["lifted"]

    def test_news_that_come_late_or_twice_do_nothing(self, rita, officer, deliver):
        set_partner_status(partner=rita, status="frozen", reason="Odd.", actor=SYSTEM)
        set_partner_status(partner=rita, status="active", reason="Fine.", actor=SYSTEM)
        deliver()

        assert Freeze.objects.count() == 0
        assert set(Bonus.objects.values_list("status", flat=True)) == {"pending", "approved"}
