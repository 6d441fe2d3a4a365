from django.urls import path

from apps.catalogue.api import views

urlpatterns = [
    path("products", views.ProductsView.as_view(), name="products"),
    path("tiers", views.TiersView.as_view(), name="tiers"),
    path("admin/products", views.StaffProductsView.as_view(), name="staff-products"),
    path("admin/products/<uuid:pk>", views.StaffProductView.as_view(), name="staff-product"),
]
