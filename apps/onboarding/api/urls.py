from django.urls import path

from apps.onboarding.api import views

urlpatterns = [
    path("auth/register", views.RegisterView.as_view(), name="register"),
    path("auth/me", views.MeView.as_view(), name="me"),
]
