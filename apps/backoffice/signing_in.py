"""The back office's door: password, code, the Security page, and the question before money moves."""

from typing import Any

from django.contrib import messages
from django.contrib.auth import REDIRECT_FIELD_NAME
from django.contrib.auth.views import LoginView
from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.decorators import method_decorator
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_POST

from apps.accounts import proving
from apps.accounts import services as accounts
from apps.accounts.forms import CodeForm
from apps.accounts.pages import security_page
from apps.accounts.sessions import close_session, go_half_way, half_way, open_session
from apps.backoffice.forms import SignInForm
from apps.core.errors import DomainError


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
        return proving.answered(TemplateResponse(request, "admin/login_code.html", context), form, refused)

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
        """None when the sign-in is recent enough for moving money, or was just proved; else the page that asks. `what` says what
        will follow (apps.accounts.proving)."""
        context = {**self.each_context(request), "title": "Confirm it’s you", "what": what}
        return proving.prove(request, template="admin/tools/prove.html", context=context)
