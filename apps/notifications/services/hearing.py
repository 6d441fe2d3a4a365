"""What other apps tell by the outbox, as news to people. Each handler may be called again with the same events."""

from collections.abc import Iterable, Sequence
from ipaddress import ip_address, ip_network
from typing import Any
from uuid import UUID

from apps.accounts.models import SignIn, User
from apps.bonuses.models import Bonus
from apps.commissions.models import Commission
from apps.core.models import OutboxEvent
from apps.notifications.models import PASSWORD_RESET, Kind, Mail
from apps.notifications.services.telling import News, queue, tell
from apps.payouts.models import Payout
from apps.referrals.models import Partner

KNOWN_SIGN_INS = 50
"""How far back devices and addresses are known ones."""


def partner_joined(events: Sequence[OutboxEvent]) -> None:
    """{partner_id}: the sponsor hears of it. They see the names of those below them."""
    ids = [event.payload["partner_id"] for event in events]
    rows = Partner.objects.people().filter(pk__in=ids).select_related("user", "sponsor")
    tell(
        [
            News(row.sponsor.user_id, Kind.JOINED, str(row.pk), {"name": row.user.full_name or "Somebody"})
            for row in rows
            if row.user is not None and row.sponsor is not None and row.sponsor.user_id is not None
        ]
    )


def order_commissioned(events: Sequence[OutboxEvent]) -> None:
    """{order_id}: one news for each person, however many lines and levels of it are theirs."""
    ids = [event.payload["order_id"] for event in events]
    rows = Commission.objects.filter(order_id__in=ids, kind=Commission.Kind.COMMISSION)
    tell(_summed(rows, Kind.COMMISSION, by=lambda row: str(row.order_id), amount="original_amount"))


def commissions_approved(events: Sequence[OutboxEvent]) -> None:
    """{commission_ids}: one for each person and decision, whether it was one commission or thousands."""
    for event in events:
        rows = Commission.objects.filter(pk__in=event.payload["commission_ids"])
        tell(_summed(rows, Kind.APPROVED, by=lambda row, key=event.key: key, amount="amount"))


def commissions_reversed(events: Sequence[OutboxEvent]) -> None:
    """{commission_ids}"""
    for event in events:
        rows = Commission.objects.filter(pk__in=event.payload["commission_ids"])
        tell(_summed(rows, Kind.REVERSED, by=lambda row, key=event.key: key, amount="reversed_amount"))


def _summed(rows: Iterable[Commission], kind: str, *, by: Any, amount: str) -> list[News]:
    """One for each person and what `by` says it is about, with the sum of the column `amount`."""
    sums: dict[tuple[UUID, str], dict[str, Any]] = {}
    for row in rows:
        params = sums.setdefault((row.user_id, by(row)), {"count": 0, "amount": 0, "currency": row.currency})
        params["count"] += 1
        params["amount"] += getattr(row, amount)
    return [News(user_id, kind, key, params) for (user_id, key), params in sums.items()]


def bonus_credited(events: Sequence[OutboxEvent]) -> None:
    """{bonus_id}"""
    rows = Bonus.objects.filter(pk__in=[event.payload["bonus_id"] for event in events])
    tell(
        [
            News(row.referrer_id, Kind.BONUS, str(row.pk), {"amount": row.amount, "currency": row.currency})
            for row in rows
        ]
    )


def payout_changed(events: Sequence[OutboxEvent]) -> None:
    """{payout_id, status, before}: each state of each payout once."""
    rows = {str(row.pk): row for row in Payout.objects.filter(pk__in=[event.payload["payout_id"] for event in events])}
    news = []
    for event in events:
        row, status = rows.get(event.payload["payout_id"]), event.payload["status"]
        if row is not None:
            params = {
                "what": status, "amount": row.amount, "currency": row.currency, "reference": row.reference,
                "reason": row.reason,
            }  # fmt: skip
            news.append(News(row.user_id, Kind.PAYOUT, f"{row.pk}:{status}", params))
    tell(news)


def payout_method_changed(events: Sequence[OutboxEvent]) -> None:
    """payout_method.added, .removed {method_id, user_id}"""
    tell(
        [
            News(
                UUID(event.payload["user_id"]), Kind.SECURITY, f"{event.topic}:{event.payload['method_id']}",
                {"what": event.topic},
            )
            for event in events
        ]
    )  # fmt: skip


def security_changed(events: Sequence[OutboxEvent]) -> None:
    """{user_id, what}: password.changed, password.reset, two_factor.enabled, two_factor.disabled, two_factor.reset."""
    tell(
        [
            News(UUID(event.payload["user_id"]), Kind.SECURITY, event.key, {"what": event.payload["what"]})
            for event in events
        ]
    )


def sign_in_begun(events: Sequence[OutboxEvent]) -> None:
    """{sign_in_id}: told where neither somebody's first sign-in here nor from a device and a network that are known."""
    rows = SignIn.objects.filter(pk__in=[event.payload["sign_in_id"] for event in events])
    tell(
        [
            News(
                row.user_id, Kind.SECURITY, f"sign_in:{row.pk}", {"what": "sign_in", "device": row.device, "ip": row.ip}
            )
            for row in rows
            if _is_strange(row)
        ]
    )


def _is_strange(sign_in: SignIn) -> bool:
    earlier = SignIn.objects.filter(user_id=sign_in.user_id, pk__lt=sign_in.pk).order_by("-id")[:KNOWN_SIGN_INS]
    known = [(row.device, _network(row.ip)) for row in earlier]
    if not known:
        return False
    return sign_in.device not in {device for device, _ in known} or _network(sign_in.ip) not in {
        network for _, network in known
    }


def _network(ip: str) -> str:
    """A phone's address changes within its network all day."""
    try:
        address = ip_address(ip)
    except ValueError:
        return ip
    return str(ip_network(f"{address}/{24 if address.version == 4 else 48}", strict=False))


def password_reset_requested(events: Sequence[OutboxEvent]) -> None:
    """{user_id}: a mail and nothing in the inbox, which only who is signed in reads. Its link is made when it is sent."""
    people = User.objects.members().filter(pk__in=[event.payload["user_id"] for event in events], is_active=True)
    ids = {str(pk) for pk in people.values_list("pk", flat=True)}
    queue(
        [
            Mail(user_id=UUID(event.payload["user_id"]), kind=PASSWORD_RESET, key=event.key)
            for event in events
            if event.payload["user_id"] in ids
        ]
    )
