from django.urls import path

from apps.orders.api import selling, views

urlpatterns = [
    path("orders", views.OrderListView.as_view(), name="orders"),
    path("orders/external", views.ExternalOrderView.as_view(), name="external-orders"),
    path("orders/<uuid:pk>", views.OrderView.as_view(), name="order"),
    path("orders/<uuid:pk>/cancel", views.CancelOrderView.as_view(), name="order-cancel"),
    path("orders/<uuid:pk>/invoice", views.InvoiceView.as_view(), name="order-invoice"),
    path("orders/<uuid:pk>/refunds", views.RefundView.as_view(), name="order-refunds"),
    path("affiliate/subscribe", selling.SubscribeView.as_view(), name="affiliate-subscribe"),
    path("services", selling.ServiceListView.as_view(), name="services"),
    path("services/<uuid:pk>/cancel", selling.CancelServiceView.as_view(), name="service-cancel"),
]
