from django.urls import path

from apps.brokers.api import views

urlpatterns = [path("broker-account", views.BrokerAccountView.as_view(), name="broker-account")]
