from django.urls import path

from apps.onboarding.api import views

urlpatterns = [
    path("auth/oidc", views.OidcView.as_view(), name="oidc"),
    path("auth/register", views.RegisterView.as_view(), name="register"),
    path("auth/me", views.MeView.as_view(), name="me"),
]
