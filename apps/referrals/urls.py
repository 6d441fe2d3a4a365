from django.urls import path

from apps.referrals import views

app_name = "referrals"
urlpatterns = [
    path("r/<str:token>", views.follow, name="follow"),
    path("r/<str:token>/", views.follow),
]
