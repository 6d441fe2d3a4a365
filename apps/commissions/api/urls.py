from django.urls import path

from apps.commissions.api import plans, views

urlpatterns = [
    path("commissions", views.CommissionsView.as_view(), name="commissions"),
    path("commissions/pending", views.PendingView.as_view(), name="commissions-pending"),
    path("commissions/stats", views.StatsView.as_view(), name="commissions-stats"),
    path("commissions/approve", views.ApproveManyView.as_view(), name="commissions-approve"),
    path("commissions/<uuid:commission_id>", views.CommissionView.as_view(), name="commission"),
    path("commissions/<uuid:commission_id>/approve", views.ApproveView.as_view(), name="commission-approve"),
    path("commissions/<uuid:commission_id>/reject", views.RejectView.as_view(), name="commission-reject"),
    path("commissions/<uuid:commission_id>/explain", views.ExplainView.as_view(), name="commission-explain"),
    path("orders/<uuid:order_id>/outcomes", views.OutcomesView.as_view(), name="order-outcomes"),
    path("commission-plans", plans.PlansView.as_view(), name="plans"),
    path("commission-plans/<uuid:plan_id>", plans.PlanView.as_view(), name="plan"),
    path("commission-plans/<uuid:plan_id>/publish", plans.PublishView.as_view(), name="plan-publish"),
    path("commission-plans/overrides/<uuid:partner_id>", plans.OverridesView.as_view(), name="overrides"),
]
