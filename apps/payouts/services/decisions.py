"""What staff, and the owner, decide about a payout. Nobody decides their own."""

from uuid import UUID

from django.db import transaction
from django.utils import timezone

from apps.accounts.models import User
from apps.audit import services as audit
from apps.core.errors import Conflict
from apps.payouts import errors, gateways
from apps.payouts.models import OwnMethod, Payout
from apps.payouts.services.requests import open_payout
from apps.payouts.services.sending import write_down
from apps.payouts.services.settling import complete, tell
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
    payout.approved_at, payout.approved_by_id = timezone.now(), person_of(actor)
    payout.save(update_fields=["status", "approved_at", "approved_by"])
    audit.record(actor=actor, action="payout.approved", target=payout, after={"amount": payout.amount})
    tell([payout], before=Status.REQUESTED)
    return payout


@transaction.atomic
def reject_payout(*, payout: Payout, actor: audit.Actor, reason: str) -> Payout:
    """REQUESTED or APPROVED → REJECTED; the money is available again. Raises Denied (own payout), Conflict (state)."""
    payout = _locked(payout, actor)
    before = payout.status
    payout.advance(to=Status.REJECTED)
    payout.reason, payout.finished_at = reason, timezone.now()
    payout.save(update_fields=["status", "reason", "finished_at"])
    _release(payout)
    audit.record(actor=actor, action="payout.rejected", target=payout, reason=reason)
    tell([payout], before=before)
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
    tell([payout], before=Status.REQUESTED)
    return payout


@transaction.atomic
def process_payout(*, payout: Payout, actor: audit.Actor, reference: str = "") -> Payout:
    """APPROVED → COMPLETED by hand: the transfer was made, `reference` is the bank's. Its commissions become paid.

    What a gateway pays is PROCESSING, and sent after the commit. Raises Denied (own payout, four eyes), Conflict (state;
    partner_frozen, under_review).
    """
    payout = _locked(payout, actor)
    check_four_eyes(payout, actor)
    check_may_leave(payout.user_id)
    payout.gateway = gateways.choose(payout.method)
    gateway = gateways.find_class(payout.gateway)
    payout.advance(to=Status.PROCESSING)
    payout.processed_by_id = person_of(actor)
    # The database wants each step, and so does the history.
    payout.save(update_fields=["status", "gateway", "processed_by"])
    if gateway.way == gateways.Way.OUTSIDE:
        write_down([payout], gateway.account_id() or "")
        audit.record(actor=actor, action="payout.processing", target=payout, after={"gateway": payout.gateway})
        tell([payout], before=Status.APPROVED)
        return payout
    payout.reference = reference
    complete([payout], actor=actor)
    return payout


@transaction.atomic
def retry_payout(*, payout: Payout, actor: audit.Actor) -> Payout:
    """Ask again for what FAILED: a new payout, REQUESTED, of the same amount and method, with a key of its own.

    Raises Denied (own payout), Conflict (state, also where its gateway says that it arrived after all; already_retried;
    method_not_ready: its owner has removed the method; payout_in_progress, partner_frozen, insufficient_balance).
    """
    old = _locked(payout, actor)
    if old.status != Status.FAILED:
        raise Conflict("invalid_state", f"Only a payout that failed is tried again; this is {old.status}.")
    if old.retries.exists():
        raise errors.already_retried()
    if old.transfers.exclude(difference="").exists():
        raise Conflict("invalid_state", "Its gateway says otherwise than that it failed. Look at the difference first.")
    if old.method is not None and not OwnMethod.objects.filter(pk=old.method.address_id or old.method.pk).exists():
        raise errors.method_removed()
    check_may_leave(old.user_id)
    new = open_payout(user_id=old.user_id, amount=old.amount, method=old.method, retry_of=old)
    wallet.hold_earnings(user_id=new.user_id, currency=new.currency, key=new.hold_key, amount=new.amount)
    audit.record(actor=actor, action="payout.retried", target=new, after={"retry_of": str(old), "amount": new.amount})
    tell([new], before="")
    return new


def _locked(payout: Payout, actor: audit.Actor) -> Payout:
    found = Payout.objects.select_for_update().get(pk=payout.pk)
    if found.user_id == person_of(actor):
        raise errors.own_payout()
    return found


def check_four_eyes(payout: Payout, actor: audit.Actor) -> None:
    """Where the site wants it, approving and paying are two people. A machine's approval is followed by a person."""
    if payout.approved_at is None or not site_settings().four_eyes:
        return
    if payout.approved_by_id == person_of(actor):  # both None: no person had a look at all
        raise errors.four_eyes()


def _release(payout: Payout) -> None:
    wallet.release_hold(user_id=payout.user_id, currency=payout.currency, key=payout.hold_key, amount=payout.amount)


def person_of(actor: audit.Actor) -> UUID | None:
    """Who decides. Of an API key whoever saw its secret, so that nobody is two people by making themselves one."""
    if actor.actor_kind == "api_key":
        maker: UUID | None = getattr(actor, "created_by_id", None)
        return maker
    return actor.actor_id if actor.actor_kind == "user" else None
