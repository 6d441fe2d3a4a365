"""The units of a product: taken by orders, put back when an order lapses, raised and lowered by staff (P8)."""

from collections.abc import Mapping
from uuid import UUID

from django.db import transaction
from django.db.models import F

from apps.audit import services as audit
from apps.catalogue import shelf
from apps.catalogue.models import Product
from apps.core.errors import Conflict, Invalid

MAX_UNITS = 10**12


def take_units(wanted: Mapping[UUID, int]) -> dict[UUID, int]:
    """Take so many units of each product, all or none, inside the caller's transaction. Returns what stock gave, by product: 0
    of what is unlimited.

    One conditional UPDATE for each, in the order of their ids: parallel buyers wait for each other, never in a ring, and none
    gets what isn't there. Raises Conflict sold_out, naming the sku; the caller's transaction takes back what was taken before.
    """
    return {pk: _take(pk, wanted[pk]) for pk in sorted(wanted)}


def _take(pk: UUID, units: int) -> int:
    on_sale = Product.objects.filter(pk=pk, is_active=True)
    if on_sale.filter(inventory__gte=units).update(inventory=F("inventory") - units):
        shelf.forget()
        return units
    product = Product.objects.get(pk=pk)
    if product.is_active and product.inventory is None:
        return 0
    raise Conflict("sold_out", f"{product.name} is sold out.", field="items", sku=product.sku)


def put_back(units: Mapping[UUID, int]) -> None:
    """What an order took and doesn't keep. The caller sees to it that this happens once."""
    for pk in sorted(pk for pk in units if units[pk]):
        Product.objects.filter(pk=pk, inventory__isnull=False).update(inventory=F("inventory") + units[pk])
    shelf.forget()


@transaction.atomic
def change_units(*, product: Product, by: int, reason: str, actor: audit.Actor) -> Product:
    """Raise or lower what is left to sell. Raises Invalid (0, unlimited, too many), Conflict below_zero: buyers were faster."""
    if not by:
        raise Invalid("invalid", "By how many units?", field="units")
    locked = Product.objects.select_for_update(no_key=True).get(pk=product.pk)
    if locked.inventory is None:
        raise Invalid("unlimited", "As many as anybody wants are sold already.", field="units")
    before = locked.inventory
    if before + by > MAX_UNITS:
        raise Invalid("invalid", "That is more than anybody can count.", field="units")
    if before + by < 0:
        raise Conflict("below_zero", f"Only {before} are left.", field="units")
    locked.inventory = before + by
    locked.save(update_fields=["inventory"])
    audit.record(
        actor=actor, action="product.units_changed", target=locked, before={"inventory": before},
        after={"inventory": locked.inventory}, reason=reason,
    )  # fmt: skip
    shelf.forget()
    return locked
