"""Who are you? A password, a code where there is two-factor, and the same again before money moves."""

from django.db import transaction
from django.utils import timezone

from apps.accounts import tokens
from apps.accounts.backends import MembershipBackend
from apps.accounts.errors import invalid_credentials, otp_invalid, otp_required, otp_wrong, password_wrong
from apps.accounts.models import SignIn, User
from apps.accounts.services.codes import accepts, has_two_factor
from apps.accounts.services.guessing import Durable, at_the_door, clear_locks, signed_in
from apps.audit import services as audit
from apps.core.errors import Conflict
from apps.sites.selectors import current_site


def normal_email(email: str) -> str:
    return email.strip().lower()


def sign_in(*, email: str, password: str, otp: str = "", durable: Durable | None = None) -> User:
    """The user, when password and code fit and they belong to this site; on the platform host, when they run all sites.

    Raises Unauthenticated (invalid_credentials, otp_required, otp_invalid), TooMany (10 failures a minute, or a locked account).
    """
    user = check_password(email=email, password=password, durable=durable)
    if has_two_factor(user):
        check_second_step(user=user, otp=otp, durable=durable)
    return user


def check_password(*, email: str, password: str, durable: Durable | None = None) -> User:
    """The first step alone: no more than a promise while `has_two_factor`. Raises Unauthenticated, TooMany."""
    email = normal_email(email)
    attempt = at_the_door(email)
    attempt.check()
    user = MembershipBackend().authenticate(None, username=email, password=password)
    if user is None:
        attempt.failed(durable)
        raise invalid_credentials()
    return user


def check_second_step(*, user: User, otp: str, durable: Durable | None = None) -> None:
    """A code of the device or a recovery code; either counts once. Raises Unauthenticated otp_required, otp_invalid; TooMany."""
    attempt = at_the_door(user.email)
    attempt.check()
    if not otp:
        attempt.spend()
        raise otp_required()
    if not accepts(user, otp):
        attempt.failed(durable)
        raise otp_invalid()


def prove(*, user: User, password: str = "", otp: str = "", durable: Durable | None = None) -> None:
    """Whoever is signed in proves it once more: by a code with two-factor, else by the password. Raises Invalid, TooMany."""
    if has_two_factor(user):
        prove_code(user=user, otp=otp, durable=durable)
    else:
        prove_password(user=user, password=password, durable=durable)


def prove_again(*, user: User, otp: str = "", password: str = "", durable: Durable | None = None) -> None:
    """As `prove`, but a password from who has two-factor is refused for what it is. Raises Conflict, Invalid, TooMany."""
    if otp or not password or has_two_factor(user):
        prove_code(user=user, otp=otp, durable=durable)
    else:
        prove_password(user=user, password=password, durable=durable)


def prove_password(*, user: User, password: str, durable: Durable | None = None) -> None:
    """Raises Invalid invalid_credentials, TooMany."""
    attempt = signed_in(user)
    attempt.check()
    if not User.objects.get(pk=user.pk).check_password(password):
        attempt.failed(durable)
        raise password_wrong()


def prove_code(*, user: User, otp: str, durable: Durable | None = None) -> None:
    """Raises Conflict two_factor_off, Invalid otp_invalid, TooMany."""
    if not has_two_factor(user):
        raise Conflict("two_factor_off", "Two-factor is off, so there is no code to ask for.")
    attempt = signed_in(user)
    attempt.check()
    if not accepts(user, otp):
        attempt.failed(durable)
        raise otp_wrong()


@transaction.atomic
def step_up(*, user: User, sign_in: SignIn, otp: str = "", password: str = "", durable: Durable | None = None) -> str:
    """A new access token of the same sign-in, proved just now, as are those that follow it. Raises Conflict, Invalid, TooMany."""
    prove_again(user=user, otp=otp, password=password, durable=durable)
    sign_in.authenticated_at = timezone.now()
    sign_in.save(update_fields=["authenticated_at"])
    return tokens.issue_access(user=user, site=current_site(), sign_in=sign_in)


@transaction.atomic
def unlock_sign_in(*, user: User, actor: audit.Actor, reason: str = "") -> None:
    """End a lock before its time, and forget the failures. Raises Conflict: there is no lock."""
    if not clear_locks(user):
        raise Conflict("not_locked", "Their sign-in isn’t locked.")
    audit.record(actor=actor, action="login.unlocked", target=user, reason=reason)
