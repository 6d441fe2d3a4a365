"""The back office's door: password, code, the Security page, and the question before money moves."""

import time
from typing import Any

from django.contrib import messages
from django.contrib.auth import REDIRECT_FIELD_NAME
from django.contrib.auth.views import LoginView
from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.decorators import method_decorator
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_POST

from apps.accounts import services as accounts
from apps.accounts.forms import CodeForm, ProveForm
from apps.accounts.pages import security_page
from apps.accounts.sessions import close_session, go_half_way, half_way, open_session, prove_session
from apps.backoffice.forms import SignInForm
from apps.core.errors import DomainError, TooMany
from apps.rbac.access import access_of

PROOFS = ("proof-password", "proof-otp")


def without_two_factor(view: Any) -> Any:
    """Marks a page that staff reach although their site wants two-factor of them first."""
    view.without_two_factor = True
    return view


class SignInView(LoginView):
    """The password. Those who have two-factor are sent on to the page of the code, signed in as nobody yet."""

    authentication_form = SignInForm
    template_name = "admin/login.html"

    def form_valid(self, form: Any) -> HttpResponse:
        user = form.get_user()
        if accounts.has_two_factor(user):
            go_half_way(self.request, user, self.get_success_url())
            return redirect("admin:login_code")
        open_session(self.request, user)
        return HttpResponseRedirect(self.get_success_url())


class SigningIn:
    """What BackOfficeSite does about who is who."""

    name: str
    each_context: Any
    has_permission: Any

    def login(self, request: Any, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        if request.method == "GET" and self.has_permission(request):
            return redirect("admin:index")
        context = {
            **self.each_context(request), "title": "Sign in", "app_path": request.get_full_path(),
            "username": request.user.get_username(), **(extra_context or {}),
        }  # fmt: skip
        if REDIRECT_FIELD_NAME not in request.GET and REDIRECT_FIELD_NAME not in request.POST:
            context[REDIRECT_FIELD_NAME] = reverse("admin:index")
        request.current_app = self.name
        answer: Any = never_cache(SignInView.as_view(extra_context=context))(request)
        found: HttpResponse = answer
        return found

    @method_decorator(never_cache)
    def login_code(self, request: Any) -> HttpResponse:
        """The second page, for those who have two-factor."""
        waiting = half_way(request)
        if waiting is None:
            return redirect("admin:login")
        form, refused = CodeForm(request.POST or None), None
        if request.method == "POST" and form.is_valid():
            try:
                accounts.check_second_step(user=waiting.user, otp=form.cleaned_data["otp"], durable=request.durable)
            except DomainError as error:
                form.refuse(error)
                refused = error
            else:
                open_session(request, waiting.user)
                return HttpResponseRedirect(waiting.next)
        context = {**self.each_context(request), "title": "Your code", "form": form}
        return _answer(TemplateResponse(request, "admin/login_code.html", context), form, refused)

    @without_two_factor
    @method_decorator(require_POST)
    def logout(self, request: Any, extra_context: dict[str, Any] | None = None) -> Any:
        close_session(request)
        messages.success(request, "You are signed out.")
        return redirect("admin:login")

    @without_two_factor
    @method_decorator(sensitive_post_parameters("begin-password", "switch_off-password"))
    def security(self, request: Any) -> HttpResponse:
        if getattr(request, "site", None) is None:  # the audit is a site's, so one is chosen first
            return redirect("admin:index")
        context = {**self.each_context(request), "title": "Security"}
        return security_page(
            request, template="admin/security.html", context=context, here="admin:security", out="admin:login"
        )

    def prove(self, request: Any, *, what: str = "") -> HttpResponse | None:
        """None when the sign-in is recent enough for moving money, or was proved by what came along just now.

        Else the page that asks. It sends the very same request again with the proof beside it, so what was chosen is done once,
        by the request that is let through. `what` says what will follow.
        """
        access = access_of(request)
        if not access.is_stale(getattr(request.user, "auth_time", None)):
            return None
        came = any(name in request.POST for name in PROOFS)
        form, refused = ProveForm(request.POST if came else None, prefix="proof", two_factor=access.two_factor), None
        if form.is_bound and form.is_valid():
            try:
                accounts.prove(user=request.user, **form.cleaned_data, durable=request.durable)
            except DomainError as error:
                form.refuse(error)
                refused = error
            else:
                prove_session(request)
                request.user.auth_time = time.time()
                return None
        context = {
            **self.each_context(request), "title": "Confirm it’s you", "form": form, "what": what, "repeated": _repeated(request),
            "minutes": access.step_up_seconds // 60, "back": _back(request),
        }  # fmt: skip
        page = TemplateResponse(request, "admin/tools/prove.html", context)
        page["Cache-Control"] = "no-store"
        return _answer(page, form, refused)


def _repeated(request: Any) -> list[tuple[str, str]]:
    """What was sent, to be sent again."""
    own = ("csrfmiddlewaretoken", "username", *PROOFS)
    return [(name, value) for name, values in request.POST.lists() if name not in own for value in values]


def _back(request: Any) -> str:
    """Where one came from: a row's page says so, a list has its own address."""
    after = request.POST.get("next", "")
    return after if url_has_allowed_host_and_scheme(after, {request.get_host()}) else str(request.get_full_path())


def _answer(response: HttpResponse, form: Any, error: DomainError | None) -> HttpResponse:
    """By its status nothing of a refused request is kept."""
    if error is not None or form.errors:
        response.status_code = 429 if isinstance(error, TooMany) else 400
    if isinstance(error, TooMany):
        response["Retry-After"] = str(error.retry_after)
    return response
