"""Who did what, to what, and how it was before (H12). Append-only, and hash-chained by the sealer (X8)."""

from django.db import models
from django.utils import timezone

from apps.core.models import SiteModel
from apps.core.models.chain import ChainLink


class AuditEvent(SiteModel):
    """One privileged act. `actor_id` is a user or an API key; both may be gone or renamed, hence `actor_name`."""

    created_at = models.DateTimeField(default=timezone.now, editable=False)
    actor_kind = models.CharField(max_length=10)
    actor_id = models.UUIDField(null=True)
    actor_name = models.CharField(max_length=254)
    action = models.CharField(max_length=64)
    target_type = models.CharField(max_length=64, blank=True, default="")
    target_id = models.CharField(max_length=64, blank=True, default="")
    target_name = models.CharField(max_length=200, blank=True, default="")
    before = models.JSONField(default=dict)
    after = models.JSONField(default=dict)
    reason = models.CharField(max_length=500, blank=True, default="")
    request_id = models.CharField(max_length=64, blank=True, default="")
    ip = models.CharField(max_length=45, blank=True, default="")

    class Meta:
        indexes = [
            models.Index(fields=["site", "target_type", "target_id", "id"], name="audit_event_target"),
            models.Index(fields=["site", "actor_id", "id"], name="audit_event_actor"),
            models.Index(fields=["site", "action", "id"], name="audit_event_action"),
            models.Index(fields=["site", "actor_kind", "id"], name="audit_event_kind"),
            models.Index(fields=["site", "actor_name", "id"], name="audit_event_name"),
            models.Index(fields=["site", "ip", "id"], name="audit_event_ip"),
            models.Index(fields=["site", "request_id", "id"], name="audit_event_request"),
        ]

    def __str__(self) -> str:
        return f"{self.actor_name} {self.action} {self.target_name}"


class AuditLink(ChainLink):
    """The chain over AuditEvent."""

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["site", "seq"], name="audit_link_seq"),
            models.UniqueConstraint(fields=["site", "row_id"], name="audit_link_row"),
        ]

    def __str__(self) -> str:
        return str(self.seq)
