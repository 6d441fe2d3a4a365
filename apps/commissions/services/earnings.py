"""Commissions in the wallet: one lot each, named by the commission's id."""

from collections.abc import Sequence
from uuid import UUID

from django.utils import timezone

from apps.commissions.models import Commission
from apps.core import outbox
from apps.core.ids import uuid7
from apps.wallet import selectors as wallets
from apps.wallet import services as wallet
from apps.wallet.models import Books, Entry

REF = "commission"
Status = Commission.Status


def credit(commissions: Sequence[Commission]) -> None:
    """Into the earnings of their partners. The rows must stand as approved in the database already."""
    drafts = [
        wallet.Credit(
            user_id=commission.user_id,
            amount=commission.amount,
            currency=commission.currency,
            ref_type=REF,
            ref_id=str(commission.pk),
            meta={"order_id": str(commission.order_id), "level": commission.level},
        )
        for commission in commissions
    ]
    wallet.credit_earnings(drafts, kind=Entry.Kind.COMMISSION, book=Books.COMMISSIONS)


def take(wanted: Sequence[tuple[Commission, int]], refund_id: UUID) -> dict[UUID, int]:
    """Take back what nobody has been paid yet. Returns how much, by commission; a payout may have all of it."""
    reversals = {
        commission.pk: _reversal(commission, amount, f"{REF}:{commission.pk}:refund:{refund_id}")
        for commission, amount in wanted
    }
    taken = wallet.take_from_lots(list(reversals.values()), book=Books.COMMISSIONS)
    return {pk: taken[reversal.key] for pk, reversal in reversals.items()}


def claw_back(clawbacks: Sequence[Commission]) -> None:
    """Take back what was paid: out of other earnings, and as a debt for the rest."""
    reversals = [_reversal(clawback, -clawback.amount, f"{REF}:{clawback.pk}:clawback") for clawback in clawbacks]
    wallet.claw_back(reversals, book=Books.COMMISSIONS)


def lots_consumed(ref_ids: Sequence[str]) -> None:
    """APPROVED -> PAID: their money has left, by a payout, a transfer or to settle a debt. The wallet calls it, locked.

    With a partner's debts settled, so are the clawbacks they came from.
    """
    now = timezone.now()
    paid = Commission.objects.filter(pk__in=ref_ids, status=Status.APPROVED)
    users = set(paid.values_list("user_id", flat=True))
    paid.update(status=Status.PAID, paid_at=now)
    settled = users - wallets.in_debt(users)
    clawbacks = Commission.objects.filter(user_id__in=settled, kind=Commission.Kind.CLAWBACK, status=Status.APPROVED)
    clawbacks.update(status=Status.PAID, paid_at=now)
    outbox.publish("commissions.paid", key=str(uuid7()), payload={"commission_ids": [*ref_ids]})


def _reversal(commission: Commission, amount: int, key: str) -> wallet.Reversal:
    return wallet.Reversal(
        user_id=commission.user_id,
        amount=amount,
        currency=commission.currency,
        ref_type=REF,
        ref_id=str(commission.pk),
        key=key,
        meta={"order_id": str(commission.order_id), "level": commission.level},
    )
