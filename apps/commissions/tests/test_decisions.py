"""Approving and rejecting: by staff, in bulk, and when a hold is over (H8)."""

from datetime import UTC, datetime, timedelta

import pytest
from django.db import DatabaseError, connection, transaction
from django.utils import timezone

from apps.audit.models import AuditEvent
from apps.audit.services import SYSTEM
from apps.commissions import services, tasks
from apps.commissions.models import Commission
from apps.core.errors import Conflict
from apps.core.ids import uuid7
from apps.referrals.tests.factories import make_chain
from apps.wallet import selectors as wallets
from apps.wallet import services as wallet

from .engine_values import percent
from .factories import approve_all, make_order, make_plan, set_status

pytestmark = pytest.mark.usefixtures("site")


def approve(commission):
    return services.approve_commission(commission=commission, actor=SYSTEM)


def available(partner):
    return wallets.wallet_summary(partner.user_id).available


def nothing_moved(partner):
    return available(partner) == 0 and AuditEvent.objects.filter(action__startswith="commission.").count() == 0


@pytest.fixture
def chain(deliver):
    """Three, of whom the last has bought something for ₹1,000 under a plan of 10 and 5 %."""
    make_plan(*percent("0.10", "0.05"))
    people = make_chain(3)
    make_order(people[-1])
    deliver()
    return people


def of(level):
    return Commission.objects.get(level=level)


class TestApproving:
    def test_an_approved_commission_is_in_the_partners_earnings(self, chain):
        approve(of(1))

        row = of(1)
        assert (row.status, row.amount, row.approved_at is not None) == ("approved", 10_000, True)
        assert (available(chain[1]), available(chain[0])) == (10_000, 0)
        assert AuditEvent.objects.get(action="commission.approved").target_id == str(row.pk)
        assert wallets.contradictions() == []

    def test_only_once(self, chain):
        approve(of(1))

        with pytest.raises(Conflict) as refused:
            approve(of(1))

        assert refused.value.code == "invalid_state"
        assert available(chain[1]) == 10_000

    def test_not_while_it_is_held(self, deliver):
        make_plan(*percent("0.10"), hold_days=7)
        sponsor, buyer = make_chain(2)
        make_order(buyer, paid_at=timezone.now() - timedelta(days=7) + timedelta(minutes=1))
        deliver()

        with pytest.raises(Conflict) as refused:
            approve(of(1))

        assert refused.value.code == "invalid_state"
        assert of(1).status == "pending"
        assert nothing_moved(sponsor)

    def test_not_for_a_frozen_partner(self, chain):
        set_status(chain[1], "frozen")

        with pytest.raises(Conflict) as refused:
            approve(of(1))

        assert refused.value.code == "partner_frozen"
        assert of(1).status == "pending"
        assert nothing_moved(chain[1])


class TestMany:
    def test_what_can_be_is_approved_and_the_rest_is_named(self, chain):
        services.reject_commission(commission=of(2), reason="Returned goods", actor=SYSTEM)
        missing = uuid7()

        decided = services.approve_commissions(ids=[of(1).pk, of(2).pk, missing, of(1).pk], actor=SYSTEM)

        assert decided.approved == [of(1).pk]
        assert decided.refused == [(of(2).pk, "invalid_state"), (missing, "not_found")]
        assert (available(chain[1]), available(chain[0])) == (10_000, 0)
        assert AuditEvent.objects.filter(action="commission.approved").count() == 1

    def test_a_thousand_take_as_many_statements_as_two(self, deliver, django_assert_max_num_queries):
        make_plan(*percent("0.10", "0.05"))
        buyer = make_chain(3)[-1]
        for _ in range(30):
            make_order(buyer, *[("a", 1000)] * 10)
        deliver()
        ids = list(Commission.objects.values_list("pk", flat=True))

        with django_assert_max_num_queries(40):
            decided = services.approve_commissions(ids=ids, actor=SYSTEM)

        assert len(decided.approved) == 600
        assert sum(available(partner) for partner in (buyer.sponsor, buyer.sponsor.sponsor)) == 300 * 150
        assert wallets.contradictions() == []


class TestRejecting:
    def test_a_pending_one_is_rejected_for_good(self, chain):
        services.reject_commission(commission=of(1), reason="Bought by themselves", actor=SYSTEM)

        assert (of(1).status, of(1).rejected_reason) == ("rejected", "Bought by themselves")
        assert AuditEvent.objects.get(action="commission.rejected").reason == "Bought by themselves"
        with pytest.raises(Conflict):
            approve(of(1))
        assert available(chain[1]) == 0

    def test_an_approved_one_is_not(self, chain):
        approve(of(1))

        with pytest.raises(Conflict) as refused:
            services.reject_commission(commission=of(1), reason="Too late", actor=SYSTEM)

        assert refused.value.code == "invalid_state"
        assert (of(1).status, of(1).rejected_reason) == ("approved", "")


