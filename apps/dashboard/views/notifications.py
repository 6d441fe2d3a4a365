"""What I was told, how I want to be told, and the way out of a mail (W12)."""

from typing import Any
from uuid import UUID

from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from apps.dashboard.pages import done, member_page, public_page
from apps.dashboard.paging import paginate
from apps.notifications import selectors, services, words
from apps.notifications.models import Email, Kind
from apps.notifications.services.preferences import read_token

WAYS = {
    Kind.JOINED: ("dashboard:team", "Team"), Kind.COMMISSION: ("dashboard:commissions", "Commissions"),
    Kind.APPROVED: ("dashboard:commissions", "Commissions"), Kind.REVERSED: ("dashboard:commissions", "Commissions"),
    Kind.PAYOUT: ("dashboard:payouts", "Payouts"), Kind.BONUS: ("dashboard:wallet", "Wallet"),
    Kind.SECURITY: ("dashboard:security", "Security"),
}  # fmt: skip
"""Where each is to be seen: (page, its name)."""


@require_safe
@member_page
def inbox(request: Any) -> HttpResponse:
    page, language = paginate(request, selectors.inbox_of(request.user)), words.language_of(request.user.locale)
    told = [(row, words.said(row.kind, row.params, language), WAYS[Kind(row.kind)]) for row in page.rows]
    return render(request, "dashboard/notifications.html", {"page": page, "told": told, "language": language})


@require_POST
@member_page
def read(request: Any, pk: UUID) -> HttpResponse:
    services.mark_read(user=request.user, pk=pk)
    return redirect("dashboard:notifications")


@require_POST
@member_page
def read_all(request: Any) -> HttpResponse:
    services.mark_all_read(user=request.user)
    return done(request, "All of them are read.", "dashboard:notifications")


@require_http_methods(["GET", "HEAD", "POST"])
@member_page
def preferences(request: Any) -> HttpResponse:
    if request.method == "POST":
        offered = set(Email.values)
        changes = {
            str(kind): {"inbox": f"inbox-{kind}" in request.POST, "email": request.POST.get(f"email-{kind}")}
            for kind in Kind.values
            if kind != Kind.SECURITY and request.POST.get(f"email-{kind}") in offered
        }
        services.set_preferences(user=request.user, changes=changes)
        return done(request, "Saved.", "dashboard:notification_preferences")
    wanted = services.preferences_of(request.user)
    rows = [(kind, label, wanted[kind]) for kind, label in Kind.choices]
    return render(request, "dashboard/notification_preferences.html", {"rows": rows, "choices": Email.choices})


@csrf_exempt
@require_http_methods(["GET", "HEAD", "POST"])
@public_page
def unsubscribe(request: Any, token: str) -> HttpResponse:
    """The link of a mail. A mail program that follows links changes nothing: only POST does, its button's or its own (RFC 8058).

    The token is what is believed, so the session and its CSRF token don't matter.
    """
    user, kind = read_token(token)
    is_done = request.method == "POST"
    if is_done:
        services.unsubscribe(token=token)
    label = dict(Kind.choices).get(kind, "Your day")
    return render(request, "public/unsubscribe.html", {"label": label, "email": user.email, "is_done": is_done})
