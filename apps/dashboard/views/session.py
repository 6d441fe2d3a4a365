"""Signing in and out, and the way back in for who lost their password."""

from typing import Any

from django.conf import settings
from django.contrib import messages
from django.contrib.auth import login, logout
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST

from apps.accounts import services as accounts
from apps.accounts.middleware import SESSION_SITE
from apps.accounts.models import User
from apps.core.errors import DomainError, TooMany
from apps.dashboard.forms import PageForm, ResetConfirmForm, ResetRequestForm, SignInForm
from apps.dashboard.pages import done, public_page


def open_session(request: Any, user: User) -> None:
    """A session of this site and no other (SessionSiteMiddleware)."""
    login(request, user)
    request.session[SESSION_SITE] = request.site.code


def refused(
    request: Any, template: str, form: PageForm, error: DomainError | None = None, **context: Any
) -> HttpResponse:
    """The form again, with what is wrong; by its status nothing of the request is kept."""
    if error is not None:
        form.refuse(error)
    status = error.status if error is not None and error.status != 401 else 400
    response = render(request, template, {"form": form, **context}, status=status)
    if isinstance(error, TooMany):
        response["Retry-After"] = str(error.retry_after)
    return response


def destination(request: Any) -> str:
    """Where `next` leads, when that is a page of ours."""
    url = request.POST.get("next") or request.GET.get("next") or ""
    if url_has_allowed_host_and_scheme(url, allowed_hosts={request.get_host()}, require_https=request.is_secure()):
        return str(url)
    return ""


@sensitive_post_parameters("password")
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@public_page
def sign_in(request: Any) -> HttpResponse:
    target = destination(request)
    if request.user.is_authenticated:
        return redirect(target or settings.LOGIN_REDIRECT_URL)
    form = SignInForm(request.POST or None)
    context: dict[str, Any] = {"next": target}
    if request.method != "POST":
        return render(request, "public/signin.html", {"form": form, **context})
    if not form.is_valid():
        return refused(request, "public/signin.html", form, **context)
    try:
        user = accounts.sign_in(**form.cleaned_data)
    except DomainError as error:
        return refused(request, "public/signin.html", form, error, **context)
    open_session(request, user)
    return redirect(target or settings.LOGIN_REDIRECT_URL)


@require_POST
@public_page
def sign_out(request: Any) -> HttpResponse:
    logout(request)
    messages.success(request, "You are signed out.")
    return redirect("dashboard:signin")


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@public_page
def ask_reset(request: Any) -> HttpResponse:
    """The answer is the same whether or not the address is a member's."""
    form = ResetRequestForm(request.POST or None)
    if request.method != "POST":
        return render(request, "public/reset_ask.html", {"form": form})
    if not form.is_valid():
        return refused(request, "public/reset_ask.html", form)
    accounts.request_password_reset(email=form.cleaned_data["email"])
    return render(request, "public/reset_sent.html", {"email": form.cleaned_data["email"]})


@sensitive_post_parameters("new_password")
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@public_page
def confirm_reset(request: Any, uid: str, token: str) -> HttpResponse:
    form = ResetConfirmForm(request.POST or None)
    if request.method != "POST":
        return render(request, "public/reset_confirm.html", {"form": form})
    if not form.is_valid():
        return refused(request, "public/reset_confirm.html", form)
    try:
        accounts.confirm_password_reset(uid=uid, token=token, new_password=form.cleaned_data["new_password"])
    except DomainError as error:
        expired = error.code == "reset_token_invalid"
        return refused(request, "public/reset_confirm.html", form, error, expired=expired)
    return done(request, "Your password is changed. Sign in with it.", "dashboard:signin")
