from django.urls import path

from apps.referrals.api import views

urlpatterns = [
    path("referrals/stats", views.StatsView.as_view(), name="referral-stats"),
    path("referrals/tree", views.TreeView.as_view(), name="referral-tree"),
    path("referrals/upline", views.UplineView.as_view(), name="referral-upline"),
    path("affiliate/referrals", views.ReferralsView.as_view(), name="affiliate-referrals"),
    path("affiliate/referrals/level/<int:level>", views.LevelView.as_view(), name="affiliate-referrals-level"),
    path("affiliate/link", views.LinkView.as_view(), name="affiliate-link"),
    path("track/click", views.ClickView.as_view(), name="track-click"),
    path("admin/referrals/global-tree", views.GlobalTreeView.as_view(), name="global-tree"),
    path("admin/referrals/<uuid:pk>/move", views.MoveView.as_view(), name="partner-move"),
    path("admin/partners/<uuid:pk>", views.PartnerView.as_view(), name="partner"),
]
