"""In five seconds: what I can withdraw, what is on its way and when, whether my link works."""

from typing import Any

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from apps.dashboard.pages import partner_page
from apps.referrals.links import site_origin
from apps.wallet.selectors import wallet_summary


@require_safe
@partner_page("affiliate.read")
def overview(request: Any) -> HttpResponse:
    context = {"summary": wallet_summary(request.user.pk), "link": f"{site_origin(request)}/r/{request.partner.code}"}
    return render(request, "dashboard/overview.html", context)
