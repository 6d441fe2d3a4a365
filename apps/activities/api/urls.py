from django.urls import path

from apps.activities.api import enterprise, views

urlpatterns = [
    path("activity-types", views.ActivityTypesView.as_view(), name="activity-types"),
    path("activity-forms", views.ActivityFormsView.as_view(), name="activity-forms"),
    path("activities", views.ActivitiesView.as_view(), name="activities"),
    path("activities/stats", views.ActivityStatsView.as_view(), name="activity-stats"),
    path("activities/<uuid:pk>", views.ActivityView.as_view(), name="activity"),
    path("activities/<uuid:pk>/file", views.ActivityFileView.as_view(), name="activity-file"),
    path("enterprise/sub-users", enterprise.SubUsersView.as_view(), name="sub-users"),
    path("enterprise/sub-users/<uuid:pk>", enterprise.SubUserView.as_view(), name="sub-user"),
    path("enterprise/dashboard", enterprise.EnterpriseDashboardView.as_view(), name="enterprise-dashboard"),
    path("enterprise/statement", enterprise.StatementView.as_view(), name="enterprise-statement"),
]
