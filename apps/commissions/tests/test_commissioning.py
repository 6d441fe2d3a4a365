"""From a paid order to its commissions: once, at the terms that held then (T9, X2, X3)."""

from datetime import timedelta

import pytest
from django.utils import timezone

from apps.audit.services import SYSTEM
from apps.commissions import services
from apps.commissions.models import Commission, CommissionOutcome
from apps.core.models import OutboxEvent
from apps.referrals.services import move_partner
from apps.referrals.tests.factories import make_chain, make_partner

from .engine_values import flat, percent
from .factories import amounts, make_order, make_plan, set_status

pytestmark = pytest.mark.usefixtures("site")
TRADING = percent("0.10", "0.05", "0.03", "0.02", "0.02", *["0.01"] * 5, *["0.005"] * 10)


def reasons():
    return dict(CommissionOutcome.objects.order_by("level").values_list("level", "reason"))


class TestTwentyLevels:
    def test_the_twenty_above_are_paid_and_the_next_is_not(self, deliver):
        make_plan(*TRADING)
        chain = make_chain(22)

        order = make_order(chain[-1], ("brokerage", 100_000))
        deliver()

        assert amounts() == {
            1: 10_000, 2: 5_000, 3: 3_000, 4: 2_000, 5: 2_000, **dict.fromkeys(range(6, 11), 1_000),
            **dict.fromkeys(range(11, 21), 500),
        }  # fmt: skip
        paid = Commission.objects.order_by("level").values_list("partner_id", flat=True)
        assert list(paid) == [partner.pk for partner in reversed(chain[1:21])]
        assert CommissionOutcome.objects.count() == 0
        order.refresh_from_db()
        assert order.commissioned_at is not None

    def test_a_second_delivery_changes_nothing(self, deliver):
        make_plan(*percent("0.10"))
        order = make_order(make_chain(2)[-1])
        deliver()

        assert services.commission_orders([order.pk, order.pk]) == 0
        OutboxEvent.objects.filter(topic="order.paid").update(done_at=None)
        deliver()

        assert amounts() == {1: 10_000}

    def test_what_a_row_says(self, deliver):
        version = make_plan(*percent("0.125", category="server", cap=9_000), hold_days=7)
        sponsor, buyer = make_chain(2)
        paid_at = timezone.now() - timedelta(days=3)

        order = make_order(buyer, ("server", 100_000, 2), paid_at=paid_at)
        deliver()

        row = Commission.objects.get()
        assert (row.partner_id, row.user_id, row.source_user_id) == (sponsor.pk, sponsor.user_id, buyer.user_id)
        assert (row.order_id, row.line_id, row.version_id) == (order.pk, order.lines.get().pk, version.pk)
        assert (row.source_kind, row.source_id, row.level, row.distance) == ("order", order.pk, 1, 1)
        assert (row.rule_category, row.rule_kind, str(row.rate), row.cap) == ("server", "percent", "0.12500000", 9_000)
        assert (row.base_amount, row.exact, row.amount, row.original_amount) == (100_000, 12_500, 9_000, 9_000)
        assert (row.status, row.currency, row.override, row.auto_approve) == ("pending", "INR", False, False)
        assert (row.earned_at, row.hold_until) == (paid_at, paid_at + timedelta(days=7))


class TestTerms:
    def test_the_version_is_the_one_in_force_when_the_order_was_recorded(self, deliver):
        first = make_plan(*percent("0.10"))
        order = make_order(make_chain(2)[-1])

        make_plan(*percent("0.90"))
        deliver()

        assert amounts() == {1: 10_000}
        assert Commission.objects.get(order=order).version == first

    def test_so_are_the_overrides(self, deliver):
        make_plan(*percent("0.10", "0.05"))
        top, sponsor, buyer = make_chain(3)
        services.set_overrides(partner=sponsor, rules=percent("0.25"), actor=SYSTEM)
        services.set_overrides(partner=top, rules=flat(1, 77), actor=SYSTEM)
        make_order(buyer)

        services.set_overrides(partner=sponsor, rules=percent("0.90"), actor=SYSTEM)
        services.set_overrides(partner=top, rules=[], actor=SYSTEM)
        deliver()

        assert amounts() == {1: 25_000, 2: 77}
        assert set(Commission.objects.values_list("override", flat=True)) == {True}

    def test_and_the_upline(self, deliver):
        make_plan(*percent("0.10"))
        sponsor, buyer = make_chain(2)
        make_order(buyer)

        move_partner(partner=buyer, new_sponsor=make_partner(), reason="Asked for it", actor=SYSTEM)
        set_status(sponsor, "inactive")
        deliver()

        assert Commission.objects.get().partner_id == sponsor.pk

    def test_each_order_of_a_batch_by_its_own(self, deliver):
        make_plan(*percent("0.10"))
        buyer = make_chain(2)[-1]
        old = make_order(buyer)
        make_plan(*percent("0.20"))
        new = make_order(buyer)

        deliver()

        assert (amounts(order=old), amounts(order=new)) == ({1: 10_000}, {1: 20_000})