class TestHolds:
    """Source of the example: developers.rewardful.com, commission object."""

    def test_thirty_days_from_the_payment_to_the_second(self, deliver):
        make_plan(*percent("0.10"), hold_days=30)

        make_order(make_chain(2)[-1], paid_at=datetime(2020, 8, 19, 16, 28, 25, tzinfo=UTC))
        deliver()

        assert of(1).hold_until == datetime(2020, 9, 18, 16, 28, 25, tzinfo=UTC)

    def test_what_is_due_is_approved_and_nothing_else(self, deliver):
        make_plan(*percent("0.12", "0.04"), hold_days=7, approval="auto")
        chain = make_chain(3)
        week = timedelta(days=7)
        make_order(chain[-1], ("token", 25_000), paid_at=timezone.now() - week)
        make_order(chain[-1], ("token", 25_000), paid_at=timezone.now() - week + timedelta(minutes=1))
        deliver()

        assert services.approve_due() == 2
        assert services.approve_due() == 0

        assert Commission.objects.filter(status="approved").count() == 2
        assert (available(chain[1]), available(chain[0])) == (3_000, 1_000)

    def test_a_plan_of_manual_approval_waits_for_staff(self, deliver):
        make_plan(*percent("0.10"), hold_days=1)
        make_order(make_chain(2)[-1], paid_at=timezone.now() - timedelta(days=2))
        deliver()

        assert services.approve_due() == 0
        assert of(1).status == "pending"

    def test_no_timer_releases_what_is_a_frozen_partners(self, deliver):
        make_plan(*percent("0.10", "0.05"), approval="auto")
        chain = make_chain(3)
        make_order(chain[-1])
        deliver()
        set_status(chain[1], "frozen")

        assert services.approve_due() == 1
        assert (of(1).status, of(2).status) == ("pending", "approved")

        set_status(chain[1], "active")
        assert services.approve_due() == 1

    def test_the_sweep_finds_the_sites_and_works_in_batches(self, deliver, site, monkeypatch):
        make_plan(*percent("0.10", "0.05"), approval="auto")
        buyer = make_chain(3)[-1]
        for _ in range(4):
            make_order(buyer, paid_at=timezone.now() - timedelta(minutes=1))
        deliver()
        monkeypatch.setattr(tasks, "BATCH", 3)
        asked = []
        monkeypatch.setattr(tasks.approve_due_of_site, "delay", asked.append)

        assert tasks.approve_due_commissions() == 1
        assert asked == [str(site.pk)]
        assert tasks.approve_due_of_site(str(site.pk)) == 8
        assert tasks.approve_due_commissions() == 0


class TestPaid:
    def test_a_commission_is_paid_when_all_of_it_has_left(self, chain, deliver):
        approve_all()
        make_order(chain[-1], ("a", 50_000))
        deliver()
        approve_all()
        partner = chain[1]
        assert available(partner) == 15_000

        wallet.hold_earnings(user_id=partner.user_id, currency="INR", key="p1", amount=12_000)
        assert set(Commission.objects.values_list("status", flat=True)) == {"approved"}
        wallet.settle_hold(user_id=partner.user_id, currency="INR", key="p1", amount=12_000)

        mine = Commission.objects.filter(user_id=partner.user_id).order_by("id")
        assert list(mine.values_list("amount", "status")) == [(10_000, "paid"), (5_000, "approved")]
        wallet.transfer_to_funds(user_id=partner.user_id, amount=3_000, currency="INR")
        assert set(mine.values_list("status", flat=True)) == {"paid"}
        assert Commission.objects.filter(user_id=chain[0].user_id, status="paid").count() == 0


class TestTheDatabaseRefuses:
    @pytest.mark.parametrize(
        "change",
        [
            "status = 'paid'",
            "amount = amount + 1",
            "amount = -1",
            "reversed_amount = original_amount + 1",
            "original_amount = 1",
            "partner_id = partner_id",
            "exact = 0",
            "hold_until = now()",
            "status = 'rejected', rate = 0",
        ],
    )
    def test_what_no_service_does(self, chain, change):
        before = Commission.objects.order_by("id").values()

        with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(f"UPDATE commissions_commission SET {change}")

        assert list(before) == list(Commission.objects.order_by("id").values())

    @pytest.mark.parametrize(
        ("start", "end"),
        [("rejected", "pending"), ("rejected", "approved"), ("reversed", "pending"), ("approved", "pending")],
    )
    def test_a_way_back(self, chain, start, end):
        Commission.objects.filter(level=1).update(status=start)

        with pytest.raises(DatabaseError), transaction.atomic():
            Commission.objects.filter(level=1).update(status=end)

        assert of(1).status == start

    def test_a_second_commission_for_the_same_level_whoever_would_get_it(self, chain):
        again = of(1)
        again.pk, again.partner, again.user = uuid7(), chain[0], chain[0].user

        with pytest.raises(DatabaseError), transaction.atomic():
            again.save(force_insert=True)

    def test_deleting_and_changing_outcomes(self, chain):
        for statement in (
            "DELETE FROM commissions_commission",
            "UPDATE commissions_commissionoutcome SET reason = 'x'",
        ):
            with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
                cursor.execute(statement)
