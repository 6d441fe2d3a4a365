"""R5: whatever is delivered three times at once leaves what one delivery would; and those who meet never wait in a circle."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from django.db import connection

from apps.audit.services import SYSTEM
from apps.commissions import services
from apps.commissions.models import Commission, CommissionOutcome
from apps.core.errors import Conflict
from apps.core.tenancy import site_context
from apps.referrals.models import Partner
from apps.referrals.tests.factories import make_chain, make_partner
from apps.sites import registry
from apps.wallet import selectors as wallets
from apps.wallet import services as wallet

from .engine_values import percent
from .factories import amounts, approve_all, make_order, make_plan, refund_order

pytestmark = [pytest.mark.slow, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def site_id():
    return registry.by_code("ALPHA").pk


def at_once(site_id, *works):
    """Start all at the same moment, each step of each in a transaction of its own, as the worker and requests do.

    A work is a function or a list of them. Returns what the (last) function gave, or the exception that ended it.
    """
    start = Barrier(len(works))

    def run(work):
        given = None
        try:
            start.wait(timeout=10)
            for step in work if isinstance(work, list) else [work]:
                with site_context(site_id):
                    given = step()
            return given
        except Exception as error:
            return error
        finally:
            connection.close()

    with ThreadPoolExecutor(len(works)) as pool:
        return list(pool.map(run, works))


def test_an_order_commissioned_three_times_at_once(site_id):
    with site_context(site_id):
        make_plan(*percent("0.10", "0.05", "0.01"))
        buyer = make_chain(3)[-1]
        orders = [make_order(buyer).pk for _ in range(20)]

    done = at_once(site_id, *[lambda: services.commission_orders(orders)] * 3)

    assert sorted(done) == [0, 0, 20]
    with site_context(site_id):
        assert Commission.objects.count() == 40
        assert CommissionOutcome.objects.count() == 20


def test_a_refund_mirrored_three_times_at_once(site_id):
    with site_context(site_id):
        make_plan(*percent("0.10", "0.05"))
        chain = make_chain(3)
        paid, other = make_order(chain[-1]), make_order(chain[-1])
        services.commission_orders([paid.pk])
        approve_all()
        for partner in chain[:2]:
            held = wallet.hold_earnings(user_id=partner.user_id, currency="INR", key=str(partner.pk))
            wallet.settle_hold(user_id=partner.user_id, currency="INR", key=str(partner.pk), amount=held)
        refunds = [refund_order(paid, 30_000).pk, refund_order(other).pk]

    for refund in refunds:
        done = at_once(site_id, *[lambda refund=refund: services.mirror_refund(refund_id=refund)] * 3)
        assert done == [None] * 3

    with site_context(site_id):
        rows = Commission.objects.filter(order=paid).order_by("kind", "level").values_list("kind", "amount", "status")
        assert list(rows) == [
            ("clawback", -3_000, "approved"),
            ("clawback", -1_500, "approved"),
            ("commission", 10_000, "paid"),
            ("commission", 5_000, "paid"),
        ]
        assert set(Commission.objects.filter(order=other).values_list("amount", "status")) == {(0, "reversed")}
        assert [wallets.wallet_summary(partner.user_id).owed for partner in chain[:2]] == [1_500, 3_000]
        assert wallets.contradictions() == []


def test_approved_three_times_at_once_is_credited_once(site_id):
    with site_context(site_id):
        make_plan(*percent("0.10", "0.05"))
        chain = make_chain(3)
        services.commission_orders([make_order(chain[-1]).pk for _ in range(10)])
        ids = list(Commission.objects.values_list("pk", flat=True))

    done = at_once(
        site_id,
        lambda: services.approve_commissions(ids=ids, actor=SYSTEM),
        lambda: services.approve_commissions(ids=ids[::-1], actor=SYSTEM),
        lambda: services.approve_commission(commission=Commission(pk=ids[0]), actor=SYSTEM),
    )

    decided = [one for one in done if isinstance(one, services.Decided)]
    assert len(decided) == 2
    approved = [pk for one in decided for pk in one.approved] + [one.pk for one in done if isinstance(one, Commission)]
    assert sorted(approved) == sorted(ids)
    assert all(isinstance(one, services.Decided | Commission | Conflict) for one in done)
    with site_context(site_id):
        assert [wallets.wallet_summary(partner.user_id).available for partner in chain[:2]] == [50_000, 100_000]
        assert wallets.contradictions() == []


def test_the_sweep_three_times_at_once(site_id):
    with site_context(site_id):
        make_plan(*percent("0.10", "0.05"), approval="auto")
        chain = make_chain(3)
        services.commission_orders([make_order(chain[-1]).pk for _ in range(20)])

    done = at_once(site_id, *[lambda: services.approve_due(limit=15)] * 3)

    assert sum(done) <= 40
    with site_context(site_id):
        while services.approve_due(limit=15):
            pass
        assert Commission.objects.filter(status="approved").count() == 40
        assert wallets.wallet_summary(chain[1].user_id).available == 200_000
        assert wallets.contradictions() == []


def test_approvals_refunds_and_payouts_at_once_deadlock_nobody_and_lose_nothing(site_id):
    with site_context(site_id):
        make_plan(*percent("0.10", "0.05", "0.02"))
        chain = make_chain(4)
        orders = [make_order(chain[-1], ("a", 10_000), ("b", 5_000)) for _ in range(12)]
        services.commission_orders([order.pk for order in orders])
        refunds = [refund_order(order, 5_000).pk for order in orders]
        ids = list(Commission.objects.values_list("pk", flat=True))

    def approve(part):
        return lambda: services.approve_commissions(ids=ids[part::3], actor=SYSTEM)

    def refund(part):
        return [lambda pk=pk: services.mirror_refund(refund_id=pk) for pk in refunds[part::2]]

    def pay(partner):
        return [lambda number=number: pay_out(partner, number) for number in range(6)]

    def pay_out(partner, number):
        key = f"{partner.pk}:{number}"
        try:
            held = wallet.hold_earnings(user_id=partner.user_id, currency="INR", key=key)
        except Conflict:
            return
        wallet.settle_hold(user_id=partner.user_id, currency="INR", key=key, amount=held)

    done = at_once(site_id, approve(0), refund(0), pay(chain[0]), approve(1), refund(1), pay(chain[2]), approve(2))

    assert [str(one) for one in done if isinstance(one, Exception)] == []
    with site_context(site_id):
        assert Commission.objects.filter(status="pending").count() == 0
        for level, partner in zip((3, 2, 1), chain[:3], strict=True):
            worth = sum(Commission.objects.filter(partner=partner).values_list("amount", flat=True))
            assert worth == 12 * {1: 1_000, 2: 500, 3: 200}[level]
            paid = Partner.objects.filter(pk=partner.pk) and _paid_out(partner)
            assert wallets.wallet_summary(partner.user_id).balance == worth - paid
        assert wallets.contradictions() == []


def _paid_out(partner):
    from apps.wallet.models import Posting

    rows = Posting.objects.filter(account__user_id=partner.user_id, entry__kind="payout", account__kind="held")
    return -sum(rows.values_list("amount", flat=True))


def test_two_who_change_one_plan_or_one_partners_rates_follow_each_other(site_id):
    with site_context(site_id):
        version = make_plan(*percent("0.10"))
        partner = make_partner()

    done = at_once(
        site_id,
        *[lambda: services.update_plan(plan=version.plan, terms={"name": "New"}, rules=None, actor=SYSTEM)] * 3,
        *[lambda: services.set_overrides(partner=partner, rules=percent("0.20"), actor=SYSTEM)] * 3,
    )

    assert [str(one) for one in done if isinstance(one, Exception)] == []
    assert {draft.version for draft in done[:3]} == {2}
    assert len({rows[0].pk for rows in done[3:]}) == 1


def test_one_delivery_is_what_three_are(site_id):
    """The oracle of the others: the same work once."""
    with site_context(site_id):
        make_plan(*percent("0.10", "0.05"))
        order = make_order(make_chain(3)[-1])
        services.commission_orders([order.pk])
        assert amounts() == {1: 10_000, 2: 5_000}
