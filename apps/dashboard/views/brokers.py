"""The member's account at a broker (T8)."""

from typing import Any

from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST

from apps.brokers import selectors, services
from apps.brokers.models import BrokerAccount
from apps.brokers.services import Check
from apps.core.errors import NotFound
from apps.core.phases import call_out
from apps.dashboard.forms import BrokerForm
from apps.dashboard.pages import done, member_page
from apps.sites.selectors import site_settings

ASKED = "asked"
"""Said by the address one comes to from asking: then the page says what came of it."""
SAID = {
    BrokerAccount.Status.VERIFIED: "Your broker account is connected.",
    BrokerAccount.Status.UNVERIFIED: "Saved. The broker could not be asked yet; ask again in a while.",
    BrokerAccount.Status.REFUSED: "Saved, but the broker refuses these keys.",
}


def wanted() -> None:
    """Raises NotFound where the site connects no brokers."""
    if not site_settings().broker_accounts:
        raise NotFound()


@sensitive_post_parameters("api_key", "api_secret")
@require_http_methods(["GET", "HEAD", "POST"])
@member_page
def broker(request: Any) -> HttpResponse:
    wanted()
    if request.method != "POST":
        return _show(request, BrokerForm(brokers=selectors.brokers()))
    form = BrokerForm(request.POST, brokers=selectors.brokers())
    if not form.is_valid():
        return _show(request, form, status=400)
    return _ask(request, services.save_account(user=request.user, **form.cleaned_data))


def _show(request: Any, form: BrokerForm, *, status: int = 200) -> HttpResponse:
    account = BrokerAccount.objects.filter(user=request.user).first()
    keys = {name: selectors.masked(account, name) for name in ("api_key", "api_secret")} if account else {}
    said = SAID[BrokerAccount.Status(account.status)] if account and ASKED in request.GET else ""
    context = {"account": account, "keys": keys, "form": form, "said": said}
    return render(request, "dashboard/broker.html", context, status=status)


def _ask(request: Any, check: Check) -> HttpResponse:
    def finish(said: tuple[str, str]) -> HttpResponse:
        services.note_check(check=check, status=said[0], failure=said[1])
        return HttpResponseRedirect(
            f"{reverse('dashboard:broker')}?{ASKED}"
        )  # messages are of the first phase, which is over

    return call_out(request, check.ask, finish)


@require_POST
@member_page
def check_broker(request: Any) -> HttpResponse:
    """Ask about the kept keys again."""
    wanted()
    return _ask(request, services.check_of(selectors.account_of(request.user.pk)))


@require_POST
@member_page
def remove_broker(request: Any) -> HttpResponse:
    wanted()
    services.remove_account(user=request.user)
    return done(request, "Your broker account is removed, and its keys with it.", "dashboard:broker")
