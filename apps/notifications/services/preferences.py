"""What each person wants to hear, and by which way."""

from collections.abc import Iterable, Mapping
from typing import Any
from uuid import UUID

from django.core import signing
from django.db import transaction

from apps.accounts.models import User
from apps.audit import services as audit
from apps.core.errors import Invalid, NotFound
from apps.core.tenancy import require_site_id
from apps.notifications.models import DIGEST, Email, Kind, Preference

DEFAULTS: dict[str, tuple[bool, str]] = {
    Kind.JOINED: (True, Email.DAILY),
    Kind.COMMISSION: (True, Email.DAILY),
    Kind.APPROVED: (True, Email.DAILY),
    Kind.REVERSED: (True, Email.DAILY),
    Kind.PAYOUT: (True, Email.EACH),
    Kind.BONUS: (True, Email.EACH),
    Kind.SECURITY: (True, Email.EACH),
}
"""(inbox, email). Security stays so: whoever broke in would switch it off first."""

SALT = "notifications.unsubscribe"


def wanted_by(user_ids: Iterable[UUID]) -> dict[UUID, dict[str, tuple[bool, str]]]:
    """{user: {kind: (inbox, email)}}. One query for all of them."""
    found = {user_id: dict(DEFAULTS) for user_id in user_ids}
    for row in Preference.objects.filter(user_id__in=found):
        found[row.user_id][row.kind] = (row.inbox, row.email)
    return found


def preferences_of(user: User) -> dict[str, dict[str, Any]]:
    """{kind: {inbox, email}} in the order of the kinds."""
    wanted = wanted_by([user.pk])[user.pk]
    return {kind: {"inbox": wanted[kind][0], "email": str(wanted[kind][1])} for kind in Kind.values}


@transaction.atomic
def set_preferences(
    *, user: User, changes: Mapping[str, Mapping[str, Any]], actor: audit.Actor | None = None
) -> dict[str, dict[str, Any]]:
    """`changes` {kind: {inbox?, email?}}; what is not named stays. Raises Invalid (unknown kind; security_always)."""
    now = preferences_of(User.objects.select_for_update(no_key=True).only("pk").get(pk=user.pk))
    for kind, change in changes.items():
        if kind not in now:
            raise Invalid("invalid", "There is no such kind.", field=str(kind)[:40])
        after = {**now[kind], **change}
        if after == now[kind]:
            continue
        if kind == Kind.SECURITY:
            raise Invalid("security_always", "News of your account's security always reach you.", field=kind)
        if after["email"] not in Email.values or not isinstance(after["inbox"], bool):
            raise Invalid("invalid", f"email is one of {', '.join(Email.values)}, inbox true or false.", field=kind)
        Preference.objects.update_or_create(user_id=user.pk, kind=kind, defaults=after)
        audit.record(
            actor=actor or user, action="notifications.set", target=user, before={kind: now[kind]}, after={kind: after}
        )
    return preferences_of(user)


def unsubscribe_token(user_id: UUID, kind: str) -> str:
    """For the link in a mail: says who and of what, and is good at this site only. It can do nothing but stop mail."""
    return signing.dumps([str(require_site_id()), str(user_id), kind], salt=SALT)


def read_token(token: str) -> tuple[User, str]:
    """Raises NotFound."""
    try:
        site_id, user_id, kind = signing.loads(token, salt=SALT)
    except (signing.BadSignature, ValueError) as error:
        raise NotFound() from error
    user = User.objects.members().filter(pk=user_id).first() if site_id == str(require_site_id()) else None
    if user is None:
        raise NotFound()
    return user, kind


def unsubscribe(*, token: str) -> str:
    """No more mail of the kind in the token; of a digest, of all that is mailed once a day. Returns the kind. Raises NotFound."""
    user, kind = read_token(token)
    now = preferences_of(user)
    daily = [name for name, wanted in now.items() if wanted["email"] == Email.DAILY]
    stop = daily if kind == DIGEST else [kind]
    set_preferences(user=user, changes={name: {"email": str(Email.OFF)} for name in stop})
    return kind
