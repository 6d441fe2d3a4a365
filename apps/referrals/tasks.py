from celery import shared_task
from django.db import connection

from apps.core.tenancy import site_context
from apps.referrals import services


def _sites(function: str) -> list[str]:
    """Ids from a guard function: under row level security nobody sees where there is work."""
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {function}()::text")
        return [row[0] for row in cursor.fetchall()]


@shared_task
def fold_stats() -> int:
    """Every few seconds: signups since the last run, each site in a transaction of its own."""
    folded = 0
    for site_id in _sites("referrals_sites_to_fold"):
        with site_context(site_id):
            folded += services.fold_stats()
    return folded


@shared_task
def apply_due_moves() -> int:
    moved = 0
    for site_id in _sites("referrals_sites_with_due_moves"):
        with site_context(site_id):
            moved += services.apply_due_moves()
    return moved
