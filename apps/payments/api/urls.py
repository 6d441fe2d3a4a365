from django.urls import path

from apps.payments.api import views

urlpatterns = [
    path("webhooks/stripe/<str:site_code>", views.StripeWebhookView.as_view(), name="stripe-webhook"),
]
