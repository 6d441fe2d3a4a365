"""Signing in and out, and the way back in for who lost their password."""

from typing import Any

from django.conf import settings
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST

from apps.accounts import services as accounts
from apps.accounts.forms import CodeForm
from apps.accounts.sessions import close_session, go_half_way, half_way, open_session
from apps.core.errors import DomainError, TooMany
from apps.core.forms import PageForm
from apps.dashboard.forms import ResetConfirmForm, ResetRequestForm, SignInForm
from apps.dashboard.pages import done, public_page


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
        user = accounts.check_password(**form.cleaned_data, durable=request.durable)
    except DomainError as error:
        return refused(request, "public/signin.html", form, error, **context)
    if accounts.has_two_factor(user):
        go_half_way(request, user, target)
        return redirect("dashboard:signin_code")
    open_session(request, user)
    return redirect(target or settings.LOGIN_REDIRECT_URL)


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@public_page
def sign_in_code(request: Any) -> HttpResponse:
    """The second page, for those who have two-factor. Signed in is who gets past it."""
    waiting = half_way(request)
    if waiting is None or request.user.is_authenticated:
        return redirect("dashboard:signin")
    form = CodeForm(request.POST or None)
    if request.method != "POST":
        return render(request, "public/signin_code.html", {"form": form})
    if not form.is_valid():
        return refused(request, "public/signin_code.html", form)
    try:
        accounts.check_second_step(user=waiting.user, otp=form.cleaned_data["otp"], durable=request.durable)
    except DomainError as error:
        return refused(request, "public/signin_code.html", form, error)
    open_session(request, waiting.user)
    return redirect(waiting.next or settings.LOGIN_REDIRECT_URL)


@require_POST
@public_page
def sign_out(request: Any) -> HttpResponse:
    close_session(request)
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
