"""What Stripe's events do, in whatever order they come (R4, X10)."""

from itertools import permutations

import pytest

from apps.core.models import InboxEvent
from apps.payments.models import Dispute, PaymentRefund
from apps.payments.tests.conftest import Told
from apps.payments.tests.factories import charge_of, dispute_of, intent_of, make_payment, refund_of


def state(payment):
    payment.refresh_from_db()
    return payment.status, payment.refunded_amount


def test_paid_once_however_often_it_is_told(tell, told):
    payment = make_payment()

    rows = [tell("payment_intent.succeeded", intent_of(payment)) for _ in range(3)]

    assert told == [("paid", 10_000)]
    assert state(payment) == ("succeeded", 0)
    assert [row.status for row in rows] == ["done", "ignored", "ignored"]
    assert payment.charge_id == f"ch_{payment.provider_id}"


def test_a_card_that_was_refused_may_be_tried_again(tell, told):
    payment = make_payment()
    error = {"last_payment_error": {"message": "Your card was declined."}}

    tell("payment_intent.payment_failed", intent_of(payment, amount_received=0, **error))
    tell("payment_intent.succeeded", intent_of(payment))
    late = tell("payment_intent.payment_failed", intent_of(payment, amount_received=0, **error))

    assert told == [("failed: Your card was declined.", 0), ("paid", 10_000)]
    assert (late.status, state(payment)) == ("ignored", ("succeeded", 0))


REFUNDS = {
    "paid": lambda payment: ("payment_intent.succeeded", intent_of(payment)),
    "charge": lambda payment: ("charge.refunded", charge_of(payment, 3_000)),
    "charge again": lambda payment: ("charge.refunded", charge_of(payment, 5_000)),
    "first": lambda payment: ("refund.created", refund_of(payment, 3_000, "re_first")),
    "first again": lambda payment: ("refund.updated", refund_of(payment, 3_000, "re_first")),
    "second": lambda payment: ("refund.created", refund_of(payment, 2_000, "re_second")),
}


