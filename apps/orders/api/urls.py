from django.urls import path

from apps.orders.api import views

urlpatterns = [
    path("orders", views.OrderListView.as_view(), name="orders"),
    path("orders/external", views.ExternalOrderView.as_view(), name="external-orders"),
    path("orders/<uuid:pk>", views.OrderView.as_view(), name="order"),
    path("orders/<uuid:pk>/refunds", views.RefundView.as_view(), name="order-refunds"),
]
