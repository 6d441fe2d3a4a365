"""A site to somebody who is not signed in: what it offers, and how to join."""

from typing import Any

from django.conf import settings as config
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods

from apps.accounts.sessions import open_session
from apps.core import logs
from apps.core.errors import DomainError, Invalid
from apps.dashboard import selectors
from apps.dashboard.forms import JoinForm
from apps.dashboard.pages import done, public_page
from apps.dashboard.templatetags.upline import category
from apps.dashboard.views.session import refused
from apps.onboarding.services import Newcomer, register
from apps.referrals.cookies import read_click
from apps.referrals.services.codes import guarded_code
from apps.sites.models import SiteSettings
from apps.sites.selectors import site_settings

PAGE = "public/join.html"


@public_page
def landing(request: Any) -> HttpResponse:
    return render(request, "public/landing.html", _offer())


@sensitive_post_parameters("password")
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@public_page
def join(request: Any) -> HttpResponse:
    """`?ref=` (or `?code=`) names the inviter; else the click that /r/{code} left in a cookie does."""
    if request.user.is_authenticated:
        return redirect(config.LOGIN_REDIRECT_URL)
    if request.method == "POST":
        return _register(request)
    code = request.GET.get("ref") or request.GET.get("code") or ""
    form = JoinForm(initial={"referral_code": code, "click_id": request.GET.get("click_id", "")})
    return render(request, PAGE, {"form": form, **_invitation(request, code), **_offer()})


def _register(request: Any) -> HttpResponse:
    form = JoinForm(request.POST)
    if not form.is_valid():
        return _again(request, form)
    try:
        user, partner = register(Newcomer(**form.cleaned_data, cookie=read_click(request)), durable=request.durable)
    except DomainError as error:
        return _again(request, form, error)
    open_session(request, user)
    words = "Your link works from now on." if partner.is_active else "One step is left before your link works."
    return done(request, f"Welcome to {request.site.name}. {words}", config.LOGIN_REDIRECT_URL)


def _again(request: Any, form: JoinForm, error: DomainError | None = None) -> HttpResponse:
    code = "" if error is not None and error.field == "referral_code" else request.POST.get("referral_code", "")
    return refused(request, PAGE, form, error, **_invitation(request, code), **_offer())


def _invitation(request: Any, code: str) -> dict[str, Any]:
    """Who invites, or what is wrong with their code; guesses are counted like everywhere (R21)."""
    if code:
        try:
            partner = guarded_code(code, ip=logs.client_ip.get())
        except Invalid as error:
            return {"inviter": None, "problem": error.message}
        return {"inviter": selectors.inviter(partner, by_code=True)}
    click_id = request.POST.get("click_id") or request.GET.get("click_id") or ""
    return {"inviter": selectors.invited_by_click(click_id=click_id, cookie=read_click(request))}


def _offer() -> dict[str, Any]:
    settings = site_settings()
    return {"settings": settings, "qualifying": qualifying(settings), "rates": selectors.rate_card()}


def qualifying(settings: SiteSettings) -> str:
    """What activates a partner, in words; "" where nothing needs to."""
    if settings.activation == SiteSettings.Activation.NONE:
        return ""
    return (
        " or ".join(f"a {category(name).lower()}" for name in settings.qualifying_categories) or "a qualifying product"
    )
