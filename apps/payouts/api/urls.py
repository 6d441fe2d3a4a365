from django.urls import path

from apps.payouts.api import batches, views

urlpatterns = [
    path("payouts", views.PayoutListView.as_view(), name="payouts"),
    path("payouts/history", views.PayoutHistoryView.as_view(), name="payout-history"),
    path("payouts/request", views.PayoutRequestView.as_view(), name="payout-request"),
    path("payouts/<uuid:pk>", views.PayoutView.as_view(), name="payout"),
    path("payouts/<uuid:pk>/approve", views.PayoutApproveView.as_view(), name="payout-approve"),
    path("payouts/<uuid:pk>/reject", views.PayoutRejectView.as_view(), name="payout-reject"),
    path("payouts/<uuid:pk>/process", views.PayoutProcessView.as_view(), name="payout-process"),
    path("payouts/<uuid:pk>/cancel", views.PayoutCancelView.as_view(), name="payout-cancel"),
    path("payouts/<uuid:pk>/retry", views.PayoutRetryView.as_view(), name="payout-retry"),
    path("admin/payouts/batches", batches.PayoutBatchListView.as_view(), name="payout-batches"),
    path("admin/payouts/batches/<uuid:pk>", batches.PayoutBatchView.as_view(), name="payout-batch"),
    path("admin/payouts/batches/<uuid:pk>/items", batches.PayoutBatchItemsView.as_view(), name="payout-batch-items"),
    path(
        "admin/payouts/batches/<uuid:pk>/refresh", batches.PayoutBatchRefreshView.as_view(), name="payout-batch-refresh"
    ),
    path(
        "admin/payouts/batches/<uuid:pk>/approve", batches.PayoutBatchApproveView.as_view(), name="payout-batch-approve"
    ),
    path("admin/payouts/batches/<uuid:pk>/cancel", batches.PayoutBatchCancelView.as_view(), name="payout-batch-cancel"),
    path("admin/payouts/batches/<uuid:pk>/close", batches.PayoutBatchCloseView.as_view(), name="payout-batch-close"),
    path("admin/payouts/batches/<uuid:pk>/bank-file", batches.BankFileView.as_view(), name="payout-batch-bank-file"),
    path("admin/payouts/batches/<uuid:pk>/results", batches.ResultsView.as_view(), name="payout-batch-results"),
    path("admin/payouts/reconciliation", batches.ReconciliationView.as_view(), name="payout-reconciliation"),
    path("payout-methods", views.MethodListView.as_view(), name="payout-methods"),
    path("payout-methods/<uuid:pk>/onboarding", views.MethodOnboardingView.as_view(), name="payout-method-onboarding"),
    path("payout-methods/<uuid:pk>", views.MethodView.as_view(), name="payout-method"),
]
