"""The file of a long report, made in the background by one worker at a time; whoever can't make it gives the money back."""

import logging
from collections.abc import Iterator
from datetime import timedelta
from functools import partial
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import F
from django.utils import timezone

from apps.activities.models import Activity, ActivityFile
from apps.activities.services.running import keep_file, sheet_of
from apps.audit import services as audit
from apps.core import exports
from apps.core.exports import Sheet
from apps.core.exports.cells import Value
from apps.core.tenancy import site_context
from apps.wallet.services import refund_funds

logger = logging.getLogger(__name__)

CLAIM = timedelta(minutes=2)
MOST_TRIES = 3
MOST_BYTES = 50 * 1024 * 1024
Status = Activity.Status


class Taken(Exception):
    """Another worker has it, or it is over."""


def finish(*, site_id: UUID | str, activity_id: UUID | str) -> str:
    """Make the file of a RUNNING activity: → COMPLETED, or FAILED with the money back after the third try. Returns the status.

    Called outside of a site's context: rows are read, and progress is told, in short transactions. Safe to repeat and to race.
    """
    claimed = _claim(site_id, activity_id)
    if claimed is None:
        return ""
    activity, sheet, content_type, name = claimed
    try:
        content = _make(_Counted(sheet, site_id, activity.pk), activity.params["format"])
    except Taken:
        return ""
    except Exception:
        logger.exception("activities.failed", extra={"activity": str(activity.pk), "tries": activity.tries})
        return _give_up(site_id, activity) if activity.tries >= MOST_TRIES else _let_go(site_id, activity)
    with site_context(site_id):
        kept = Activity.objects.select_for_update().get(pk=activity.pk)
        if kept.status != Status.RUNNING:
            return kept.status
        keep_file(kept, name, content_type, content)
        kept.advance(to=Status.COMPLETED)
        kept.rows_done, kept.finished_at = kept.rows_total, timezone.now()
        kept.save(update_fields=["status", "rows_done", "finished_at"])
    return Status.COMPLETED


def _claim(site_id: UUID | str, activity_id: UUID | str) -> tuple[Activity, Sheet, str, str] | None:
    with site_context(site_id):
        now = timezone.now()
        free = Activity.objects.filter(pk=activity_id, status=Status.RUNNING, claimed_until__lte=now)
        if not free.update(claimed_until=now + CLAIM, tries=F("tries") + 1):
            return None
        activity = Activity.objects.select_related("user").get(pk=activity_id)
        sheet = sheet_of(activity.user, activity.params, context=partial(site_context, site_id))
        file_format = activity.params["format"]
        return activity, sheet, exports.FORMATS[file_format][0], exports.filename(sheet, file_format)


def _make(sheet: "_Counted", file_format: str) -> bytes:
    content, chunks = bytearray(), exports.FORMATS[file_format][1]
    for chunk in chunks(sheet):  # type: ignore[arg-type]
        content += chunk
        if len(content) > MOST_BYTES:
            raise ValueError("too large a file")
    return bytes(content)


class _Counted:
    """A sheet that tells how far it is after each page, and so keeps the claim. Raises Taken once somebody else has it."""

    def __init__(self, sheet: Sheet, site_id: UUID | str, activity_id: UUID) -> None:
        self._sheet, self._site_id, self._id, self._rows = sheet, site_id, activity_id, 0

    def __getattr__(self, name: str) -> object:
        return getattr(self._sheet, name)

    def pages(self) -> Iterator[list[list[Value]]]:
        for page in self._sheet.pages():
            self._rows += len(page)
            with site_context(self._site_id):
                mine = Activity.objects.filter(pk=self._id, status=Status.RUNNING)
                if not mine.update(rows_done=self._rows, claimed_until=timezone.now() + CLAIM):
                    raise Taken
            yield page


def _let_go(site_id: UUID | str, activity: Activity) -> str:
    with site_context(site_id):
        Activity.objects.filter(pk=activity.pk, status=Status.RUNNING).update(claimed_until=timezone.now())
    return Status.RUNNING


def _give_up(site_id: UUID | str, activity: Activity) -> str:
    with site_context(site_id):
        fail_activity(activity_id=activity.pk, failure="The file could not be made.")
    return Status.FAILED


@transaction.atomic
def fail_activity(*, activity_id: UUID, failure: str) -> Activity:
    """RUNNING → FAILED, and the money goes back. Raises Conflict invalid_state."""
    activity = Activity.objects.select_for_update().get(pk=activity_id)
    activity.advance(to=Status.FAILED)
    activity.failure, activity.finished_at = failure[:200], timezone.now()
    activity.save(update_fields=["status", "failure", "finished_at"])
    audit.record(
        actor=audit.SYSTEM, action="activity.failed", target=activity, after={"amount": activity.cost}, reason=failure
    )
    if activity.cost:
        refund_funds(
            user_id=activity.payer_id, amount=activity.cost, currency=activity.currency, ref_id=str(activity.pk),
            meta={"activity": activity.type, "user_id": str(activity.user_id)},
        )  # fmt: skip
    return activity


def forget_files() -> int:
    """What is older than `UPLINE_FILE_DAYS`; its activity stays."""
    old = ActivityFile.objects.filter(created_at__lt=timezone.now() - timedelta(days=settings.UPLINE_FILE_DAYS))
    return int(old.delete()[0])
