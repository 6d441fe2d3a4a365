from django.urls import path

from apps.reports.api import audit, views

urlpatterns = [
    path("affiliate/dashboard", views.DashboardView.as_view(), name="affiliate-dashboard"),
    path("affiliate/stats", views.AffiliateStatsView.as_view(), name="affiliate-stats"),
    path("affiliate/services", views.ServicesView.as_view(), name="affiliate-services"),
    path("affiliate/expected-payout", views.ExpectedPayoutView.as_view(), name="affiliate-expected-payout"),
    path("wallet", views.WalletView.as_view(), name="wallet"),
    path("admin/audit", audit.AuditView.as_view(), name="admin-audit"),
    path("admin/stats", views.SiteStatsView.as_view(), name="admin-stats"),
]
