"""An authenticator app, as a test holds it."""

import time
from base64 import b32decode

from django_otp.oath import TOTP

from apps.accounts.models import TwoFactorDevice
from apps.accounts.services import codes
from apps.core import crypto


class Authenticator:
    """`code()` is what the app shows now; `code(1)` half a minute later. A used one is worth nothing: ask for the next."""

    def __init__(self, secret):
        self.secret = secret

    def code(self, steps=0):
        totp = TOTP(b32decode(self.secret))
        totp.time = time.time() + 30 * steps
        return f"{totp.token():06d}"


def authenticator_of(user):
    """That of a device in the database."""
    device = TwoFactorDevice.objects.get(pk=user.pk)
    return Authenticator(crypto.decrypt(device.secret, context=codes.context_of(device)))


def enrol(user):
    """Two-factor as if it were on since yesterday: no code of today is used. Returns (authenticator, recovery codes)."""
    from base64 import b32encode
    from secrets import token_bytes

    from django.utils import timezone

    secret = b32encode(token_bytes(20)).decode()
    sealed = crypto.encrypt(secret, context=codes.context_of(user))
    TwoFactorDevice.objects.create(user=user, secret=sealed, confirmed_at=timezone.now())
    return Authenticator(secret), codes.new_recovery_codes(user)
