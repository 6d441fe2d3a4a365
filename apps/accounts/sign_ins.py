"""Sign-ins: the row that an app's tokens and a browser's session hang on."""

from datetime import datetime, timedelta
from uuid import UUID

from django.conf import settings
from django.db import models
from django.utils import timezone

from apps.accounts.models import RefreshToken, SignIn, User
from apps.core import logs, outbox

# A page that is read all day would otherwise write at every click.
NOTED_EVERY = "5 minutes"


def begin_sign_in(*, user: User, kind: str, user_agent: str = "", authenticated_at: datetime | None = None) -> SignIn:
    """`authenticated_at`: when they proved who they are, unless it is now."""
    sign_in = SignIn.objects.create(
        user=user, kind=kind, version=user.token_version, expires_at=_expiry(kind), ip=logs.client_ip.get()[:45],
        user_agent=user_agent[:200], authenticated_at=authenticated_at or timezone.now(),
    )  # fmt: skip
    outbox.publish("sign_in.begun", key=str(sign_in.pk), payload={"sign_in_id": str(sign_in.pk)})
    return sign_in


def continue_sign_in(sign_in_id: UUID, user: User, user_agent: str) -> SignIn:
    """An app renewed its tokens. A family that began before there were sign-ins gets its row now."""
    fresh = {
        "last_used_at": timezone.now(), "expires_at": _expiry(SignIn.Kind.API), "ip": logs.client_ip.get()[:45],
        "user_agent": user_agent[:200],
    }  # fmt: skip
    first = {"user": user, "kind": SignIn.Kind.API, "version": user.token_version}
    sign_in, _ = SignIn.objects.get_or_create(pk=sign_in_id, defaults={**first, **fresh})
    for name, value in fresh.items():
        setattr(sign_in, name, value)
    sign_in.save(update_fields=list(fresh))
    return sign_in


def note_use(sign_in_id: UUID) -> None:
    """A browser came back after a while."""
    SignIn.objects.filter(pk=sign_in_id).update(last_used_at=timezone.now(), expires_at=_expiry(SignIn.Kind.BROWSER))


def live_sign_ins(user: User) -> models.QuerySet[SignIn]:
    """What is signed in as them at this site. Needs the user's present `token_version`."""
    return SignIn.objects.filter(
        user_id=user.pk, revoked_at=None, version=user.token_version, expires_at__gt=timezone.now()
    )


def end_sign_ins(**which: object) -> int:
    """End those sign-ins of this site, with their refresh tokens; `which` are lookups of SignIn. Returns how many."""
    now = timezone.now()
    ids = SignIn.objects.filter(revoked_at=None, **which).values_list("pk", flat=True)
    ended = list(ids)
    RefreshToken.objects.filter(family__in=ended, revoked_at=None).update(revoked_at=now)
    return SignIn.objects.filter(pk__in=ended, revoked_at=None).update(revoked_at=now)


def _expiry(kind: str) -> datetime:
    seconds = settings.REFRESH_TOKEN_SECONDS if kind == SignIn.Kind.API else settings.SESSION_COOKIE_AGE
    return timezone.now() + timedelta(seconds=seconds)
