from django.urls import path

from apps.reports.api import analytics, audit, money, views

urlpatterns = [
    path("affiliate/dashboard", views.DashboardView.as_view(), name="affiliate-dashboard"),
    path("affiliate/stats", views.AffiliateStatsView.as_view(), name="affiliate-stats"),
    path("affiliate/services", views.ServicesView.as_view(), name="affiliate-services"),
    path("affiliate/expected-payout", views.ExpectedPayoutView.as_view(), name="affiliate-expected-payout"),
    path("wallet/statement", money.StatementView.as_view(), name="wallet-statement"),
    path("wallet/tax-summary", money.OwnTaxView.as_view(), name="wallet-tax-summary"),
    path("admin/payouts/tax-summary", money.TaxListView.as_view(), name="tax-summaries"),
    path("admin/payouts/tax-summary/<uuid:pk>", money.TaxView.as_view(), name="tax-summary"),
    path("wallet", views.WalletView.as_view(), name="wallet"),
    path("admin/analytics/users", analytics.PeopleView.as_view(), name="analytics-users"),
    path("admin/analytics/revenue", analytics.RevenueView.as_view(), name="analytics-revenue"),
    path("admin/analytics/enterprises", analytics.EnterprisesView.as_view(), name="analytics-enterprises"),
    path("admin/analytics/activities", analytics.ActsView.as_view(), name="analytics-activities"),
    path("admin/analytics/liability", analytics.LiabilityView.as_view(), name="analytics-liability"),
    path("admin/audit", audit.AuditView.as_view(), name="admin-audit"),
    path("admin/stats", views.SiteStatsView.as_view(), name="admin-stats"),
]
