from django.urls import path

from apps.payouts.api import views

urlpatterns = [
    path("payouts", views.PayoutListView.as_view(), name="payouts"),
    path("payouts/history", views.PayoutHistoryView.as_view(), name="payout-history"),
    path("payouts/request", views.PayoutRequestView.as_view(), name="payout-request"),
    path("payouts/<uuid:pk>", views.PayoutView.as_view(), name="payout"),
    path("payouts/<uuid:pk>/approve", views.PayoutApproveView.as_view(), name="payout-approve"),
    path("payouts/<uuid:pk>/reject", views.PayoutRejectView.as_view(), name="payout-reject"),
    path("payouts/<uuid:pk>/process", views.PayoutProcessView.as_view(), name="payout-process"),
    path("payouts/<uuid:pk>/cancel", views.PayoutCancelView.as_view(), name="payout-cancel"),
    path("payout-methods", views.MethodListView.as_view(), name="payout-methods"),
    path("payout-methods/<uuid:pk>/onboarding", views.MethodOnboardingView.as_view(), name="payout-method-onboarding"),
    path("payout-methods/<uuid:pk>", views.MethodView.as_view(), name="payout-method"),
]
