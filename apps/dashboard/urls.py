"""Pages for people. Each address works with and without a slash at its end: people type both."""

from collections.abc import Callable

from django.http import HttpResponse
from django.urls import URLPattern, path
from django.views.generic import RedirectView

from apps.dashboard.views import overview, platform, profile, public, session, wallet

app_name = "dashboard"


def page(route: str, view: Callable[..., HttpResponse], name: str) -> list[URLPattern]:
    return [path(route, view, name=name), path(f"{route}/", view)]


urlpatterns: list[URLPattern] = [
    path("", platform.home, name="home"),
    path("site.css", platform.site_css, name="site_css"),
    path("favicon.ico", platform.favicon),
    *page("join", public.join, "join"),
    path("dashboard/", overview.overview, name="overview"),
    path("dashboard", RedirectView.as_view(pattern_name="dashboard:overview", query_string=True)),
    *page("dashboard/signin", session.sign_in, "signin"),
    *page("dashboard/signout", session.sign_out, "signout"),
    *page("dashboard/password/reset", session.ask_reset, "reset_ask"),
    *page("dashboard/password/reset/<str:uid>/<str:token>", session.confirm_reset, "reset_confirm"),
    *page("dashboard/wallet", wallet.wallet, "wallet"),
    *page("dashboard/settings", profile.settings, "settings"),
    *page("dashboard/settings/password", profile.change_password, "change_password"),
    *page("dashboard/settings/signout", profile.sign_out_everywhere, "sign_out_everywhere"),
]
