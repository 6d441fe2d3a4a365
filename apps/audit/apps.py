from typing import Any

from django.apps import AppConfig


class AuditConfig(AppConfig):
    name = "apps.audit"
    label = "audit"

    def ready(self) -> None:
        from apps.core import chain, recording

        recording.register(_record)
        chain.register(
            chain.Chain(
                name="audit",
                table="audit_auditevent",
                link_table="audit_auditlink",
                row_sql=(
                    "jsonb_build_array(t.id, t.site_id, t.created_at, t.actor_kind, t.actor_id, t.actor_name, t.action,"
                    " t.target_type, t.target_id, t.target_name, t.before, t.after, t.reason, t.request_id, t.ip)"
                ),
                said_sql="t.action",
            )
        )


def _record(**event: Any) -> None:
    from apps.audit.services import record

    record(**event)
