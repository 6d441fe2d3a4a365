from django.urls import path

from apps.fraud.api import views

urlpatterns = [
    path("admin/fraud/freezes", views.FreezesView.as_view(), name="fraud-freezes"),
    path("admin/fraud/freezes/<uuid:pk>", views.FreezeView.as_view(), name="fraud-freeze"),
    path("admin/fraud/freezes/<uuid:pk>/lift", views.LiftView.as_view(), name="fraud-freeze-lift"),
]
