"""Two-factor of a person: begun with the password, confirmed by a first code, ended with both."""

import secrets
from base64 import b32encode
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from urllib.parse import quote

import segno
from django.db import connection, transaction
from django.utils import timezone

from apps.accounts.errors import otp_wrong
from apps.accounts.models import RecoveryCode, TwoFactorDevice, User
from apps.accounts.services import codes
from apps.accounts.services.guessing import Durable, signed_in
from apps.accounts.services.news import tell_security
from apps.accounts.services.signing_in import prove_code, prove_password
from apps.audit import services as audit
from apps.core import crypto
from apps.core.errors import Conflict, Denied
from apps.core.tenancy import require_site_id
from apps.rbac.access import Access, load_access
from apps.rbac.models import Scope

ISSUER = "Upline"  # a login is the same at every site, and so is its device
SECRET_BYTES = 20
BEGUN_FOR = timedelta(minutes=30)


@dataclass(frozen=True)
class Enrolment:
    """What an authenticator app needs: a QR code of `otpauth_uri`, or `secret` typed in."""

    secret: str
    otpauth_uri: str

    @property
    def qr_svg(self) -> str:
        """Inline SVG without a style the content security policy would forbid. Black on white: many scanners read no inverse."""
        code = segno.make(self.otpauth_uri, error="m")
        svg: str = code.svg_inline(dark="#000", light="#fff", omitsize=True, svgclass="qr", lineclass=None)
        return svg


@dataclass(frozen=True)
class Standing:
    """`since` is None while it is off. `recovery_codes` counts those that are left."""

    since: Any
    recovery_codes: int

    @property
    def is_on(self) -> bool:
        return self.since is not None


def standing(user: User) -> Standing:
    device = TwoFactorDevice.objects.filter(pk=user.pk, confirmed_at__isnull=False).first()
    left = RecoveryCode.objects.filter(user_id=user.pk, used_at=None).count() if device else 0
    return Standing(device.confirmed_at if device else None, left)


@transaction.atomic
def begin_two_factor(*, user: User, password: str, durable: Durable | None = None) -> Enrolment:
    """A new secret, which counts for nothing until a code of it is confirmed. Raises Invalid, TooMany, Conflict two_factor_on."""
    prove_password(user=user, password=password, durable=durable)
    _lock(user)
    if codes.has_two_factor(user):
        raise Conflict("two_factor_on", "Two-factor is on already.")
    raw = secrets.token_bytes(SECRET_BYTES)
    sealed = crypto.encrypt(b32encode(raw).decode(), context=codes.context_of(user))
    values = {"secret": sealed, "last_step": 0, "created_at": timezone.now()}
    TwoFactorDevice.objects.update_or_create(pk=user.pk, defaults=values)
    return enrolment_of(user)


def enrolment_of(user: User) -> Enrolment:
    """What was begun and not confirmed yet. Raises Conflict two_factor_not_begun: nothing was, or more than half an hour ago."""
    device = TwoFactorDevice.objects.filter(
        pk=user.pk, confirmed_at=None, created_at__gt=timezone.now() - BEGUN_FOR
    ).first()
    if device is None:
        raise Conflict("two_factor_not_begun", "Begin anew: there is nothing to confirm.")
    secret = crypto.decrypt(device.secret, context=codes.context_of(user))
    label = quote(f"{ISSUER}:{user.email}")
    return Enrolment(secret, f"otpauth://totp/{label}?secret={secret}&issuer={ISSUER}&digits=6&period=30")


@transaction.atomic
def confirm_two_factor(*, user: User, otp: str, durable: Durable | None = None) -> list[str]:
    """Switch it on by a first code. Returns the recovery codes, shown this once.

    Raises Conflict two_factor_not_begun, Invalid otp_invalid, TooMany.
    """
    attempt = signed_in(user)
    attempt.check()
    _lock(user)
    enrolment_of(user)
    step = codes.step_of(TwoFactorDevice.objects.get(pk=user.pk), codes.plain(otp))
    if step is None:
        attempt.failed(durable)
        raise otp_wrong()
    TwoFactorDevice.objects.filter(pk=user.pk).update(confirmed_at=timezone.now(), last_step=step)
    made = codes.new_recovery_codes(user)
    audit.record(actor=user, action="two_factor.enabled", target=user)
    _tell(user, "enabled")
    return made


@transaction.atomic
def renew_recovery_codes(*, user: User, otp: str, durable: Durable | None = None) -> list[str]:
    """A new set, shown this once; the old one ends. Raises Conflict two_factor_off, Invalid otp_invalid, TooMany."""
    _lock(user)
    prove_code(user=user, otp=otp, durable=durable)
    made = codes.new_recovery_codes(user)
    audit.record(actor=user, action="two_factor.codes_renewed", target=user)
    return made


@transaction.atomic
def switch_off_two_factor(*, user: User, password: str, otp: str, durable: Durable | None = None) -> None:
    """With both: neither a stolen password nor a found phone is enough. Raises Conflict two_factor_off, Invalid, TooMany."""
    _lock(user)
    prove_password(user=user, password=password, durable=durable)
    prove_code(user=user, otp=otp, durable=durable)
    _remove(user)
    audit.record(actor=user, action="two_factor.disabled", target=user)
    _tell(user, "disabled")


@transaction.atomic
def reset_two_factor(*, user: User, actor: User, access: Access, reason: str) -> None:
    """Staff with `user.manage` help a member who lost device and recovery codes. The login works with its password again.

    Raises Denied (their own; somebody who holds more than they do, or is staff elsewhere), Conflict two_factor_off.
    """
    if actor.pk == user.pk:
        raise Denied("own_two_factor", "Somebody else has to reset your own two-factor.")
    _check_holds_no_more(user, access)
    _lock(user)
    _remove(user)
    audit.record(actor=actor, action="two_factor.reset", target=user, reason=reason)
    _tell(user, "reset")


def _remove(user: User) -> None:
    """Raises Conflict two_factor_off."""
    removed, _ = TwoFactorDevice.objects.filter(pk=user.pk, confirmed_at__isnull=False).delete()
    if not removed:
        raise Conflict("two_factor_off", "Two-factor is off.")
    RecoveryCode.objects.filter(user_id=user.pk).delete()


def _check_holds_no_more(user: User, access: Access) -> None:
    """Own rows are everybody's: only what somebody holds beyond them counts."""
    theirs = load_access(user.pk)
    wide = [key for key, scopes in theirs.scopes.items() if any(kind != Scope.OWN for kind, _ in scopes)]
    if (theirs.platform and not access.platform) or any(not access.at_site(key) for key in wide):
        raise Denied(message="They hold more than you do. Somebody who holds as much has to reset it.")
    with connection.cursor() as cursor:
        cursor.execute("SELECT staff_elsewhere(%s, %s)", [user.pk, require_site_id()])
        elsewhere = cursor.fetchone()[0]
    if elsewhere and not access.platform:
        raise Denied(message="They are staff at another site too. Somebody who runs all sites has to reset it.")


def _lock(user: User) -> None:
    """One change at a time for one person. A row that only points at them, such as a new token, need not wait."""
    User.objects.select_for_update(no_key=True).only("pk").get(pk=user.pk)


def _tell(user: User, news: str) -> None:
    """Whoever it was not should hear of it where the change can't be hidden."""
    tell_security(user, f"two_factor.{news}")
