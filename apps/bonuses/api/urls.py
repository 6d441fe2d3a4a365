from django.urls import path

from apps.bonuses.api import views

urlpatterns = [
    path("referral/events/first-deposit", views.FirstDepositView.as_view(), name="first-deposit"),
    path("referral/events/deposit-refunded", views.DepositRefundedView.as_view(), name="deposit-refunded"),
    path("referral/events/first-bid", views.FirstBidView.as_view(), name="first-bid"),
    path("referral/bonus/history", views.OwnHistoryView.as_view(), name="bonus-history"),
    path("admin/referral/bonus/history", views.StaffHistoryView.as_view(), name="admin-bonus-history"),
    path("admin/referral/bonus/settings", views.SettingsView.as_view(), name="bonus-settings"),
    path("admin/referral/bonus/<uuid:pk>/status", views.StatusView.as_view(), name="bonus-status"),
    path("admin/referral/bonus/<uuid:pk>/freeze", views.FreezeView.as_view(), name="bonus-freeze"),
]
