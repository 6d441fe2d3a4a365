from django.urls import path

from apps.wallet.api import deposits, views

urlpatterns = [
    path("wallet/ledger", views.LedgerView.as_view(), name="wallet-ledger"),
    path("wallet/deposits", deposits.DepositListView.as_view(), name="wallet-deposits"),
    path("wallet/deposits/<uuid:pk>", deposits.DepositView.as_view(), name="wallet-deposit"),
    path("wallet/deposits/<uuid:pk>/refunds", deposits.DepositRefundView.as_view(), name="wallet-deposit-refunds"),
    path("admin/deposits", deposits.StaffDepositListView.as_view(), name="admin-deposits"),
    path("wallet/transfers", views.TransferView.as_view(), name="wallet-transfers"),
    path("wallet/credits", views.CreditView.as_view(), name="wallet-credits"),
]
