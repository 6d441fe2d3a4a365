"""One search over everything the caller may see: an id of anything, or the beginning of what people call it."""

from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django.apps import apps
from django.contrib import admin
from django.http import HttpRequest
from django.urls import reverse
from django.utils.safestring import SafeString

from apps.core.backoffice import UplineModelAdmin

SHOWN = 5

# What people look for, in the order of how often.
SEARCHED = (
    "accounts.membership", "referrals.partner", "orders.order", "orders.customer", "commissions.commission",
    "payouts.payout", "wallet.entry", "referrals.campaignlink", "commissions.planversion", "rbac.role", "accounts.apikey",
    "core.outboxevent", "audit.auditevent",
)  # fmt: skip


@dataclass(frozen=True)
class Hit:
    title: str
    state: SafeString | str
    note: str
    url: str


@dataclass(frozen=True)
class Found:
    """Hits in one list. `more` is that list with the same search, when there are more than are shown."""

    name: str
    hits: list[Hit]
    more: str


def search(request: HttpRequest, term: str) -> list[Found]:
    """By the lists' own searches and permissions; lists in which nothing was found are left out. A few queries per list."""
    term = term.strip()
    if not term or "\x00" in term:
        return []
    found = (_in_list(request, label, term) for label in SEARCHED)
    return [each for each in found if each is not None]


def _in_list(request: HttpRequest, label: str, term: str) -> Found | None:
    model = apps.get_model(label)
    screen = admin.site.get_model_admin(model)
    if not isinstance(screen, UplineModelAdmin) or not screen.has_view_permission(request):
        return None
    rows, _ = screen.get_search_results(request, screen.get_queryset(request), term)
    joined: Any = screen.list_select_related
    if joined:
        rows = rows.select_related(*joined)
    hits = list(rows.order_by(*screen.ordering)[: SHOWN + 1])
    if not hits:
        return None
    name = f"admin:{model._meta.app_label}_{model._meta.model_name}"
    more = f"{reverse(f'{name}_changelist')}?{urlencode({'q': term})}" if len(hits) > SHOWN else ""
    shown = [
        Hit(
            title=screen.title_of(row),
            state=screen.state(row) if hasattr(screen, "state") else "",
            note=screen.note_of(row),
            url=reverse(f"{name}_change", args=[row.pk]),
        )
        for row in hits[:SHOWN]
    ]
    return Found(screen.plural or str(model._meta.verbose_name_plural).capitalize(), shown, more)
