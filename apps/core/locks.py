"""Locks by a name, where there is no row to lock yet or none that everybody has in common."""

from django.db import connection

from apps.core.tenancy import require_site_id


def hold(name: str, *, shared: bool = False) -> None:
    """Of the present site, until the transaction ends; whoever wants the same waits. Shared ones keep out the others only."""
    function = "pg_advisory_xact_lock_shared" if shared else "pg_advisory_xact_lock"
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {function}(hashtextextended(%s, 0))", [f"{name}:{require_site_id()}"])
