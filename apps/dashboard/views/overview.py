"""In five seconds: what I can withdraw, what is on its way and when, whether my link works."""

from typing import Any

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from apps.dashboard import selectors
from apps.dashboard.pages import partner_page
from apps.dashboard.views.public import qualifying
from apps.referrals.links import site_origin
from apps.sites.selectors import site_settings
from apps.wallet.selectors import wallet_summary


@require_safe
@partner_page("affiliate.read")
def overview(request: Any) -> HttpResponse:
    user, partner = request.user, request.partner
    settings, summary = site_settings(), wallet_summary(user.pk)
    context = {
        "money": selectors.money_of(user.pk, summary),
        "next": selectors.next_payout(user, partner, summary=summary, settings=settings),
        "rates": selectors.rate_card(partner),
        "settings": settings,
        "qualifying": qualifying(settings),
        "period": selectors.this_period(),
        "earned": selectors.earned(user.pk),
        "traffic": selectors.traffic(partner),
        "levels": selectors.levels(partner),
        "table": selectors.link_table(partner, site_origin(request)),
        "latest": selectors.sale_rows(list(selectors.own_commissions(user.pk).order_by("-id")[:5])),
    }
    return render(request, "dashboard/overview.html", context)
