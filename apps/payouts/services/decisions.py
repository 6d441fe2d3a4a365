"""What staff, and the owner, decide about a payout. Nobody decides their own."""

from uuid import UUID

from django.db import transaction
from django.utils import timezone

from apps.accounts.models import User
from apps.audit import services as audit
from apps.payouts import errors
from apps.payouts.models import Payout
from apps.sites.selectors import site_settings
from apps.wallet import services as wallet
from apps.wallet.services.guards import check_may_leave

Status = Payout.Status


@transaction.atomic
def approve_payout(*, payout: Payout, actor: audit.Actor) -> Payout:
    """REQUESTED → APPROVED. Raises Denied (own payout), Conflict (state; partner_frozen, under_review: the wallet's guards)."""
    payout = _locked(payout, actor)
    check_may_leave(payout.user_id)
    payout.advance(to=Status.APPROVED)
    payout.approved_at, payout.approved_by_id = timezone.now(), _person(actor)
    payout.save(update_fields=["status", "approved_at", "approved_by"])
    audit.record(actor=actor, action="payout.approved", target=payout, after={"amount": payout.amount})
    return payout


@transaction.atomic
def reject_payout(*, payout: Payout, actor: audit.Actor, reason: str) -> Payout:
    """REQUESTED or APPROVED → REJECTED; the money is available again. Raises Denied (own payout), Conflict (state)."""
    payout = _locked(payout, actor)
    payout.advance(to=Status.REJECTED)
    payout.reason, payout.finished_at = reason, timezone.now()
    payout.save(update_fields=["status", "reason", "finished_at"])
    _release(payout)
    audit.record(actor=actor, action="payout.rejected", target=payout, reason=reason)
    return payout


@transaction.atomic
def cancel_payout(*, payout: Payout, user: User) -> Payout:
    """REQUESTED → CANCELLED, by its owner. Raises Conflict (state)."""
    payout = Payout.objects.select_for_update().get(pk=payout.pk, user=user)
    payout.advance(to=Status.CANCELLED)
    payout.finished_at = timezone.now()
    payout.save(update_fields=["status", "finished_at"])
    _release(payout)
    audit.record(actor=user, action="payout.cancelled", target=payout)
    return payout


@transaction.atomic
def process_payout(*, payout: Payout, actor: audit.Actor, reference: str = "") -> Payout:
    """APPROVED → COMPLETED by hand: the transfer was made, `reference` is the bank's. Its commissions become paid.

    Raises Denied (own payout, four eyes), Conflict (state; partner_frozen, under_review).
    """
    payout = _locked(payout, actor)
    _check_four_eyes(payout, actor)
    check_may_leave(payout.user_id)
    payout.advance(to=Status.PROCESSING)
    payout.save(update_fields=["status"])  # the database wants each step, and so does the history
    payout.advance(to=Status.COMPLETED)
    payout.reference, payout.finished_at, payout.processed_by_id = reference, timezone.now(), _person(actor)
    payout.save(update_fields=["status", "reference", "finished_at", "processed_by"])
    wallet.settle_hold(user_id=payout.user_id, currency=payout.currency, key=payout.hold_key, amount=payout.amount)
    audit.record(actor=actor, action="payout.completed", target=payout, after={"reference": reference})
    return payout


def _locked(payout: Payout, actor: audit.Actor) -> Payout:
    found = Payout.objects.select_for_update().get(pk=payout.pk)
    if found.user_id == _person(actor):
        raise errors.own_payout()
    return found


def _check_four_eyes(payout: Payout, actor: audit.Actor) -> None:
    """Where the site wants it, approving and paying are two people. A machine's approval is followed by a person."""
    if payout.approved_at is None or not site_settings().four_eyes:
        return
    if payout.approved_by_id == _person(actor):  # both None: no person had a look at all
        raise errors.four_eyes()


def _release(payout: Payout) -> None:
    wallet.release_hold(user_id=payout.user_id, currency=payout.currency, key=payout.hold_key, amount=payout.amount)


def _person(actor: audit.Actor) -> UUID | None:
    """Who decides. Of an API key whoever saw its secret, so that nobody is two people by making themselves one."""
    if actor.actor_kind == "api_key":
        maker: UUID | None = getattr(actor, "created_by_id", None)
        return maker
    return actor.actor_id if actor.actor_kind == "user" else None
