"""What every page needs around its view: who may see it, the site's time, limits, and refusals that people can read."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.contrib import messages
from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.cache import patch_cache_control
from django.utils.functional import SimpleLazyObject

from apps.catalogue import shelf
from apps.core.api.throttling import ANONYMOUS, client_ip
from apps.core.errors import Denied, DomainError, TooMany
from apps.notifications.selectors import unread_count
from apps.rbac.access import access_of
from apps.referrals.models import Partner

View = Callable[..., HttpResponse]


def public_page(view: View) -> View:
    """Anybody, at a site. 60 requests a minute from one address, counted together with the anonymous API (W6)."""

    @wraps(view)
    def wrapped(request: Any, *args: Any, **kwargs: Any) -> HttpResponse:
        if request.site is None:
            return redirect("dashboard:home")

        def limited(*args: Any, **kwargs: Any) -> HttpResponse:
            if not request.user.is_authenticated:
                ANONYMOUS.spend(f"{request.site.pk}:{client_ip(request)}")
            return view(*args, **kwargs)

        return _answer(limited, request, *args, **kwargs)

    return wrapped


def member_page(view: View) -> View:
    """Whoever is signed in at this site. The page is theirs alone: no cache keeps it."""

    @wraps(view)
    def wrapped(request: Any, *args: Any, **kwargs: Any) -> HttpResponse:
        if request.site is None or getattr(request, "switched", False):
            return redirect("dashboard:home")
        if not request.user.is_authenticated:
            return redirect_to_login(request.get_full_path(), reverse("dashboard:signin"))
        response = _answer(_with_partner(view), request, *args, **kwargs)
        patch_cache_control(response, private=True, no_store=True)
        return response

    return wrapped


def partner_page(key: str) -> Callable[[View], View]:
    """Members with a place in the tree who hold `key` for their own rows; to the others it says why there is nothing here."""

    def decorate(view: View) -> View:
        @member_page
        @wraps(view)
        def wrapped(request: Any, *args: Any, **kwargs: Any) -> HttpResponse:
            if request.partner is None:
                return render(request, "dashboard/no_partner.html", {"is_staff": access_of(request).is_staff})
            if not access_of(request).has(key):
                raise Denied()
            return view(request, *args, **kwargs)

        return wrapped

    return decorate


def _with_partner(view: View) -> View:
    def wrapped(request: Any, *args: Any, **kwargs: Any) -> HttpResponse:
        request.partner = Partner.objects.people().filter(user_id=request.user.pk).first()
        request.unread = SimpleLazyObject(lambda: unread_count(request.user))
        request.sells = SimpleLazyObject(lambda: bool(shelf.products()))
        return view(request, *args, **kwargs)

    return wrapped


def _answer(view: View, request: Any, *args: Any, **kwargs: Any) -> HttpResponse:
    """The view in the site's time zone; a refusal it lets through becomes a page with the refusal's status."""
    with timezone.override(request.site.time_zone):
        try:
            return view(request, *args, **kwargs)
        except DomainError as error:
            return refusal(request, error)


def refusal(request: HttpRequest, error: DomainError) -> HttpResponse:
    """404 and 403 have pages of their own; anything else says what the service said."""
    template = {403: "403.html", 404: "404.html"}.get(error.status, "refused.html")
    response = render(request, template, {"error": error}, status=error.status)
    if isinstance(error, TooMany):
        response["Retry-After"] = str(error.retry_after)
    return response


def done(request: HttpRequest, text: str, to: str, *args: Any) -> HttpResponse:
    """After a POST that worked: say so on the next page."""
    messages.success(request, text)
    return redirect(to, *args)
