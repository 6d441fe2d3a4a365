"""Bulk decisions as jobs: made by a request, carried out by the worker a few hundred rows at a time."""

from collections import Counter
from collections.abc import Sequence
from typing import Any
from uuid import UUID

from django.apps import apps
from django.contrib import admin
from django.contrib.admin.options import IncorrectLookupParameters
from django.contrib.admin.views.main import ChangeList
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.test import RequestFactory
from django.urls import reverse
from django.utils import timezone

from apps.accounts.authentication import load_caller
from apps.audit import services as audit
from apps.backoffice.models import BulkJob
from apps.core import outbox
from apps.core.backoffice import Outcome
from apps.core.backoffice.bulk import AT_ONCE
from apps.core.models import OutboxEvent
from apps.core.tenancy import require_site_id
from apps.sites.selectors import current_site

TOPIC = "bulk.step"
REASONS_KEPT = 20
_PAGING = ("p", "all", "o")


def start(request: HttpRequest, screen: Any, action: str, rows: QuerySet[Any], reason: str) -> HttpResponse:
    """Make the job and show it. `rows` is everything that fits the list."""
    job = create_job(
        actor=request.user, screen=screen.opts.label_lower, action=action, query=_filters(request), note=reason,
        rows=rows,
    )  # fmt: skip
    return redirect("admin:backoffice_bulkjob_change", job.pk)


@transaction.atomic
def create_job(*, actor: Any, screen: str, action: str, query: str, note: str, rows: QuerySet[Any]) -> BulkJob:
    """RUNNING. Two queries for the newest of `rows` and their number."""
    newest = rows.order_by("-pk").values_list("pk", flat=True)[0]
    model_admin: Any = admin.site.get_model_admin(apps.get_model(screen))
    plural = model_admin.plural or str(model_admin.opts.verbose_name_plural).capitalize()
    label = f"{getattr(type(model_admin), action).short_description}: {plural}"
    job = BulkJob.objects.create(
        actor=actor, screen=screen, action=action, query=query, note=note, newest=newest,
        total=rows.order_by().filter(pk__lte=newest).count(), label=label[:120],
    )  # fmt: skip
    audit.record(
        actor=actor, action="bulk.started", target=job, reason=note,
        after={"action": action, "list": screen, "filters": query, "rows": job.total},
    )  # fmt: skip
    _next(job, 0)
    return job


@transaction.atomic
def stop_job(*, job: BulkJob, actor: Any, reason: str = "") -> BulkJob:
    """RUNNING → STOPPED. What is done stays done. Raises Conflict when it has ended."""
    job = BulkJob.objects.select_for_update().get(pk=job.pk)
    _end(job, BulkJob.Status.STOPPED, f"Stopped by {actor}")
    audit.record(actor=actor, action="bulk.stopped", target=job, reason=reason)
    return job


def may_stop(request: HttpRequest, job: BulkJob) -> bool:
    """Who asked for it, and whoever could ask for the same."""
    screen: Any = admin.site.get_model_admin(apps.get_model(job.screen))
    return job.actor_id == request.user.pk or job.action in screen.get_actions(request)


def run_steps(events: Sequence[OutboxEvent]) -> None:
    """Outbox consumer of `bulk.step`."""
    for event in events:
        run_step(UUID(event.payload["job"]), event.payload["step"])


def run_step(job_id: UUID, step: int) -> None:
    """The next rows, in this transaction; then the step after. A person who lost the right meanwhile decides nothing more."""
    job = BulkJob.objects.select_for_update().get(pk=job_id)
    if job.status != BulkJob.Status.RUNNING:
        return
    request = _request_of(job)
    screen: Any = admin.site.get_model_admin(apps.get_model(job.screen))
    if request is None or job.action not in screen.get_actions(request):
        _end(job, BulkJob.Status.STOPPED, "Whoever asked for it may no longer do this")
        return
    keys = _next_keys(job, screen, request)
    if not keys:
        _end(job, BulkJob.Status.DONE, "")
        return
    rows = screen.get_queryset(request).filter(pk__in=keys)
    outcome: Outcome = getattr(type(screen), job.action).decide(screen, request, rows, job.note)
    _count(job, keys, outcome)
    _next(job, step + 1)


def _next_keys(job: BulkJob, screen: Any, request: HttpRequest) -> list[UUID]:
    """Of rows that fit the filters now."""
    try:
        rows = _filtered(screen, request)
    except IncorrectLookupParameters:
        return []
    below = {"pk__lt": job.next_below} if job.next_below else {"pk__lte": job.newest}
    return list(rows.filter(**below).order_by("-pk").values_list("pk", flat=True)[:AT_ONCE])


class _FiltersOnly(ChangeList):
    """The rows that fit, without the page of them and its count: on a million rows that was half of a step (measured)."""

    def get_results(self, request: HttpRequest) -> None:
        self.result_count, self.full_result_count, self.result_list = 0, None, []
        self.can_show_all = self.multi_page = False


def _filtered(screen: Any, request: HttpRequest) -> QuerySet[Any]:
    """As Django's `get_changelist_instance` puts them together."""
    listed = screen.get_list_display(request)
    changelist = _FiltersOnly(
        request, screen.model, listed, screen.get_list_display_links(request, listed), screen.get_list_filter(request),
        None, screen.get_search_fields(request), False, screen.list_per_page, screen.list_max_show_all, (), screen,
        (), "",
    )  # fmt: skip
    found: QuerySet[Any] = changelist.queryset
    return found


def _count(job: BulkJob, keys: list[UUID], outcome: Outcome) -> None:
    """A row that its service passed over without a word counts as refused: nothing is left untold."""
    reasons = Counter(job.reasons)
    reasons.update({why: len(rows) for why, rows in outcome.reasons.items()})
    silent = len(keys) - outcome.done - len(outcome.refused)
    if silent > 0:
        reasons["nothing to do"] += silent
    job.next_below, job.seen, job.done = keys[-1], job.seen + len(keys), job.done + outcome.done
    job.refused, job.reasons = job.seen - job.done, dict(reasons.most_common(REASONS_KEPT))
    job.save(update_fields=["next_below", "seen", "done", "refused", "reasons"])


def _end(job: BulkJob, status: str, because: str) -> None:
    job.advance(to=status)
    job.finished_at, job.ended_because = timezone.now(), because[:200]
    job.save(update_fields=["status", "finished_at", "ended_because"])
    if status == BulkJob.Status.DONE:
        audit.record(
            actor=job.actor, action="bulk.finished", target=job, reason=job.note,
            after={"done": job.done, "refused": job.refused},
        )  # fmt: skip


def _next(job: BulkJob, step: int) -> None:
    outbox.publish(TOPIC, key=f"{job.pk}:{step}", payload={"job": str(job.pk), "step": step})


def _filters(request: HttpRequest) -> str:
    """What the list was filtered by, without its page and order."""
    query = request.GET.copy()
    for name in _PAGING:
        query.pop(name, None)
    return str(query.urlencode())


def _request_of(job: BulkJob) -> HttpRequest | None:
    """The list as its asker would see it at this moment, with their present rights. None when they have none here."""
    user: Any = load_caller(require_site_id(), job.actor_id)
    if user is None:
        return None
    model = apps.get_model(job.screen)
    url = reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist")
    request: Any = RequestFactory().get(f"{url}?{job.query}")
    request.user, request.access, request.site = user, user.access, current_site()
    found: HttpRequest = request
    return found
