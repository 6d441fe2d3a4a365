"""Old sign-ins."""

from datetime import timedelta

from celery import shared_task
from django.utils import timezone

from apps.accounts.models import RefreshToken, SignIn
from apps.core.tasks import site_ids
from apps.core.tenancy import site_context


@shared_task
def forget_sign_ins() -> int:
    """Sign-ins and refresh tokens that ran out a month ago: long enough to ask about a stranger's, then nobody needs them."""
    gone, before = 0, timezone.now() - timedelta(days=30)
    for site_id in site_ids():
        with site_context(site_id):
            gone += RefreshToken.objects.filter(expires_at__lt=before).delete()[0]
            gone += SignIn.objects.filter(expires_at__lt=before).delete()[0]
    return gone
