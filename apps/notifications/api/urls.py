from django.urls import path

from apps.notifications.api import views

urlpatterns = [
    path("notifications", views.NotificationsView.as_view(), name="notifications"),
    path("notifications/read-all", views.ReadAllView.as_view(), name="notifications-read-all"),
    path("notifications/preferences", views.PreferencesView.as_view(), name="notification-preferences"),
    path("notifications/<uuid:pk>/read", views.ReadView.as_view(), name="notification-read"),
]
