"""The audit log, to read."""

from django.contrib import admin

from apps.audit.models import AuditEvent, AuditLink
from apps.core.backoffice import UplineModelAdmin


@admin.register(AuditEvent)
class AuditEventAdmin(UplineModelAdmin):
    view_keys = ("user.read", "permission.read")
    list_display = ("created_at", "actor_name", "action", "target_name", "reason", "ip")
    list_filter = ("actor_kind", "action", "target_type")
    search_prefixes = ("actor_name", "action", "target_id", "request_id")
    search_help_text = "The beginning of an actor, action, target id or request id."
    date_hierarchy = None


@admin.register(AuditLink)
class AuditLinkAdmin(UplineModelAdmin):
    view_keys = ("permission.read",)
    list_display = ("seq", "row_id")
    exclude = ("hash",)
