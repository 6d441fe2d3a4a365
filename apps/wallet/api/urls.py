from django.urls import path

from apps.wallet.api import views

urlpatterns = [
    path("wallet/ledger", views.LedgerView.as_view(), name="wallet-ledger"),
    path("wallet/transfers", views.TransferView.as_view(), name="wallet-transfers"),
    path("wallet/credits", views.CreditView.as_view(), name="wallet-credits"),
]
