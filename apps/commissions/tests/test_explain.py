"""X1: everything an amount follows from, in one answer; and the amount does follow from it."""

import json

import pytest
from django.core.serializers.json import DjangoJSONEncoder

from apps.audit.services import SYSTEM
from apps.commissions import engine, selectors, services
from apps.commissions.models import Commission
from apps.referrals.services import move_partner
from apps.referrals.tests.factories import make_chain, make_partner
from apps.wallet import services as wallet

from .engine_values import flat, percent
from .factories import approve_all, make_order, make_plan, refund_order, set_status

pytestmark = pytest.mark.usefixtures("site")


def explained(commission):
    """As it goes over the wire."""
    return json.loads(json.dumps(selectors.explain(commission), cls=DjangoJSONEncoder))


def test_the_whole_of_it(deliver):
    version = make_plan(*percent("0.10", "0.0275", category="server"), compression="standard", name="Summer")
    top, lazy, buyer = make_chain(3)
    first = make_partner(top)
    set_status(lazy, "inactive")

    order = make_order(buyer, ("server", 99_901, 3))
    deliver()
    explanation = explained(Commission.objects.get())

    commission = Commission.objects.get()
    line = order.lines.get()
    assert first.pk != commission.partner_id
    assert explanation == {
        "commission_id": str(commission.pk),
        "kind": "commission",
        "clawback_of": None,
        "line": {"id": str(line.pk), "category": "server", "quantity": 3, "amount": 99_901},
        "plan": {
            "id": str(version.plan_id),
            "version": 1,
            "name": "Summer",
            "base": "order",
            "compression": "standard",
        },
        "rule": {"category": "server", "level": 1, "kind": "percent", "value": "0.10", "cap": None},
        "override": False,
        "base_amount": 99_901,
        "rate": "0.10",
        "flat_amount": None,
        "exact": "9990.1",
        "rounding": "half_up",
        "capped": False,
        "amount": 9990,
        "refund": None,
        "reversed_amount": 0,
        "current_amount": 9990,
        "currency": "INR",
        "path": [
            {
                "partner_id": str(lazy.pk),
                "level": 1,
                "name": lazy.user.full_name,
                "status": "inactive",
                "skipped": True,
            },
            {"partner_id": str(top.pk), "level": 2, "name": top.user.full_name, "status": "active", "skipped": False},
        ],
        "as_of": order.recorded_at.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
    }


def test_every_kind_of_rule_is_recomputed_from_its_explanation_alone(deliver):
    make_plan(
        *percent("0.029", "0.333", category="a"),
        *percent("0.50", "0.50", category="b", cap=77),
        *flat(33, 11, category="c", cap=50),
        base="commission",
    )
    top, _, buyer = make_chain(3)
    services.set_overrides(partner=top, rules=percent(None, "0.07", category="a"), actor=SYSTEM)

    make_order(buyer, ("a", 1234), ("b", 9999), ("c", 500, 7), ("a", 3))
    deliver()

    found = [(engine.recompute(explained(row)), row.amount) for row in Commission.objects.all()]
    assert len(found) == 6
    assert [again for again, _ in found] == [amount for _, amount in found]


def test_a_clawback_too(deliver):
    make_plan(*percent("0.333"))
    sponsor, buyer = make_chain(2)
    order = make_order(buyer, ("a", 1000))
    deliver()
    approve_all()
    held = wallet.hold_earnings(user_id=sponsor.user_id, currency="INR", key="p")
    wallet.settle_hold(user_id=sponsor.user_id, currency="INR", key="p", amount=held)

    for amount in (101, 333, None):
        refund_order(order, amount)
        deliver()

    clawbacks = list(Commission.objects.filter(kind="clawback").order_by("id"))
    assert [row.amount for row in clawbacks] == [-34, -111, -188]
    for row in clawbacks:
        explanation = explained(row)
        assert engine.recompute(explanation) == explanation["amount"] == row.amount
    assert explained(clawbacks[1])["refund"] == {"before": 101, "after": 434}


def test_what_happened_since_does_not_change_it(deliver):
    make_plan(*percent("0.10"))
    sponsor, buyer = make_chain(2)
    make_order(buyer)
    deliver()
    before = explained(Commission.objects.get())

    make_plan(*percent("0.90"))
    services.set_overrides(partner=sponsor, rules=percent("0.80"), actor=SYSTEM)
    move_partner(partner=buyer, new_sponsor=make_partner(), reason="Asked for it", actor=SYSTEM)
    set_status(sponsor, "inactive")

    assert explained(Commission.objects.get()) == before


def test_an_amount_that_a_refund_shrank_is_told_beside_the_one_computed(deliver):
    make_plan(*percent("0.10"))
    order = make_order(make_chain(2)[-1])
    deliver()

    refund_order(order, 25_000)
    deliver()

    explanation = explained(Commission.objects.get())
    assert engine.recompute(explanation) == explanation["amount"] == 10_000
    assert (explanation["reversed_amount"], explanation["current_amount"]) == (2_500, 7_500)