@pytest.mark.parametrize("seed", range(12))
def test_refunds_add_up_in_any_order(tell, told, seed):
    payment = make_payment()
    orders = list(permutations(REFUNDS))

    for name in orders[seed * len(orders) // 12]:
        tell(*REFUNDS[name](payment))

    assert told[0] == ("paid", 10_000)
    assert {what for what, _ in told[1:]} == {"refunded"}
    assert sum(amount for _, amount in told[1:]) == 5_000
    assert state(payment) == ("succeeded", 5_000)


def test_a_refund_before_it_was_paid_waits_for_that(tell, told):
    payment = make_payment()

    tell("charge.refunded", charge_of(payment, 10_000))
    assert told == []
    tell("payment_intent.succeeded", intent_of(payment))

    assert told == [("paid", 10_000), ("refunded", 10_000)]


def test_a_dispute_that_is_lost_is_a_refund_once(tell, told):
    payment = make_payment()
    tell("payment_intent.succeeded", intent_of(payment))

    tell("charge.dispute.created", dispute_of(payment, 4_000))
    tell("charge.dispute.funds_withdrawn", dispute_of(payment, 4_000))
    tell("charge.dispute.closed", dispute_of(payment, 4_000, status="lost"))
    tell("charge.dispute.closed", dispute_of(payment, 4_000, status="lost"))
    late = tell("charge.dispute.created", dispute_of(payment, 4_000))

    assert told[1:] == [("dispute open", 4_000), ("dispute lost", 4_000), ("refunded", 4_000)]
    assert (late.status, Dispute.objects.get().status) == ("ignored", "lost")


def test_a_dispute_that_is_won_moves_nothing(tell, told):
    payment = make_payment()
    tell("payment_intent.succeeded", intent_of(payment))

    tell("charge.dispute.closed", dispute_of(payment, status="won"))
    tell("charge.dispute.created", dispute_of(payment))

    assert told[1:] == [("dispute won", 10_000)]
    assert state(payment) == ("succeeded", 0)


def test_refunds_and_disputes_together_never_exceed_the_payment(tell, told):
    payment = make_payment()
    tell("payment_intent.succeeded", intent_of(payment))
    tell("charge.refunded", charge_of(payment, 7_000))

    tell("charge.dispute.closed", dispute_of(payment, 10_000, status="lost"))

    assert told[1:] == [("refunded", 7_000), ("dispute lost", 10_000), ("refunded", 3_000)]


def test_a_refund_that_failed_at_the_bank_is_seen(tell, told):
    payment = make_payment()
    tell("payment_intent.succeeded", intent_of(payment))
    tell("refund.created", refund_of(payment, 1_000, "re_x"))

    tell("refund.failed", refund_of(payment, 1_000, "re_x", status="failed", failure_reason="expired_or_canceled_card"))

    refund = PaymentRefund.objects.get()
    assert (refund.status, refund.failure) == ("failed", "expired_or_canceled_card")


def test_what_nobody_wants_any_more_is_given_back(tell, told):
    payment = make_payment(status="cancelled")
    Told.wanted = False

    tell("payment_intent.succeeded", intent_of(payment))

    refund = PaymentRefund.objects.get()
    assert (refund.status, refund.amount, refund.external_id) == ("requested", 10_000, "unwanted")


def test_a_crash_before_the_intent_was_kept_is_mended_by_its_metadata(tell, told):
    lost = make_payment(status="created", provider_id=None)
    kept = make_payment(status="open", provider_id="pi_kept")

    other = tell("payment_intent.succeeded", intent_of(kept, id="pi_another"))
    mended = tell("payment_intent.succeeded", intent_of(lost, id="pi_lost"))

    assert (other.status, mended.status) == ("ignored", "done")
    lost.refresh_from_db()
    assert (lost.status, lost.provider_id) == ("succeeded", "pi_lost")


def test_a_charge_that_came_back_before_its_intent_was_kept_is_found_by_its_metadata(tell, told):
    payment = make_payment(status="created", provider_id=None)
    about = {"site": "ALPHA", "payment_id": str(payment.pk)}

    foreign = tell("charge.refunded", charge_of(payment, 10, payment_intent="pi_a", metadata=about | {"site": "BETA"}))
    tell("charge.refunded", charge_of(payment, 3_000, payment_intent="pi_a", metadata=about))
    tell("payment_intent.succeeded", intent_of(payment, id="pi_a"))

    assert foreign.status == "ignored"
    assert told == [("paid", 10_000), ("refunded", 3_000)]


FOREIGN = {
    "an unknown intent": lambda payment: ("payment_intent.succeeded", intent_of(payment, id="pi_x", metadata={}), {}),
    "another site's": lambda payment: ("payment_intent.succeeded", intent_of(payment, metadata={"site": "BETA"}), {}),
    "another amount": lambda payment: ("payment_intent.succeeded", intent_of(payment, amount=9_999), {}),
    "less was received": lambda payment: ("payment_intent.succeeded", intent_of(payment, amount_received=1), {}),
    "another currency": lambda payment: ("payment_intent.succeeded", intent_of(payment, currency="usd"), {}),
    "another account": lambda payment: ("payment_intent.succeeded", intent_of(payment), {"account": "acct_beta"}),
    "the other mode": lambda payment: ("payment_intent.succeeded", intent_of(payment), {"livemode": True}),
    "no object": lambda payment: ("payment_intent.succeeded", None, {}),
    "another kind": lambda payment: ("customer.created", intent_of(payment), {}),
    "too large a refund": lambda payment: ("charge.refunded", charge_of(payment, 10_001), {}),
    "a refund of nobody's": lambda payment: ("charge.refunded", charge_of(payment, 1, payment_intent="pi_x"), {}),
    "a negative refund": lambda payment: ("refund.created", refund_of(payment, -5), {}),
    "a refund in dollars": lambda payment: ("refund.created", refund_of(payment, 5, currency="usd"), {}),
    "a dispute too large": lambda payment: ("charge.dispute.created", dispute_of(payment, 10_001), {}),
    "an inquiry": lambda payment: ("charge.dispute.created", dispute_of(payment, status="warning_needs_response"), {}),
    "an amount of text": lambda payment: ("refund.created", refund_of(payment, "5"), {}),
}


@pytest.mark.parametrize("name", FOREIGN)
def test_what_is_not_for_us_moves_nothing_and_says_why(tell, told, name):
    payment = make_payment()
    kind, found, top = FOREIGN[name](payment)

    row = tell(kind, found, **top)

    assert (row.status, bool(row.note)) == ("ignored", True)
    assert told == []
    assert state(payment) == ("open", 0)
    assert PaymentRefund.objects.count() == Dispute.objects.count() == 0


def test_the_same_event_twice_is_one_row(site, account, told, deliver, client):
    from apps.payments.tests.factories import event, send

    payment = make_payment()
    happened = event("payment_intent.succeeded", intent_of(payment))

    answers = [send(client, happened).status_code for _ in range(3)]
    deliver()

    assert answers == [200, 200, 200]
    assert InboxEvent.objects.count() == 1
    assert told == [("paid", 10_000)]
