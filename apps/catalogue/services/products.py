"""What a site offers, and for how much. An order keeps the price it was placed at."""

from typing import Any

from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction

from apps.audit import services as audit
from apps.catalogue import shelf
from apps.catalogue.models import Product
from apps.core.errors import Conflict, Invalid

ACTIVATION = "activation"
"""The category of a partner's activation fee (H5): no product may pose as it."""
FIELDS = ("name", "description", "category", "price", "tokens", "period", "is_active", "position")
"""What may change later. The sku names a product in other people's systems for ever; units have a service of their own."""


@transaction.atomic
def create_product(*, values: dict[str, Any], actor: audit.Actor) -> Product:
    """A new product. `values` has `sku`, `inventory` and FIELDS. Raises Invalid naming the field, Conflict sku_taken."""
    product = Product(**values)
    _check(product)
    try:
        with transaction.atomic():
            product.save(force_insert=True)
    except IntegrityError as error:
        raise Conflict("sku_taken", "There is a product with this sku.", field="sku") from error
    audit.record(actor=actor, action="product.created", target=product, after=_said(values))
    shelf.forget()
    return product


@transaction.atomic
def update_product(*, product: Product, changes: dict[str, Any], actor: audit.Actor) -> Product:
    """Change what is in FIELDS; what is as it was is left out of the audit. Raises Invalid naming the field."""
    locked = Product.objects.select_for_update(no_key=True).get(pk=product.pk)
    wanted = {name: value for name, value in changes.items() if name in FIELDS and getattr(locked, name) != value}
    if not wanted:
        return locked
    before = {name: getattr(locked, name) for name in wanted}
    for name, value in wanted.items():
        setattr(locked, name, value)
    _check(locked)
    locked.save(update_fields=sorted(wanted))
    audit.record(actor=actor, action="product.changed", target=locked, before=_said(before), after=_said(wanted))
    shelf.forget()
    return locked


def _check(product: Product) -> None:
    try:
        product.clean_fields(exclude=["site"])
    except ValidationError as error:
        field, messages = next(iter(error.message_dict.items()))
        raise Invalid("invalid", messages[0], field=field) from error
    if product.category == ACTIVATION:
        raise Invalid("reserved_category", "This category is the activation fee's.", field="category")


def _said(values: dict[str, Any]) -> dict[str, Any]:
    return {name: str(value) if name == "tokens" and value is not None else value for name, value in values.items()}
