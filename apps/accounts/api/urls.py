from django.urls import path

from apps.accounts.api import security, views

urlpatterns = [
    path("auth/token", views.TokenView.as_view(), name="token"),
    path("auth/token/refresh", views.RefreshView.as_view(), name="token-refresh"),
    path("auth/logout", views.LogoutView.as_view(), name="logout"),
    path("auth/two-factor", security.TwoFactorView.as_view(), name="two-factor"),
    path("auth/two-factor/confirm", security.TwoFactorConfirmView.as_view(), name="two-factor-confirm"),
    path("auth/two-factor/recovery-codes", security.RecoveryCodesView.as_view(), name="recovery-codes"),
    path("auth/step-up", security.StepUpView.as_view(), name="step-up"),
    path("auth/sessions", security.SessionListView.as_view(), name="sessions"),
    path("auth/sessions/revoke-all", security.SessionsRevokeView.as_view(), name="sessions-revoke-all"),
    path("auth/sessions/<uuid:pk>", security.SessionView.as_view(), name="session"),
    path("auth/password/change", views.PasswordChangeView.as_view(), name="password-change"),
    path("auth/password/reset", views.PasswordResetView.as_view(), name="password-reset"),
    path("auth/password/reset/confirm", views.PasswordResetConfirmView.as_view(), name="password-reset-confirm"),
    path("api-keys", views.ApiKeyListView.as_view(), name="api-keys"),
    path("api-keys/<uuid:pk>", views.ApiKeyView.as_view(), name="api-key"),
    path("api-keys/<uuid:pk>/rotate", views.ApiKeyRotateView.as_view(), name="api-key-rotate"),
]
