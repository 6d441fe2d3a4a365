"""A person's crypto addresses: checked, kept encrypted, shown masked (P15). They go with the person to each of their sites."""

from collections.abc import Iterable
from datetime import timedelta
from uuid import UUID

from django.db import IntegrityError, transaction
from django.utils import timezone

from apps.accounts.addresses import NETWORKS, NoAddress, normal_address
from apps.accounts.models import CryptoAddress, User
from apps.audit import services as audit
from apps.core import crypto
from apps.core.errors import Conflict, Invalid, NotFound

MOST = 20
"""Addresses of one person."""


@transaction.atomic
def add_address(*, user: User, network: str, address: str) -> CryptoAddress:
    """The newest of a network is the one that tokens go to. Raises Invalid (naming the detail), Conflict (too_many)."""
    if network not in NETWORKS:
        raise Invalid("invalid", f"A network is one of {', '.join(NETWORKS)}.", field="details.network")
    try:
        normal = normal_address(network, address)
    except NoAddress as error:
        raise Invalid("invalid", str(error), field="details.address") from error
    User.objects.select_for_update(no_key=True).get(pk=user.pk)  # their addresses are counted under it
    if CryptoAddress.objects.of(user.pk).count() >= MOST:
        raise Conflict("too_many", f"{MOST} addresses are the most. Remove one first.")
    found = CryptoAddress(
        user=user, network=network, label=_label(network, normal), fingerprint=crypto.keyed_print(f"address {normal}")
    )
    found.address = crypto.sealed(found, "address", normal)
    try:
        with transaction.atomic():
            found.save(force_insert=True)
    except IntegrityError as error:
        raise Invalid("address_known", "You have saved this address already.", field="details.address") from error
    audit.record(actor=user, action="crypto_address.added", target=found, after={"network": network})
    return found


@transaction.atomic
def remove_address(*, user: User, address_id: UUID) -> None:
    """What is on its way there arrives there. Raises NotFound."""
    found = CryptoAddress.objects.of(user.pk).filter(pk=address_id).first()
    if found is None or not CryptoAddress.objects.of(user.pk).filter(pk=address_id).update(removed_at=timezone.now()):
        raise NotFound()
    audit.record(actor=user, action="crypto_address.removed", target=found)


def read_address(found: CryptoAddress) -> str:
    """For what sends something there. Raises Undecryptable for a ciphertext of another row."""
    return crypto.opened(found, "address")


def newest_addresses(user_ids: Iterable[UUID], network: str) -> dict[UUID, CryptoAddress]:
    """{user: the address that their tokens of this network go to}"""
    rows = CryptoAddress.objects.filter(user_id__in=user_ids, network=network, removed_at=None).order_by("id")
    return {row.user_id: row for row in rows}


def resting(addresses: Iterable[CryptoAddress], *, hours: int) -> set[UUID]:
    """Ids of those that took the place of another one less than `hours` ago: whoever stole a sign-in waits, and is seen."""
    since = timezone.now() - timedelta(hours=hours)
    young = [row for row in addresses if row.created_at > since]
    if not young:
        return set()
    before = CryptoAddress.objects.filter(user_id__in=[row.user_id for row in young]).values_list(
        "user_id", "network", "id"
    )
    earlier: dict[tuple[UUID, str], UUID] = {}
    for user_id, network, pk in before.order_by("-id"):
        earlier[user_id, network] = pk
    return {row.pk for row in young if earlier[row.user_id, row.network] < row.pk}


def _label(network: str, address: str) -> str:
    """Enough to recognise, too little to send to."""
    return f"{CryptoAddress.Network(network).label} {address[:6]}···{address[-4:]}"
