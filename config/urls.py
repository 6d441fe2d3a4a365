"""Every route. The API is under /api/v1; what belongs to the installation or to browsers is at the root (settled.md)."""

from django.contrib import admin
from django.urls import URLPattern, URLResolver, include, path
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerSplitView

from apps.core import views
from apps.custody.api.webhooks import FireblocksWebhookView
from apps.payments.api.views import StripeWebhookView

api: list[URLPattern | URLResolver] = [
    path("", include("apps.accounts.api.urls")),
    path("", include("apps.rbac.api.urls")),
    path("", include("apps.referrals.api.urls")),
    path("", include("apps.catalogue.api.urls")),
    path("", include("apps.payments.api.urls")),
    path("", include("apps.custody.api.urls")),
    path("", include("apps.orders.api.urls")),
    path("", include("apps.brokers.api.urls")),
    path("", include("apps.activities.api.urls")),
    path("", include("apps.wallet.api.urls")),
    path("", include("apps.commissions.api.urls")),
    path("", include("apps.payouts.api.urls")),
    path("", include("apps.allocations.api.urls")),
    path("", include("apps.bonuses.api.urls")),
    path("", include("apps.fraud.api.urls")),
    path("", include("apps.notifications.api.urls")),
    path("", include("apps.reports.api.urls")),
    path("", include("apps.onboarding.api.urls")),
]

urlpatterns: list[URLPattern | URLResolver] = [
    path("health/", views.health, name="health"),
    path("health", views.health),
    path("ready/", views.ready, name="ready"),
    path("ready", views.ready),
    path("api/schema/", SpectacularAPIView.as_view(), name="schema"),
    path("api/docs/", SpectacularSwaggerSplitView.as_view(url_name="schema"), name="docs"),
    path("", include("apps.referrals.urls")),
    # At the root and under /api/v1 (settled.md); described once.
    path("webhooks/stripe/<str:site_code>", StripeWebhookView.as_view(schema=None)),
    path("webhooks/fireblocks/<str:site_code>", FireblocksWebhookView.as_view(schema=None)),
    path("api/v1/", include(api)),
    path("admin/", admin.site.urls),
    path("", include("apps.dashboard.urls")),
]
