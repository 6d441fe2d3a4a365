"""The cookie that carries a click from /r/{code} to the signup (H7). Signed with the site in it; a bad one is nobody's click."""

from django.conf import settings
from django.core import signing
from django.http import HttpRequest, HttpResponse

from apps.core.tenancy import require_site_id
from apps.referrals.models import Click

NAME = "upline_click"


def _signer() -> signing.TimestampSigner:
    return signing.TimestampSigner(salt=f"{NAME}:{require_site_id()}")


def remember_click(response: HttpResponse, click: Click, *, days: int) -> None:
    """Host-only and out of scripts' reach; kept as long as the site's attribution window."""
    response.set_cookie(
        NAME, _signer().sign(str(click.pk)), max_age=days * 86400, httponly=True, samesite="Lax",
        secure=settings.SESSION_COOKIE_SECURE,
    )  # fmt: skip


def read_click(request: HttpRequest) -> str:
    """The click's id, or '' without a cookie of ours. Its age is judged by the click itself."""
    try:
        return str(_signer().unsign(request.COOKIES.get(NAME, "")))
    except signing.BadSignature:
        return ""
