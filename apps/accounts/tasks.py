"""Mail that belongs to an account, and old sign-ins. Mail is sent outside any transaction; a token is made here, so it never lies
in a queue."""

from datetime import timedelta

from celery import shared_task
from django.conf import settings
from django.core.mail import send_mail
from django.template.loader import render_to_string
from django.utils import timezone

from apps.accounts.models import RefreshToken, SignIn, User
from apps.accounts.tokens import reset_link_parts
from apps.core.tasks import site_ids
from apps.core.tenancy import site_context
from apps.sites.selectors import current_site


@shared_task
def send_password_reset(site_id: str, user_id: str) -> None:
    with site_context(site_id):
        user = User.objects.members().filter(pk=user_id, is_active=True).first()
        if user is None:
            return
        uid, token = reset_link_parts(user)
        site = current_site()
    scheme, _, host = settings.UPLINE_BASE_URL.partition("://")
    link = f"{scheme}://{site.code.lower()}.{host}/dashboard/password/reset/{uid}/{token}/"
    body = render_to_string(
        "mail/password_reset.txt", {"user": user, "site": site, "link": link, "uid": uid, "token": token}
    )
    send_mail(f"Your new password at {site.name}", body, settings.DEFAULT_FROM_EMAIL, [user.email])


@shared_task
def send_two_factor_news(site_id: str, user_id: str, news: str) -> None:
    """`news`: enabled, disabled or reset. Whoever it was not should hear of it where the change can't be hidden."""
    with site_context(site_id):
        user = User.objects.members().filter(pk=user_id).first()
        if user is None:
            return
        site = current_site()
    said = {"enabled": "is on", "disabled": "is off", "reset": "was reset by staff"}[news]
    body = render_to_string("mail/two_factor.txt", {"user": user, "site": site, "news": news, "said": said})
    send_mail(f"Two-factor of your account {said}", body, settings.DEFAULT_FROM_EMAIL, [user.email])


@shared_task
def forget_sign_ins() -> int:
    """Sign-ins and refresh tokens that ran out a month ago: long enough to ask about a stranger's, then nobody needs them."""
    gone, before = 0, timezone.now() - timedelta(days=30)
    for site_id in site_ids():
        with site_context(site_id):
            gone += RefreshToken.objects.filter(expires_at__lt=before).delete()[0]
            gone += SignIn.objects.filter(expires_at__lt=before).delete()[0]
    return gone
