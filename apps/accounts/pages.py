"""The Security page: two-factor and sign-ins of whoever is signed in. The dashboard and the back office each frame it."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.utils.cache import patch_cache_control

from apps.accounts import services
from apps.accounts.forms import BeginForm, CodeForm, ConfirmForm, SwitchOffForm
from apps.accounts.sessions import close_session
from apps.accounts.sign_ins import live_sign_ins
from apps.core.errors import DomainError, NotFound, TooMany
from apps.core.forms import PageForm
from apps.rbac.access import access_of

SHOWN = 50
FORMS: dict[str, type[PageForm]] = {
    "begin": BeginForm, "confirm": ConfirmForm, "renew": CodeForm, "switch_off": SwitchOffForm,
}  # fmt: skip

Shown = dict[str, Any]


def security_page(request: Any, *, template: str, context: Shown, here: str, out: str) -> HttpResponse:
    """`here` and `out` name the page and the one to sign in at. Secrets are shown in the answer to a form, and never again."""
    status, shown = 200, Shown()
    if request.method == "POST":
        try:
            answer = _act(request, here, out)
        except NotFound as error:
            raise Http404 from error
        except _Refused as refusal:
            status, shown = refusal.status, refusal.shown
        else:
            if isinstance(answer, HttpResponse):
                return answer
            shown = answer
    page = {**_standing(request), **shown, **context}
    response = TemplateResponse(request, template, page, status=status)
    patch_cache_control(response, private=True, no_store=True)
    if "retry_after" in shown:
        response["Retry-After"] = str(shown["retry_after"])
    return response


class _Refused(Exception):
    """The page again, with what was wrong beside the field."""

    def __init__(self, status: int, shown: Shown) -> None:
        super().__init__()
        self.status, self.shown = status, shown


def _act(request: Any, here: str, out: str) -> HttpResponse | Shown:
    """One button. Raises _Refused, NotFound."""
    chosen = request.POST.get("do", "")
    if chosen == "end":
        services.end_sign_in(user=request.user, sign_in_id=_id(request.POST.get("id", "")))
        messages.success(request, "That sign-in has ended.")
        return redirect(here)
    if chosen == "end_all":
        services.sign_out_everywhere(user=request.user)
        close_session(request)
        messages.success(request, "You are signed out on every device.")
        return redirect(out)
    make = FORMS.get(chosen)
    if make is None:
        raise NotFound()
    form = make(request.POST, prefix=chosen)
    shown = {chosen: form, **(_begun(request) if chosen == "confirm" else {})}
    if not form.is_valid():
        raise _Refused(400, shown)
    try:
        return _ACTS[chosen](request, form.cleaned_data) or redirect(here)
    except DomainError as error:
        form.refuse(error)
        waiting = {"retry_after": error.retry_after} if isinstance(error, TooMany) else {}
        raise _Refused(error.status, shown | waiting) from error


def _begin(request: Any, given: Shown) -> Shown:
    return {"begun": services.begin_two_factor(user=request.user, **given, durable=request.durable)}


def _confirm(request: Any, given: Shown) -> Shown:
    return {"codes": services.confirm_two_factor(user=request.user, **given, durable=request.durable), "is_new": True}


def _renew(request: Any, given: Shown) -> Shown:
    return {"codes": services.renew_recovery_codes(user=request.user, **given, durable=request.durable)}


def _switch_off(request: Any, given: Shown) -> None:
    services.switch_off_two_factor(user=request.user, **given, durable=request.durable)
    messages.success(request, "Two-factor is off.")


_ACTS: dict[str, Callable[[Any, Shown], Shown | None]] = {
    "begin": _begin, "confirm": _confirm, "renew": _renew, "switch_off": _switch_off,
}  # fmt: skip


def _begun(request: Any) -> Shown:
    """The QR code once more, for who mistyped the first code."""
    try:
        return {"begun": services.enrolment_of(request.user)}
    except DomainError:
        return {}


def _standing(request: Any) -> Shown:
    sign_ins = list(live_sign_ins(request.user).order_by("-last_used_at", "-id")[:SHOWN])
    return {
        **{name: make(prefix=name) for name, make in FORMS.items()},
        "standing": services.standing(request.user),
        "sign_ins": sign_ins,
        "current": request.user.sign_in_id,
        "must_switch_on": access_of(request).withheld is not None,
    }


def _id(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError as error:
        raise NotFound() from error
