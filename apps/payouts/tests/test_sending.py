"""A payout by Stripe Connect: once, whatever goes wrong on the way; and what is said of it later (R8, H9, P10)."""

import pytest
from django.utils import timezone

from apps.audit.models import AuditEvent
from apps.audit.services import SYSTEM
from apps.core import inbox, outbox
from apps.core.errors import Conflict, Invalid
from apps.core.models import OutboxEvent
from apps.fraud.services import freeze_partner, lift_freeze
from apps.payments.tests.factories import event
from apps.payouts import services
from apps.payouts.gateways import Reported, Stage
from apps.payouts.models import ConnectAccount, OwnMethod, Payout, PayoutMethod, PayoutTransfer
from apps.payouts.services.connecting import begin_connecting
from apps.payouts.services.events import take_stripe_transfer
from apps.payouts.services.sending import _claim, apply_report, locked
from apps.payouts.tasks import push_payouts_of_site
from apps.payouts.tests.factories import begin, make_partner, money, push_all
from apps.referrals.services import join
from apps.wallet import selectors as wallet
from apps.wallet.models import Entry


@pytest.fixture
def ann(site):
    return make_partner("ann", 5000, kind="stripe_connect", account_id="acct_annann")


def test_a_gateway_is_asked_after_the_commit_and_the_payout_is_then_paid(stripe, ann, held_by):
    payout = begin(*ann)
    assert (payout.status, payout.gateway, held_by()) == ("processing", "stripe_connect", [])

    assert push_all() == []

    payout.refresh_from_db()
    made = held_by()[0]
    assert (payout.status, payout.reference, payout.provider_state) == ("completed", made["id"], "paid")
    assert (made["amount"], made["currency"], made["destination"]) == (5000, "inr", "acct_annann")
    assert made["metadata"]["payout_id"] == str(payout.pk)
    assert money(ann[0]) == (0, 0)
    assert wallet.contradictions() == []


@pytest.mark.parametrize("fault", ["after_commit_500", "before_500"])
def test_an_unknown_outcome_is_asked_about_and_never_sent_twice(stripe, ann, held_by, fault):
    payout = begin(*ann)
    stripe.faults(**{fault: 1.0})

    assert len(push_all()) == 1
    payout.refresh_from_db()
    assert (payout.status, payout.provider_state) == ("processing", "unknown")
    assert money(ann[0]) == (0, 5000)
    stripe.faults(**{fault: 0.0})
    assert push_all() == []

    payout.refresh_from_db()
    assert (payout.status, payout.provider_state, len(held_by())) == ("completed", "paid", 1)
    assert wallet.contradictions() == []


def test_one_that_stripe_never_opened_an_account_for_fails_and_holds_up_nobody(stripe, site, held_by):
    user, _ = make_partner("ben", 4000)
    account = begin_connecting(user=user, details={})
    ConnectAccount.objects.filter(pk=account.pk).update(state="ready")
    payout = begin(user, OwnMethod.objects.get(pk=account.method_id))

    assert push_all() == []

    payout.refresh_from_db()
    assert (payout.status, payout.reason) == ("failed", "Stripe has opened no account for this payout method")
    assert (money(user), held_by()) == ((4000, 0), [])


def test_what_the_gateway_refuses_returns_to_the_wallet_with_the_reason(stripe, site, held_by):
    user, method = make_partner("ben", 4000, kind="stripe_connect", account_id="acct_closedone")
    payout = begin(user, method)

    push_all()

    payout.refresh_from_db()
    assert (payout.status, held_by()) == ("failed", [])
    assert "No such destination" in payout.reason
    assert money(user) == (4000, 0)
    assert wallet.contradictions() == []


def test_staff_try_a_failed_one_again_once_under_a_key_of_its_own(stripe, site, make_user):
    user, method = make_partner("ben", 4000, kind="stripe_connect", account_id="acct_closedone")
    payout, staff = begin(user, method), make_user(roles=["affiliate_manager"])
    with pytest.raises(Conflict) as early:
        services.retry_payout(payout=payout, actor=staff)
    push_all()

    again = services.retry_payout(payout=payout, actor=staff)

    assert (early.value.code, again.status, again.retry_of_id, money(user)) == (
        "invalid_state",
        "requested",
        payout.pk,
        (0, 4000),
    )
    assert again.pk != payout.pk
    with pytest.raises(Conflict) as twice:
        services.retry_payout(payout=payout, actor=staff)
    assert (twice.value.code, Payout.objects.count()) == ("already_retried", 2)


