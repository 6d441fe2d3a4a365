"""Ending sign-ins: one's own, one by one or all at once, and, by staff, somebody's at this site."""

from typing import Any
from uuid import UUID

from django.db import transaction

from apps.accounts import tokens
from apps.accounts.models import User
from apps.accounts.sign_ins import end_sign_ins, live_sign_ins
from apps.audit import services as audit
from apps.core.errors import NotFound


@transaction.atomic
def end_sign_in(*, user: User, sign_in_id: UUID) -> None:
    """One of one's own at this site, an app's or a browser's, at its next request. Raises NotFound."""
    sign_in = live_sign_ins(user).filter(pk=sign_in_id).first()
    if sign_in is None or not end_sign_ins(pk=sign_in_id):
        raise NotFound()
    audit.record(actor=user, action="sessions.ended", target=sign_in)


@transaction.atomic
def sign_out_everywhere(*, user: User) -> None:
    """Ends every token and session at every site, at their next request."""
    tokens.revoke_user(User.objects.select_for_update(no_key=True).get(pk=user.pk))
    audit.record(actor=user, action="sessions.ended", target=user)


@transaction.atomic
def sign_out_user(*, user: User, actor: Any, reason: str) -> int:
    """By staff: every sign-in of a member at this site ends at its next request. Returns how many."""
    ended = end_sign_ins(user_id=user.pk)
    audit.record(actor=actor, action="sessions.ended", target=user, after={"ended": ended}, reason=reason)
    return ended
