"""Refusals of sign-in and registration, by the codes of api.md."""

from apps.core.errors import Invalid, Unauthenticated


def invalid_credentials() -> Unauthenticated:
    """One answer for unknown, wrong, disabled and not a member, so that none tells which."""
    return Unauthenticated("invalid_credentials", "E-mail or password is wrong.")


def otp_required() -> Unauthenticated:
    return Unauthenticated("otp_required", "Give the code of your authenticator app too.", field="otp")


def otp_invalid() -> Unauthenticated:
    return Unauthenticated("otp_invalid", "This code is wrong, or was used before.", field="otp")


def otp_wrong() -> Invalid:
    """For somebody who is signed in: a 401 would tell their app that they are not."""
    return Invalid("otp_invalid", "This code is wrong, or was used before.", field="otp")


def password_wrong() -> Invalid:
    return Invalid("invalid_credentials", "The password is wrong.", field="password")


def token_invalid() -> Unauthenticated:
    return Unauthenticated("token_invalid", "This token is not valid. Sign in again.")


def token_reused() -> Unauthenticated:
    return Unauthenticated("token_reused", "This token was used before. Every sign-in that came from it has ended.")


def email_taken() -> Invalid:
    return Invalid("email_taken", "This e-mail has an account. Sign in, or register with its password.", field="email")


def password_too_weak(messages: list[str], *, field: str = "password") -> Invalid:
    return Invalid("password_too_weak", " ".join(messages), field=field)
