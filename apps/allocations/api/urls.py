from django.urls import path

from apps.allocations.api import views

urlpatterns = [
    path("allocations", views.OwnAllocationsView.as_view(), name="allocations"),
    path("admin/allocations", views.AllocationListView.as_view(), name="admin-allocations"),
    path("admin/allocations/batches", views.BatchListView.as_view(), name="allocation-batches"),
    path("admin/allocations/batches/<uuid:pk>", views.BatchView.as_view(), name="allocation-batch"),
    path("admin/allocations/<uuid:pk>/retry", views.RetryView.as_view(), name="allocation-retry"),
]
