"""Logins, memberships, passwords and API keys."""

import secrets
from typing import Any
from uuid import UUID

from django.contrib.auth.password_validation import validate_password
from django.contrib.auth.tokens import default_token_generator
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.http import urlsafe_base64_decode

from apps.accounts import tokens
from apps.accounts.authentication import hash_key
from apps.accounts.errors import email_taken, password_too_weak
from apps.accounts.models import ApiKey, Membership, User
from apps.accounts.services.codes import has_two_factor
from apps.accounts.services.guessing import Durable, when_joining
from apps.accounts.services.news import tell_security
from apps.accounts.services.signing_in import check_second_step, normal_email
from apps.audit import services as audit
from apps.core import outbox
from apps.core.api.throttling import LOGIN_FAILURES, PASSWORD_RESETS
from apps.core.errors import Denied, Invalid, NotFound
from apps.core.ids import uuid7
from apps.core.tenancy import require_site_id
from apps.rbac import catalogue
from apps.rbac.access import Access
from apps.rbac.services import check_super_admin_stays


def check_password_strength(password: str, *, user: User | None = None, field: str = "password") -> None:
    """Raises Invalid password_too_weak: shorter than 8, common, digits only, or like the e-mail."""
    try:
        validate_password(password, user)
    except ValidationError as error:
        raise password_too_weak(error.messages, field=field) from error


@transaction.atomic
def ensure_member(
    *, email: str, password: str, full_name: str, user_type: str = Membership.Kind.INDIVIDUAL, otp: str = "",
    durable: Durable | None = None,
) -> User:  # fmt: skip
    """A new user, or the existing one whose password this is, as a member of the present site.

    Raises Invalid email_taken (another password, or a member already), password_too_weak; Unauthenticated otp_required,
    otp_invalid (an existing one who has two-factor).
    """
    email = normal_email(email)
    known = User.objects.filter(email=email).first()
    if known is not None:
        return _join_known(known, password, user_type, otp, durable)
    check_password_strength(password, user=User(email=email, full_name=full_name))
    try:
        with transaction.atomic():
            user = User.objects.create_user(email=email, password=password, full_name=full_name)
    except IntegrityError as error:
        raise email_taken() from error
    Membership.objects.create(user=user, user_type=user_type)
    return user


def _join_known(user: User, password: str, user_type: str, otp: str, durable: Durable | None) -> User:
    attempt = when_joining(user.email)
    attempt.check()
    if not user.is_active or not user.check_password(password):
        # Guessing here is guessing at sign-in, and counts there.
        attempt.failed(durable)
        raise email_taken()
    if has_two_factor(user):
        check_second_step(user=user, otp=otp, durable=durable)
    _, made = Membership.objects.get_or_create(user=user, defaults={"user_type": user_type})
    if not made:
        raise email_taken()
    return user


@transaction.atomic
def change_password(*, user: User, old_password: str, new_password: str) -> None:
    """Ends every token at every site. Raises Invalid (old one wrong, new one weak), TooMany (ten wrong ones a minute)."""
    user = User.objects.select_for_update(no_key=True).get(pk=user.pk)
    LOGIN_FAILURES.check(f"change:{user.pk}")
    if not user.check_password(old_password):
        LOGIN_FAILURES.hit(f"change:{user.pk}")
        raise Invalid("invalid_credentials", "The old password is wrong.", field="old_password")
    _set_password(user, new_password, action="password.changed")


@transaction.atomic
def confirm_password_reset(*, uid: str, token: str, new_password: str) -> None:
    """Raises Invalid reset_token_invalid, password_too_weak."""
    try:
        pk = urlsafe_base64_decode(uid).decode()
        user = User.objects.select_for_update(no_key=True).get(pk=pk, is_active=True)
    except (User.DoesNotExist, ValueError, ValidationError) as error:
        raise _reset_invalid() from error
    if not default_token_generator.check_token(user, token):
        raise _reset_invalid()
    _set_password(user, new_password, action="password.reset")


def _reset_invalid() -> Invalid:
    return Invalid("reset_token_invalid", "This link has expired or was used. Ask for a new one.", field="token")


def _set_password(user: User, password: str, *, action: str) -> None:
    check_password_strength(password, user=user, field="new_password")
    user.set_password(password)
    user.save(update_fields=["password"])
    tokens.revoke_user(user)
    audit.record(actor=user, action=action, target=user)
    tell_security(user, action)


