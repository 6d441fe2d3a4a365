"""Decisions about many rows, as they go on."""

from typing import Any

from django.apps import apps
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from apps.backoffice import jobs
from apps.backoffice.models import BulkJob
from apps.core.backoffice import Outcome, ReasonForm, UplineModelAdmin, attempt, badge, decision, holds
from apps.core.errors import Denied

_TONE = {"running": "processing", "done": "paid", "stopped": "reversed"}


@admin.register(BulkJob)
class BulkJobAdmin(UplineModelAdmin):
    plural = "Bulk decisions"
    # Whoever may decide about many.
    view_keys = (
        "commission.approve", "payout.approve", "payout.manage", "affiliate.manage", "order.update", "user.update",
        "permission.manage",
    )  # fmt: skip
    list_display = ("label", "who", "state", "progress", "done", "refused", "created_at", "finished_at")
    list_filter = ("status",)
    list_select_related = ("actor",)
    fields = ("who", "note", "query", "created_at", "finished_at")
    readonly_fields = fields
    intro = (
        "Decisions about everything that fits a list, more than one page carries. They go on while you do other things."
    )
    empty_text = "Filter a list, choose “all that fit”, and say what to do with them."
    action_form = ReasonForm
    actions = ("stop",)
    change_form_template = "admin/tools/bulk_job.html"

    scoped = True

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """Who decides for a department or an enterprise sees their own jobs."""
        rows: QuerySet[Any] = super().get_queryset(request)
        return rows if holds(request, self.view_keys) else rows.filter(actor_id=request.user.pk)

    @admin.display(description="status", ordering="status")
    def state(self, job: BulkJob) -> str:
        return badge(_TONE[job.status], job.get_status_display())

    @admin.display(description="asked for by")
    def who(self, job: BulkJob) -> str:
        return str(job.actor)

    @admin.display(description="progress")
    def progress(self, job: BulkJob) -> str:
        return f"{job.seen} of {job.total}, {job.percent} %"

    def has_stop_permission(self, request: HttpRequest) -> bool:
        return self.has_view_permission(request)

    def offers(self, action: str, obj: BulkJob) -> bool:
        return obj.status == BulkJob.Status.RUNNING

    @decision("Stop; what is done stays done", needs="stop", done="job{s} stopped")
    def stop(self, request: HttpRequest, rows: QuerySet[BulkJob], reason: str) -> Outcome:
        actor: Any = request.user

        def act(job: BulkJob) -> None:
            screen = self.admin_site.get_model_admin(apps.get_model(job.screen))
            if job.actor_id != actor.pk and job.action not in screen.get_actions(request):
                raise Denied(message="Whoever may decide this may stop it, and whoever asked for it.")
            jobs.stop_job(job=job, actor=actor, reason=reason)

        return attempt(rows, act)
