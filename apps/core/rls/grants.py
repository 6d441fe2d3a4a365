"""Grants on tables of third parties, whose migrations know nothing of our roles. Applied after every migrate."""

from django.db import connections

from apps.core.rls.roles import APP, AUDIT, READABLE_SITES

READ, WRITE = "SELECT", "SELECT, INSERT, UPDATE, DELETE"

# table: (app role, audit role). Sessions and anything secret stay closed to the audit role.
THIRD_PARTY: dict[str, tuple[str, str]] = {
    "django_migrations": (READ, READ),
    "django_content_type": (READ, READ),
    "auth_permission": (READ, ""),
    "auth_group": (READ, ""),
    "auth_group_permissions": (READ, ""),
    "django_admin_log": ("", ""),  # unused: the audit log takes its place
    "django_session": (WRITE, ""),
    "django_celery_beat_clockedschedule": (WRITE, READ),
    "django_celery_beat_crontabschedule": (WRITE, READ),
    "django_celery_beat_intervalschedule": (WRITE, READ),
    "django_celery_beat_periodictask": (WRITE, READ),
    "django_celery_beat_periodictasks": (WRITE, READ),
    "django_celery_beat_solarschedule": (WRITE, READ),
}


def apply_grants(*, using: str) -> set[str]:
    """Grant per the table above. Returns tables of no known owner: neither listed here nor granted by a migration."""
    with connections[using].cursor() as cursor:
        cursor.execute(
            "SELECT relname FROM pg_class WHERE relkind IN ('r', 'p') AND relnamespace = 'public'::regnamespace"
        )
        present = {row[0] for row in cursor.fetchall()}
        for table, (app, audit) in THIRD_PARTY.items():
            if table in present:
                cursor.execute(f'REVOKE ALL ON "{table}" FROM PUBLIC, {APP}, {AUDIT}')
                if app:
                    cursor.execute(f'GRANT {app} ON "{table}" TO {APP}')
                if audit:
                    cursor.execute(f'GRANT {audit} ON "{table}" TO {AUDIT}')
        cursor.execute(
            "SELECT c.relname FROM pg_class c WHERE relkind IN ('r', 'p') AND relnamespace = 'public'::regnamespace"
            " AND NOT EXISTS (SELECT 1 FROM aclexplode(c.relacl) a JOIN pg_roles r ON r.oid = a.grantee"
            "                 WHERE r.rolname = %s)",
            [APP],
        )
        return {row[0] for row in cursor.fetchall()} - set(THIRD_PARTY)


def apply_audit_policies(*, using: str) -> None:
    """Give every `audit_read` policy its condition: the site that is set, as for the app role, and without one all of them.

    After each migrate, since ProtectTable runs before the function exists in a new database. An array and not an OR, which no
    index would serve.
    """
    with connections[using].cursor() as cursor:
        cursor.execute(
            "SELECT c.relname FROM pg_policy p JOIN pg_class c ON c.oid = p.polrelid"
            " WHERE p.polname = 'audit_read' AND pg_get_expr(p.polqual, p.polrelid) NOT LIKE '%readable_sites%'"
        )
        for (table,) in cursor.fetchall():
            cursor.execute(f'ALTER POLICY audit_read ON "{table}" USING (site_id = ANY ({READABLE_SITES}))')
