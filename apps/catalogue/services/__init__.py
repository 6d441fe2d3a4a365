"""Every write of the catalogue."""

from apps.catalogue.services.products import create_product, update_product
from apps.catalogue.services.stock import change_units, put_back, take_units

__all__ = ["change_units", "create_product", "put_back", "take_units", "update_product"]