def request_password_reset(*, email: str) -> None:
    """Queue the mail when the e-mail is a member's; the caller learns nothing either way.

    Five in a quarter of an hour for one address; more are dropped without a word, so that nobody's inbox can be flooded.
    """
    remaining, _ = PASSWORD_RESETS.hit(f"{require_site_id()}:{normal_email(email)}")
    if remaining < 0:
        return
    user = User.objects.members().filter(email=normal_email(email), is_active=True).first()
    if user is not None:
        outbox.publish("password_reset.requested", key=str(uuid7()), payload={"user_id": str(user.pk)})


@transaction.atomic
def update_profile(*, user: User, changes: dict[str, Any]) -> User:
    """`full_name` and `locale`; nothing else is the user's own to write."""
    for name, value in changes.items():
        setattr(user, name, value)
    if changes:
        user.save(update_fields=sorted(changes))
    return user


@transaction.atomic
def set_member_active(*, user: User, is_active: bool, actor: Any, reason: str = "") -> Membership:
    """Suspend or restore a user at this site; counts at their next request (R20). Raises Conflict last_super_admin."""
    if not is_active:
        check_super_admin_stays(user=user)
    membership = Membership.objects.select_for_update().filter(user=user).first()
    if membership is None:
        raise NotFound()
    before, membership.is_active = membership.is_active, is_active
    membership.save(update_fields=["is_active"])
    audit.record(actor=actor, action="member.restored" if is_active else "member.suspended", target=user,
                 before={"is_active": before}, after={"is_active": is_active}, reason=reason)  # fmt: skip
    return membership


@transaction.atomic
def create_api_key(*, name: str, scopes: list[str], actor: Any, access: Access | None) -> tuple[ApiKey, str]:
    """(row, key). The key is shown this once. Raises Invalid (unknown scope), Denied (a permission the actor lacks)."""
    wanted = sorted(set(scopes))
    unknown = [scope for scope in wanted if scope not in catalogue.KEY_SCOPES and scope not in catalogue.ALL_KEYS]
    if unknown or not wanted:
        raise Invalid("scope_unknown", f"No scope is called {unknown[0] if unknown else ''!r}.", field="scopes")
    _check_may_hold(wanted, access)
    raw = f"upl_{secrets.token_urlsafe(30)}"
    key = ApiKey.objects.create(
        name=name, prefix=raw[:12], key_hash=hash_key(raw), scopes=wanted, created_by_id=_maker(actor),
    )  # fmt: skip
    audit.record(actor=actor, action="api_key.created", target=key, after={"scopes": wanted})
    return key, raw


def _maker(actor: Any) -> UUID | None:
    """Who gets to see the secret. A key that makes another passes on who made it."""
    found: UUID | None = actor.created_by_id if actor.actor_kind == "api_key" else actor.actor_id
    return found


def _check_may_hold(scopes: list[str], access: Access | None) -> None:
    """Whoever sees a key's secret can do what it may. Raises Denied."""
    keys = [scope for scope in scopes if scope in catalogue.ALL_KEYS]
    lacking = [key for key in keys if access is not None and not access.at_site(key)]
    if lacking:
        raise Denied(message=f"You can't give what you don't hold: {', '.join(lacking[:3])}.")


@transaction.atomic
def rotate_api_key(*, key: ApiKey, actor: Any, access: Access | None) -> str:
    """A new secret for the same key; the old one ends now. Raises NotFound (revoked), Denied (it may what the actor may not)."""
    key = ApiKey.objects.select_for_update().get(pk=key.pk)
    if key.revoked_at is not None:
        raise NotFound()
    _check_may_hold(key.scopes, access)
    raw = f"upl_{secrets.token_urlsafe(30)}"
    key.prefix, key.key_hash, key.created_by_id = raw[:12], hash_key(raw), _maker(actor)
    key.save(update_fields=["prefix", "key_hash", "created_by"])
    audit.record(actor=actor, action="api_key.rotated", target=key)
    return raw


@transaction.atomic
def revoke_api_key(*, key: ApiKey, actor: Any) -> None:
    """Ends it at the next request. Twice is once."""
    if ApiKey.objects.filter(pk=key.pk, revoked_at=None).update(revoked_at=timezone.now()):
        audit.record(actor=actor, action="api_key.revoked", target=key)
