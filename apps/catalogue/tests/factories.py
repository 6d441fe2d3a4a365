"""Products for tests, through the real service."""

from itertools import count

from apps.audit.services import SYSTEM
from apps.catalogue.models import Product
from apps.catalogue.services import create_product

_number = count(1)


def make_product(**values) -> Product:
    number = next(_number)
    return create_product(
        values={"sku": f"sku-{number}", "name": f"Product {number}", "category": "server", "price": 10_000} | values,
        actor=SYSTEM,
    )
