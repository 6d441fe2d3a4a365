"""What staff decide: costs, and which forms there are."""

import re
from pathlib import PurePosixPath
from uuid import UUID

from django.db import transaction

from apps.activities.models import ActivityType, FormDocument, Kind
from apps.audit import services as audit
from apps.core.errors import Invalid

MOST_COST = 10**15
MOST_BYTES = 5 * 1024 * 1024
# Ending → (content type, how such a file begins).
FILES: dict[str, tuple[str, bytes]] = {
    ".pdf": ("application/pdf", b"%PDF-"),
    ".docx": ("application/vnd.openxmlformats-officedocument.wordprocessingml.document", b"PK\x03\x04"),
    ".xlsx": ("application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", b"PK\x03\x04"),
    ".odt": ("application/vnd.oasis.opendocument.text", b"PK\x03\x04"),
}


def open_types(site_id: UUID) -> None:
    """Provisioning step: both kinds, not offered until somebody has set a cost."""
    ActivityType.objects.bulk_create(
        [ActivityType(site_id=site_id, key=key) for key in Kind.values], ignore_conflicts=True
    )


@transaction.atomic
def set_type(*, key: str, cost: int, is_active: bool, actor: audit.Actor) -> ActivityType:
    """From the next act on. Raises Invalid (cost)."""
    if not 0 <= cost <= MOST_COST:
        raise Invalid("invalid", "A cost is 0 or more.", field="cost")
    found = ActivityType.objects.select_for_update().get(key=key)
    before = {"cost": found.cost, "is_active": found.is_active}
    if before != {"cost": cost, "is_active": is_active}:
        found.cost, found.is_active = cost, is_active
        found.save(update_fields=["cost", "is_active"])
        after = {"cost": cost, "is_active": is_active}
        audit.record(actor=actor, action="activity_type.changed", target=found, before=before, after=after)
    return found


@transaction.atomic
def add_form(*, title: str, filename: str, content: bytes, actor: audit.Actor) -> FormDocument:
    """A file to be downloaded: PDF, DOCX, XLSX or ODT of 5 MB at most, which begins as such a file does. Raises Invalid."""
    ending = PurePosixPath(filename).suffix.lower()
    if ending not in FILES:
        raise Invalid("invalid", f"A form is one of {', '.join(sorted(FILES))}.", field="file")
    content_type, beginning = FILES[ending]
    if not content or len(content) > MOST_BYTES:
        raise Invalid("invalid", "A form is up to 5 MB.", field="file")
    if not content.startswith(beginning):
        raise Invalid("invalid", f"This file is not what its ending says: {ending}.", field="file")
    if not title.strip():
        raise Invalid("required", "A title.", field="title")
    stem = re.sub(r"[^A-Za-z0-9._-]+", "-", PurePosixPath(filename).stem).strip("-.")[:80] or "form"
    form = FormDocument.objects.create(
        title=title.strip()[:120], filename=f"{stem}{ending}", content_type=content_type, size=len(content), content=content,
        created_by_id=actor.actor_id if actor.actor_kind == "user" else None,
    )  # fmt: skip
    audit.record(actor=actor, action="form.added", target=form, after={"filename": form.filename, "size": form.size})
    return form


@transaction.atomic
def set_form_active(*, form: FormDocument, is_active: bool, actor: audit.Actor) -> None:
    """Offer it or not; what was downloaded stays with whoever did. Twice is once."""
    if FormDocument.objects.filter(pk=form.pk).exclude(is_active=is_active).update(is_active=is_active):
        audit.record(actor=actor, action="form.offered" if is_active else "form.withdrawn", target=form)
