"""Asking for a payout."""

from datetime import datetime, timedelta
from uuid import UUID

from django.db import IntegrityError, transaction
from django.utils import timezone

from apps.accounts.models import User
from apps.audit import services as audit
from apps.payouts import errors, gateways
from apps.payouts.models import OwnMethod, Payout, PayoutMethod
from apps.payouts.services.methods import method_for_payout
from apps.payouts.services.settling import tell
from apps.sites.selectors import current_site, site_settings
from apps.wallet import services as wallet
from apps.wallet.errors import insufficient_balance
from apps.wallet.selectors import wallet_summary
from apps.wallet.services.guards import check_may_leave


@transaction.atomic
def request_payout(*, user: User, amount: int | None = None, method: OwnMethod | None = None) -> Payout:
    """REQUESTED, with the amount held. Without `amount`, all that is available (minor units).

    Raises Conflict, checked in this order: partner_frozen, under_review, payout_in_progress, cooldown (the last payout's, then
    the method's), method_not_ready, below_minimum, insufficient_balance.
    """
    check_may_leave(user.pk)
    if Payout.objects.filter(user=user, status__in=Payout.OPEN).exists():
        raise errors.payout_in_progress()
    until = next_allowed_at(user)
    if until is not None:
        raise errors.cooldown(until)
    if method is not None:
        check_ready(method)
    available = wallet_summary(user.pk).available
    wanted = available if amount is None else amount
    minimum = site_settings().payout_minimum
    if wanted < minimum:
        raise errors.below_minimum(minimum, current_site().currency)
    if wanted > available:
        raise insufficient_balance()
    chosen = method_for_payout(method) if method is not None else None
    payout = open_payout(user_id=user.pk, amount=wanted, method=chosen)
    # The wallet checks again under its lock: what was available above may be gone by now.
    wallet.hold_earnings(user_id=user.pk, currency=payout.currency, key=payout.hold_key, amount=wanted)
    audit.record(actor=user, action="payout.requested", target=payout, after={"amount": wanted})
    tell([payout], before="")
    return payout


def next_allowed_at(user: User) -> datetime | None:
    """When the cooldown after the last completed payout ends, or None when it has."""
    hours = site_settings().payout_cooldown_hours
    if not hours:
        return None
    last = Payout.objects.filter(user=user, status=Payout.Status.COMPLETED).order_by("-finished_at").first()
    if last is None or last.finished_at is None:
        return None
    until = last.finished_at + timedelta(hours=hours)
    return until if until > timezone.now() else None


def check_ready(method: OwnMethod) -> None:
    """Raises Conflict cooldown (it joined or replaced another one lately), method_not_ready (what Stripe says of it)."""
    if method.state == OwnMethod.State.RESTS:
        raise errors.method_rests(method.ready_at)
    if not method.is_ready:
        raise errors.method_not_ready(method.state_name)


def open_payout(*, user_id: UUID, amount: int, method: PayoutMethod | None, retry_of: Payout | None = None) -> Payout:
    """REQUESTED, before anything is held. Raises Conflict payout_in_progress."""
    try:
        with transaction.atomic():
            return Payout.objects.create(
                user_id=user_id, amount=amount, currency=current_site().currency, method=method, retry_of=retry_of,
                gateway=gateways.choose(method),
            )  # fmt: skip
    except IntegrityError as error:  # two requests at once: the partial unique index lets one in
        raise errors.payout_in_progress() from error
