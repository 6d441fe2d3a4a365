"""Who I am here, and the keys to it."""

from typing import Any

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST

from apps.accounts import services as accounts
from apps.accounts.models import User
from apps.accounts.pages import security_page
from apps.accounts.sessions import close_session, open_session
from apps.core.errors import DomainError
from apps.dashboard.forms import PasswordForm, ProfileForm
from apps.dashboard.pages import done, member_page
from apps.sites.selectors import site_settings


@require_http_methods(["GET", "HEAD", "POST"])
@member_page
def settings(request: Any) -> HttpResponse:
    form = ProfileForm(
        request.POST or None, initial={"full_name": request.user.full_name, "locale": request.user.locale}
    )
    if request.method != "POST":
        return _show(request, profile=form)
    if not form.is_valid():
        return _show(request, profile=form, status=400)
    accounts.update_profile(user=request.user, changes=form.cleaned_data)
    return done(request, "Saved.", "dashboard:settings")


@sensitive_post_parameters("old_password", "new_password")
@require_POST
@member_page
def change_password(request: Any) -> HttpResponse:
    """Ends every other session and token; this one goes on."""
    form = PasswordForm(request.POST)
    if not form.is_valid():
        return _show(request, password=form, status=400)
    try:
        accounts.change_password(user=request.user, **form.cleaned_data)
    except DomainError as error:
        form.refuse(error)
        return _show(request, password=form, status=error.status)
    open_session(request, User.objects.get(pk=request.user.pk))
    return done(
        request, "Your password is changed. Everything else that was signed in is signed out.", "dashboard:settings"
    )


@require_POST
@member_page
def sign_out_everywhere(request: Any) -> HttpResponse:
    accounts.sign_out_everywhere(user=request.user)
    close_session(request)
    return done(request, "You are signed out on every device.", "dashboard:signin")


@sensitive_post_parameters("begin-password", "switch_off-password")
@require_http_methods(["GET", "HEAD", "POST"])
@member_page
def security(request: Any) -> HttpResponse:
    return security_page(
        request, template="dashboard/security.html", context={}, here="dashboard:security", out="dashboard:signin"
    )


def _show(request: Any, *, profile: Any = None, password: Any = None, status: int = 200) -> HttpResponse:
    user = request.user
    context = {
        "profile": profile or ProfileForm(initial={"full_name": user.full_name, "locale": user.locale}),
        "password": password or PasswordForm(),
        "connects_brokers": site_settings().broker_accounts,
    }
    return render(request, "dashboard/settings.html", context, status=status)