def test_nothing_is_tried_again_that_arrived_after_all(stripe, site, make_user):
    user, method = make_partner("ben", 4000, kind="stripe_connect", account_id="acct_benben")
    payout, staff = begin(user, method), make_user(roles=["affiliate_manager"])
    transfer = PayoutTransfer.objects.get()
    for stage, state in ((Stage.FAILED, "failed"), (Stage.COMPLETED, "paid")):
        apply_report(locked(transfer.pk), Reported("tr_1", str(payout.pk), stage, state))

    with pytest.raises(Conflict) as refused:
        services.retry_payout(payout=payout, actor=staff)

    assert (refused.value.code, Payout.objects.count(), money(user)) == ("invalid_state", 1, (4000, 0))


def test_a_difference_that_a_person_has_settled_stops_nobody(stripe, site, make_user):
    user, method = make_partner("ben", 4000, kind="stripe_connect", account_id="acct_benben")
    payout, staff = begin(user, method), make_user(roles=["affiliate_manager"])
    transfer = PayoutTransfer.objects.get()
    for stage, state in ((Stage.FAILED, "failed"), (Stage.COMPLETED, "paid")):
        apply_report(locked(transfer.pk), Reported("tr_1", str(payout.pk), stage, state))
    with pytest.raises(Invalid):
        services.settle_difference(transfer=transfer, actor=staff, reason=" ")
    assert PayoutTransfer.objects.exclude(difference="").exists()

    services.settle_difference(transfer=transfer, actor=staff, reason="Stripe took it back by hand")

    event = AuditEvent.objects.get(action="payout.difference_settled")
    assert (event.reason, "after it was known" in event.before["difference"]) == ("Stripe took it back by hand", True)
    assert money(user) == (4000, 0)
    with pytest.raises(Conflict) as twice:
        services.settle_difference(transfer=transfer, actor=staff, reason="Again")
    assert twice.value.code == "invalid_state"
    assert services.retry_payout(payout=payout, actor=staff).status == "requested"


def test_nothing_is_tried_again_to_a_method_that_its_owner_removed(stripe, site, make_user):
    user, method = make_partner("ben", 4000, kind="stripe_connect", account_id="acct_closedone")
    payout, staff = begin(user, method), make_user(roles=["affiliate_manager"])
    push_all()
    services.remove_method(method=method, actor=user)

    with pytest.raises(Conflict) as refused:
        services.retry_payout(payout=payout, actor=staff)

    assert (refused.value.code, Payout.objects.count(), money(user)) == ("method_not_ready", 1, (4000, 0))


def test_a_frozen_account_is_not_sent_to_and_keeps_its_money(stripe, ann, held_by):
    partner = join(user=ann[0])
    payout = begin(*ann)
    freeze_partner(partner=partner, reason="odd", actor=SYSTEM)

    push_all()

    payout.refresh_from_db()
    assert (payout.status, held_by(), money(ann[0])) == ("failed", [], (5000, 0))
    assert "frozen" in payout.reason


def test_who_refuses_to_send_keeps_it_from_the_others_until_it_has_failed(stripe, ann):
    """Thawed between the two transactions of a refusal, another worker would send what the first is about to release."""
    partner = join(user=ann[0])
    begin(*ann)
    freeze = freeze_partner(partner=partner, reason="odd", actor=SYSTEM)
    transfer = PayoutTransfer.objects.get()

    claimed = _claim(transfer.pk)
    lift_freeze(freeze=freeze, reason="fine", actor=SYSTEM)

    assert (claimed.is_first, claimed.may_send) == (True, False)
    assert _claim(transfer.pk) is None


def test_a_gateway_that_left_the_settings_is_unknown_and_stops_nobody_else(stripe, ann, held_by, settings, site):
    there = settings.UPLINE_PAYOUT_GATEWAYS
    settings.UPLINE_PAYOUT_GATEWAYS = {"gone": there["stripe_connect"], **there}
    begin(*ann)
    settings.UPLINE_PAYOUT_GATEWAYS = there
    first = PayoutTransfer.objects.get(gateway="gone")
    begin(*make_partner("cat", 3000, kind="stripe_connect", account_id="acct_catcat"))

    assert push_payouts_of_site(str(site.pk)) == 1

    first.refresh_from_db()
    assert (first.status, first.payout.status, first.payout.provider_state) == ("waiting", "processing", "unknown")
    assert first.next_at > timezone.now()
    assert len(held_by()) == 1
    assert [one.kind for one in services.reconcile(site_id=site.pk) if one.gateway == "gone"] == ["unreachable"]