class TestOutcomes:
    def test_every_level_has_a_commission_or_a_reason(self, deliver):
        make_plan(*percent("0.10", None, "0.05", "0.04", "0.03", "0.02"), depth=8)
        chain = make_chain(7)
        set_status(chain[3], "frozen")
        set_status(chain[2], "inactive")

        make_order(chain[-1])
        deliver()

        assert amounts() == {1: 10_000, 5: 3_000, 6: 2_000}
        assert reasons() == {2: "no_rule", 3: "frozen", 4: "inactive_partner", 7: "house", 8: "house"}
        named = CommissionOutcome.objects.order_by("level").values_list("partner_id", flat=True)
        assert list(named) == [chain[4].pk, chain[3].pk, chain[2].pk, None, None]

    def test_per_line_each_by_its_category(self, deliver):
        make_plan(*percent("0.20", category="server"), *flat(10_000, category="domain"))

        make_order(make_chain(2)[-1], ("server", 1_000_000), ("domain", 199_800, 2), ("sticker", 500))
        deliver()

        paid = Commission.objects.order_by("category").values_list("category", "amount")
        assert list(paid) == [("domain", 20_000), ("server", 200_000)]
        assert CommissionOutcome.objects.get().line.category == "sticker"

    def test_nobody_above_is_the_house(self, deliver):
        make_plan(*percent("0.10", "0.05"))

        make_order(make_partner())
        make_order()
        deliver()

        assert Commission.objects.count() == 0
        assert CommissionOutcome.objects.filter(reason="house").count() == 4

    def test_a_guest_pays_the_partner_who_brought_them(self, deliver):
        make_plan(*percent("0.10", "0.05"))
        top, sponsor = make_chain(2)

        make_order(None, below=sponsor)
        deliver()

        paid = Commission.objects.order_by("level").values_list("partner_id", "amount", "source_user_id")
        assert list(paid) == [(sponsor.pk, 10_000, None), (top.pk, 5_000, None)]

    def test_without_any_plan_the_reason_is_that_there_is_no_rule(self, deliver):
        order = make_order(make_chain(3)[-1])
        deliver()

        assert reasons() == {1: "no_rule"}
        order.refresh_from_db()
        assert order.commissioned_at is not None

    def test_compression_moves_people_down(self, deliver):
        make_plan(*percent("0.10", "0.05", "0.03"), compression="standard")
        chain = make_chain(6)
        set_status(chain[4], "inactive")

        make_order(chain[5])
        deliver()

        rows = Commission.objects.order_by("level").values_list("partner_id", "level", "distance", "amount")
        assert list(rows) == [
            (chain[3].pk, 1, 2, 10_000),
            (chain[2].pk, 2, 3, 5_000),
            (chain[1].pk, 3, 4, 3_000),
        ]


class TestManyAtOnce:
    def orders(self, number):
        buyer = make_chain(4)[-1]
        return [make_order(buyer, ("a", 1000 + n), ("b", 500)).pk for n in range(number)]

    def test_the_number_of_statements_does_not_grow_with_the_orders(self, django_assert_num_queries):
        make_plan(*percent("0.10", "0.05", "0.03", "0.01"))
        services.commission_orders(self.orders(1))
        few, many = self.orders(2), self.orders(40)

        with django_assert_num_queries(10):
            services.commission_orders(few)
        with django_assert_num_queries(10):
            services.commission_orders(many)

        assert Commission.objects.count() == 43 * 2 * 3
        assert CommissionOutcome.objects.count() == 43 * 2

    def test_one_that_fails_does_not_keep_the_others(self, deliver, monkeypatch):
        make_plan(*percent("0.10"))
        good, bad = self.orders(2)
        real = services.commissioning.engine.outcomes_for

        def fails_for_bad(line, *args, **kwargs):
            if bad in broken and line.id in broken[bad]:
                raise ArithmeticError("poison")
            return real(line, *args, **kwargs)

        from apps.orders.models import OrderLine

        broken = {bad: set(OrderLine.objects.filter(order_id=bad).values_list("pk", flat=True))}
        monkeypatch.setattr(services.commissioning.engine, "outcomes_for", fails_for_bad)
        with pytest.raises(AssertionError):
            deliver()

        assert Commission.objects.filter(order_id=good).count() == 2
        assert Commission.objects.filter(order_id=bad).count() == 0
        assert (
            OutboxEvent.objects.get(consumer="commissions", topic="order.paid", payload__order_id=str(bad)).attempts
            >= 1
        )


def test_orders_of_another_site_do_not_exist(other_site):
    from apps.core.tenancy import site_context

    make_plan(*percent("0.10"))
    order = make_order(make_chain(2)[-1])

    with site_context(other_site.pk):
        assert services.commission_orders([order.pk]) == 0

    assert Commission.objects.count() == 0
