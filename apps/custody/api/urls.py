from django.urls import path

from apps.custody.api import webhooks

urlpatterns = [
    path("webhooks/fireblocks/<str:site_code>", webhooks.FireblocksWebhookView.as_view(), name="fireblocks-webhook"),
]