def test_details_that_do_not_open_are_unknown_and_nothing_is_sent(stripe, held_by):
    user, _ = make_partner("dan", 5000)
    method = PayoutMethod.objects.create(
        user=user, kind="stripe_connect", label="Stripe", details="sealed by another key"
    )
    ConnectAccount.objects.create(method=method, account_id="acct_lost", state=ConnectAccount.State.READY)
    payout = begin(user, OwnMethod.objects.get(pk=method.pk))

    assert push_all() == ["The details of the payout method can't be opened"]

    payout.refresh_from_db()
    assert (payout.status, payout.provider_state, money(user), held_by()) == ("processing", "unknown", (0, 5000), [])


def test_an_event_says_it_before_we_know_and_twice_is_once(stripe, ann, held_by):
    payout = begin(*ann)
    stripe.faults(next_after_commit_500=1)
    push_all()
    told = held_by()[0]

    assert take_stripe_transfer(told, "acct_ALPHA") == ""
    assert take_stripe_transfer(told, "acct_ALPHA") == "known already"

    payout.refresh_from_db()
    assert (payout.status, money(ann[0])) == ("completed", (0, 0))
    assert Entry.objects.filter(kind="payout").count() == 1
    assert take_stripe_transfer(told, "acct_other") is None
    assert take_stripe_transfer(told | {"transfer_group": "group"}, "acct_ALPHA") is None
    assert take_stripe_transfer({"id": "tr_1"}, "acct_ALPHA") is None


@pytest.mark.parametrize(
    ("news", "why"),
    [({"amount": 4999}, "amount"), ({"currency": "usd"}, "currency"), ({"destination": "acct_other1"}, "destination")],
)
def test_another_amount_or_destination_moves_nothing_and_is_written_down(stripe, ann, held_by, news, why):
    payout = begin(*ann)
    stripe.faults(next_after_commit_500=1)
    push_all()

    said = take_stripe_transfer(held_by()[0] | news, "acct_ALPHA")

    payout.refresh_from_db()
    transfer = PayoutTransfer.objects.get()
    assert why in said
    assert (payout.status, transfer.difference, money(ann[0])) == ("processing", said, (0, 5000))


def test_one_that_goes_back_later_is_a_difference_for_people(stripe, ann, held_by):
    payout = begin(*ann)
    push_all()
    made = held_by()[0]

    take_stripe_transfer(made | {"amount_reversed": 5000, "reversed": True}, "acct_ALPHA")

    payout.refresh_from_db()
    assert payout.status == "completed"
    assert "Went back" in PayoutTransfer.objects.get().difference
    assert money(ann[0]) == (0, 0)


def test_that_it_was_made_is_older_news_than_that_it_went_back(stripe, ann, held_by, make_user):
    """Stripe's events overtake each other: nothing differs, so it may be tried again."""
    payout = begin(*ann)
    stripe.faults(next_after_commit_500=1)
    push_all()
    made = held_by()[0]

    take_stripe_transfer(made | {"amount_reversed": made["amount"], "reversed": True}, "acct_ALPHA")
    take_stripe_transfer(made, "acct_ALPHA")

    payout.refresh_from_db()
    assert (payout.status, money(ann[0]), PayoutTransfer.objects.get().difference) == ("failed", (5000, 0), "")
    assert services.retry_payout(payout=payout, actor=make_user(roles=["affiliate_manager"])).status == "requested"


def test_a_webhook_at_the_door_completes_it(stripe, ann, held_by, deliver):
    payout = begin(*ann)
    stripe.faults(next_after_commit_500=1)
    push_all()
    told = event("transfer.created", held_by()[0])

    inbox.receive("stripe", event_id=told["id"], kind=told["type"], payload=told | {"signed_by": "acct_ALPHA"})
    deliver()

    payout.refresh_from_db()
    assert payout.status == "completed"


def test_every_state_is_told(site, make_user, monkeypatch):
    monkeypatch.setattr(
        outbox,
        "_by_topic",
        outbox._by_topic | {"payout.changed": {"test": outbox.Subscription("payout.changed", "test", "x", 1)}},
    )
    user, method = make_partner(
        "ann", 5000, kind="bank", account_holder="Ann", account_number="12345678", bank_code="HDFC0001"
    )

    begin(user, method)

    told = OutboxEvent.objects.filter(topic="payout.changed").order_by("id").values_list("payload", flat=True)
    assert [(one["before"], one["status"]) for one in told] == [
        ("", "requested"), ("requested", "approved"), ("processing", "completed"),
    ]  # fmt: skip


def test_a_gateway_that_answers_nothing_is_left_in_peace_after_three(stripe, site):
    for number in range(5):
        begin(*make_partner(f"p{number}", 1000, kind="stripe_connect", account_id=f"acct_annann{number}"))
    stripe.faults(before_500=1.0)

    assert push_payouts_of_site(str(site.pk)) == 0
    assert sorted(PayoutTransfer.objects.values_list("tries", flat=True)) == [0, 0, 1, 1, 1]
