"""The question before something grave: is it still you? The back office and the dashboard each frame it."""

import time
from typing import Any

from django.http import HttpResponse
from django.template.response import TemplateResponse
from django.utils.http import url_has_allowed_host_and_scheme

from apps.accounts import services
from apps.accounts.forms import ProveForm
from apps.accounts.sessions import prove_session
from apps.core.errors import DomainError, TooMany
from apps.core.forms import PageForm
from apps.rbac.access import access_of

PROOFS = ("proof-password", "proof-otp")


def prove(request: Any, *, template: str, context: dict[str, Any]) -> HttpResponse | None:
    """None when the sign-in is recent enough, or was proved by what came along just now.

    Else the page that asks. It sends the very same request again with the proof beside it, so what was chosen is done once, by
    the request that is let through.
    """
    access = access_of(request)
    if not access.is_stale(getattr(request.user, "auth_time", None)):
        return None
    came = any(name in request.POST for name in PROOFS)
    form, refused = ProveForm(request.POST if came else None, prefix="proof", two_factor=access.two_factor), None
    if form.is_bound and form.is_valid():
        try:
            services.prove(user=request.user, **form.cleaned_data, durable=request.durable)
        except DomainError as error:
            form.refuse(error)
            refused = error
        else:
            prove_session(request)
            request.user.auth_time = time.time()
            return None
    asked = {
        "form": form,
        "repeated": _repeated(request),
        "minutes": access.step_up_seconds // 60,
        "back": _back(request),
    }
    page = TemplateResponse(request, template, {**context, **asked})
    page["Cache-Control"] = "private, no-store"
    return answered(page, form, refused)


def _repeated(request: Any) -> list[tuple[str, str]]:
    """What was sent, to be sent again."""
    own = ("csrfmiddlewaretoken", "username", *PROOFS)
    return [(name, value) for name, values in request.POST.lists() if name not in own for value in values]


def _back(request: Any) -> str:
    """Where one came from: a row's page says so, a list has its own address."""
    after = request.POST.get("next", "")
    return after if url_has_allowed_host_and_scheme(after, {request.get_host()}) else str(request.get_full_path())


def answered(response: HttpResponse, form: PageForm, error: DomainError | None) -> HttpResponse:
    """By its status nothing of a refused request is kept."""
    if error is not None or form.errors:
        response.status_code = 429 if isinstance(error, TooMany) else 400
    if isinstance(error, TooMany):
        response["Retry-After"] = str(error.retry_after)
    return response
