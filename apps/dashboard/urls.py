"""Pages for people. Each address works with and without a slash at its end: people type both."""

from collections.abc import Callable

from django.http import HttpResponse
from django.urls import URLPattern, path
from django.views.generic import RedirectView

from apps.dashboard.views import (
    activities,
    brokers,
    commissions,
    enterprise,
    funds,
    links,
    notifications,
    overview,
    payouts,
    platform,
    profile,
    public,
    services,
    session,
    shop,
    team,
    wallet,
)

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
    *page("dashboard/signin/code", session.sign_in_code, "signin_code"),
    *page("dashboard/signout", session.sign_out, "signout"),
    *page("dashboard/password/reset", session.ask_reset, "reset_ask"),
    *page("dashboard/password/reset/<str:uid>/<str:token>", session.confirm_reset, "reset_confirm"),
    *page("dashboard/team", team.team, "team"),
    *page("dashboard/team/<uuid:pk>/branch", team.branch, "branch"),
    *page("dashboard/commissions", commissions.commissions, "commissions"),
    *page("dashboard/links", links.links, "links"),
    *page("dashboard/links/<uuid:pk>", links.switch, "switch_link"),
    path("dashboard/links/<str:token>.svg", links.qr, name="qr"),
    *page("dashboard/payouts", payouts.payouts, "payouts"),
    *page("dashboard/payouts/methods/stripe", payouts.connect_stripe, "connect_stripe"),
    *page("dashboard/payouts/methods/<uuid:pk>/stripe", payouts.method_connect, "method_connect"),
    *page("dashboard/payouts/methods/<uuid:pk>/connected", payouts.method_connected, "method_connected"),
    *page("dashboard/payouts/methods/<str:kind>", payouts.add_method, "add_method"),
    *page("dashboard/payouts/methods/<uuid:pk>/remove", payouts.remove_method, "remove_method"),
    *page("dashboard/payouts/<uuid:pk>", payouts.payout, "payout"),
    *page("dashboard/payouts/<uuid:pk>/cancel", payouts.cancel, "cancel_payout"),
    *page("dashboard/shop", shop.shop, "shop"),
    *page("dashboard/activate", shop.activate, "activate"),
    *page("dashboard/orders", shop.orders, "orders"),
    *page("dashboard/orders/<uuid:pk>", shop.order, "order"),
    *page("dashboard/orders/<uuid:pk>/pay", shop.pay, "pay_order"),
    *page("dashboard/orders/<uuid:pk>/invoice", shop.invoice, "invoice"),
    *page("dashboard/orders/<uuid:pk>/cancel", shop.cancel, "cancel_order"),
    *page("dashboard/services", services.mine, "services"),
    *page("dashboard/services/<uuid:pk>/renew", services.renew, "renew_service"),
    *page("dashboard/services/<uuid:pk>/cancel", services.cancel, "cancel_service"),
    *page("dashboard/sales", services.sales, "sales"),
    *page("dashboard/wallet", wallet.wallet, "wallet"),
    *page("dashboard/wallet/deposits", funds.add_funds, "add_funds"),
    *page("dashboard/wallet/deposits/<uuid:pk>", funds.deposit, "deposit"),
    *page("dashboard/wallet/deposits/<uuid:pk>/pay", funds.pay, "pay_deposit"),
    *page("dashboard/wallet/statement", funds.statement, "statement"),
    *page("dashboard/wallet/tax-summary", funds.tax_summary, "tax_summary"),
    *page("dashboard/notifications", notifications.inbox, "notifications"),
    *page("dashboard/notifications/read", notifications.read_all, "read_notifications"),
    *page("dashboard/notifications/<uuid:pk>/read", notifications.read, "read_notification"),
    *page("dashboard/notifications/preferences", notifications.preferences, "notification_preferences"),
    *page("unsubscribe/<str:token>", notifications.unsubscribe, "unsubscribe"),
    *page("dashboard/settings", profile.settings, "settings"),
    *page("dashboard/security", profile.security, "security"),
    *page("dashboard/activities", activities.activities, "activities"),
    *page("dashboard/activities/report", activities.run_report, "run_report"),
    *page("dashboard/activities/forms/<uuid:pk>", activities.download_form, "download_form"),
    *page("dashboard/activities/<uuid:pk>/file", activities.file, "activity_file"),
    *page("dashboard/enterprise", enterprise.enterprise, "enterprise"),
    *page("dashboard/enterprise/sub-users", enterprise.add_sub_user, "add_sub_user"),
    *page("dashboard/enterprise/sub-users/<uuid:pk>", enterprise.sub_user, "sub_user"),
    *page("dashboard/enterprise/sub-users/<uuid:pk>/switch", enterprise.switch_sub_user, "switch_sub_user"),
    *page("dashboard/broker", brokers.broker, "broker"),
    *page("dashboard/broker/check", brokers.check_broker, "check_broker"),
    *page("dashboard/broker/remove", brokers.remove_broker, "remove_broker"),
    *page("dashboard/settings/password", profile.change_password, "change_password"),
    *page("dashboard/settings/signout", profile.sign_out_everywhere, "sign_out_everywhere"),
]
