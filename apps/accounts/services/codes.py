"""Codes of two-factor: what a device makes (TOTP, RFC 6238), and recovery codes for when it is lost. Each counts once."""

import hashlib
import secrets
import time
from base64 import b32decode

from django.utils import timezone
from django_otp.oath import TOTP

from apps.accounts.models import RecoveryCode, TwoFactorDevice, User
from apps.audit import services as audit
from apps.core import crypto
from apps.core.tenancy import current_site_id

RECOVERY_CODES = 10
RECOVERY_ALPHABET = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"
RECOVERY_LENGTH = 16  # 80 bits


def has_two_factor(user: User) -> bool:
    return TwoFactorDevice.objects.filter(pk=user.pk, confirmed_at__isnull=False).exists()


def accepts(user: User, otp: str) -> bool:
    """Is this a code of their device, or a recovery code of theirs? Either is used up by that: of parallel uses one succeeds."""
    code = plain(otp)
    if len(code) == RECOVERY_LENGTH:
        return _use_recovery_code(user, code)
    device = TwoFactorDevice.objects.filter(pk=user.pk, confirmed_at__isnull=False).first()
    step = step_of(device, code) if device else None
    if step is None:
        return False
    return bool(TwoFactorDevice.objects.filter(pk=user.pk, last_step__lt=step).update(last_step=step))


def _use_recovery_code(user: User, code: str) -> bool:
    unused = RecoveryCode.objects.filter(user_id=user.pk, code_hash=_hash(user, code), used_at=None)
    if not unused.update(used_at=timezone.now()):
        return False
    if current_site_id() is not None:  # at the platform's door no site's audit could hold it
        left = RecoveryCode.objects.filter(user_id=user.pk, used_at=None).count()
        audit.record(actor=user, action="two_factor.recovery_code_used", target=user, after={"left": left})
    return True


def step_of(device: TwoFactorDevice, code: str) -> int | None:
    """The time step whose code this is: the present one or its neighbours, and later than the last one used."""
    if len(code) != 6 or not (code.isascii() and code.isdigit()):
        return None
    secret = crypto.decrypt(device.secret, context=context_of(device))
    totp = TOTP(b32decode(secret))
    totp.time = time.time()  # one moment for both questions
    return totp.t() if totp.verify(int(code), tolerance=1, min_t=device.last_step + 1) else None


def new_recovery_codes(user: User) -> list[str]:
    """In place of the old ones. Only their hashes are kept."""
    RecoveryCode.objects.filter(user_id=user.pk).delete()
    raw = ["".join(secrets.choice(RECOVERY_ALPHABET) for _ in range(RECOVERY_LENGTH)) for _ in range(RECOVERY_CODES)]
    RecoveryCode.objects.bulk_create([RecoveryCode(user_id=user.pk, code_hash=_hash(user, code)) for code in raw])
    return ["-".join(code[start : start + 4] for start in range(0, RECOVERY_LENGTH, 4)) for code in raw]


def plain(otp: str) -> str:
    """As it was meant: people type spaces, dashes and small letters."""
    return otp.replace(" ", "").replace("-", "").strip().upper()


def _hash(user: User, code: str) -> str:
    return hashlib.sha256(f"{user.pk}:{code}".encode()).hexdigest()


def context_of(row: User | TwoFactorDevice) -> str:
    """The place of a secret, for apps.core.crypto: moved to another row it can't be read."""
    return f"accounts_twofactordevice/secret/{row.pk}"
