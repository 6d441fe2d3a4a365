"""The per-site lock between those who add to the tree and those who rearrange it."""

from django.db import connection

from apps.core.tenancy import require_site_id


def hold_tree(*, exclusive: bool = False) -> None:
    """Until the transaction ends: signups and folds share the tree, a move has it alone. Take it before any row of the tree.

    Without it, eight signups beside two moves left orphans, wrong child counts and deadlocks (spec: foundation.md 5, measured).
    """
    function = "pg_advisory_xact_lock" if exclusive else "pg_advisory_xact_lock_shared"
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {function}(hashtextextended(%s, 0))", [f"tree:{require_site_id()}"])
