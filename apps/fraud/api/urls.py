from django.urls import path

from apps.fraud.api import review_views, views

urlpatterns = [
    path("admin/fraud/freezes", views.FreezesView.as_view(), name="fraud-freezes"),
    path("admin/fraud/freezes/<uuid:pk>", views.FreezeView.as_view(), name="fraud-freeze"),
    path("admin/fraud/freezes/<uuid:pk>/lift", views.LiftView.as_view(), name="fraud-freeze-lift"),
    path("admin/fraud/signals", review_views.SignalsView.as_view(), name="fraud-signals"),
    path("admin/fraud/reviews", review_views.ReviewsView.as_view(), name="fraud-reviews"),
    path("admin/fraud/reviews/<uuid:pk>", review_views.ReviewView.as_view(), name="fraud-review"),
    path("admin/fraud/reviews/<uuid:pk>/clear", review_views.ClearView.as_view(), name="fraud-review-clear"),
    path("admin/fraud/reviews/<uuid:pk>/confirm", review_views.ConfirmView.as_view(), name="fraud-review-confirm"),
    path("admin/fraud/settings", review_views.FraudSettingsView.as_view(), name="fraud-settings"),
]
