"""Our payouts against the gateway's own record, and R8: faults lose nothing and double nothing."""

import pytest

from apps.payouts import services
from apps.payouts.models import Payout, PayoutTransfer
from apps.payouts.tests.factories import begin, make_partner, push_all
from apps.wallet import selectors as wallet


@pytest.fixture
def paid(stripe, site):
    payout = begin(*make_partner("ann", 5000, kind="stripe_connect", account_id="acct_annann"))
    push_all()
    return payout


def differences(site):
    return [(row.kind, row.our_amount, row.their_amount) for row in services.reconcile(site_id=site.pk)]


def test_what_agrees_is_no_difference(paid, site):
    assert differences(site) == []


def test_one_that_the_gateway_never_had(paid, site, stripe):
    stripe.server.store.rows("DELETE FROM object WHERE kind = 'transfer'")

    assert differences(site) == [("missing_there", 5000, None)]


def test_one_that_we_never_had_and_one_that_it_has_twice(paid, site, stripe, held_by):
    stripe.server.store.save("acct_ALPHA", held_by()[0] | {"id": "tr_stranger", "transfer_group": "other", "amount": 7})
    stripe.server.store.save("acct_ALPHA", held_by()[1] | {"id": "tr_again"})

    assert sorted(differences(site)) == [("missing_here", None, 7), ("twice", 5000, 5000)]


def test_another_amount_and_another_state(paid, site, stripe, held_by):
    stripe.server.store.save("acct_ALPHA", held_by()[0] | {"amount": 4000, "amount_reversed": 4000, "reversed": True})

    assert differences(site) == [("amount", 5000, 4000), ("state", 5000, 4000)]


def test_a_gateway_that_does_not_answer_is_told(paid, site, settings):
    settings.STRIPE_API_BASE = "http://127.0.0.1:9"

    assert [row.kind for row in services.reconcile(site_id=site.pk)] == ["unreachable"]


def test_comparing_asks_about_what_was_unknown(stripe, site):
    payout = begin(*make_partner("ann", 5000, kind="stripe_connect", account_id="acct_annann"))
    stripe.faults(next_after_commit_500=1)
    push_all()

    assert differences(site) == []
    payout.refresh_from_db()
    assert payout.status == "completed"


def test_a_hundred_payouts_under_faults_are_held_exactly_once_each(stripe, site, held_by):
    for number in range(100):
        begin(*make_partner(f"p{number}", 1000 + number, kind="stripe_connect", account_id=f"acct_annann{number}"))
    stripe.faults(after_commit_500=0.1, before_500=0.1)

    push_all()
    assert Payout.objects.filter(provider_state="unknown").exists()
    for _ in range(5):
        push_all()
    stripe.faults(after_commit_500=0.0, before_500=0.0)

    assert differences(site) == []
    assert Payout.objects.filter(status="completed").count() == 100
    assert not PayoutTransfer.objects.filter(status__in=PayoutTransfer.OPEN).exists()
    held = {row["transfer_group"]: row["amount"] for row in held_by()}
    assert (held, len(held_by())) == ({str(row.pk): row.amount for row in Payout.objects.all()}, 100)
    assert wallet.contradictions() == []
