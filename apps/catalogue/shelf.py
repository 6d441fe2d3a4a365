"""What is on sale, as everybody sees it: kept in Redis for each site and forgotten on every change (H14).

The units shown may be a few seconds old, the sale asks the database. A dead Redis costs a query, not the page.
"""

import logging
from decimal import Decimal
from typing import Any

from django.core.cache import cache
from django.db import transaction

from apps.catalogue.models import Product
from apps.core.tenancy import require_site_id
from apps.sites.selectors import current_site

logger = logging.getLogger(__name__)

PREFIX = "catalogue"
SECONDS = 60
"""How long a page may be old if the word of a change was lost on its way to Redis."""


def products() -> list[dict[str, Any]]:
    """What is on sale at the present site, in the order it is shown; `tokens` as a decimal string, null without any."""
    try:
        kept: list[dict[str, Any]] | None = cache.get(_key())
    except Exception:
        logger.warning("catalogue.cache_unavailable")
        return _read()
    if kept is None:
        kept = _read()
        _keep(kept)
    return kept


def forget() -> None:
    """After the commit: whoever asks before it would keep what was."""
    key = _key()
    transaction.on_commit(lambda: _drop(key), robust=True)


def _read() -> list[dict[str, Any]]:
    currency = current_site().currency
    return [
        {
            "id": str(product.pk), "sku": product.sku, "name": product.name, "description": product.description,
            "category": product.category, "price": product.price, "currency": currency, "inventory": product.inventory,
            "tokens": None if product.tokens is None else _plain(product.tokens),
            "period": product.period or None,
        }
        for product in Product.objects.filter(is_active=True)
    ]  # fmt: skip


def _plain(tokens: Decimal) -> str:
    """Every digit, and no needless zeros."""
    text = f"{tokens:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def _keep(found: list[dict[str, Any]]) -> None:
    try:
        cache.set(_key(), found, SECONDS)
    except Exception:
        logger.warning("catalogue.cache_unavailable")


def _drop(key: str) -> None:
    try:
        cache.delete(key)
    except Exception:
        logger.warning("catalogue.cache_unavailable")


def _key() -> str:
    return f"{PREFIX}:{require_site_id()}"
