"""Referral codes (T1, R21)."""

import secrets

from apps.core.api.throttling import UNKNOWN_CODES
from apps.core.errors import Invalid
from apps.core.tenancy import require_site_id
from apps.referrals.models import CampaignLink, Partner

ALPHABET = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"
"""32 signs without 0, 1, I and O, which people mix up: 5 bits each."""
LENGTH = 12
SLUG_LENGTH = 8


def generate_code() -> str:
    """60 random bits. A second draw of the same one, once in 10^12 at a million partners, is refused by the unique key."""
    return "".join(secrets.choice(ALPHABET) for _ in range(LENGTH))


def generate_slug() -> str:
    """A campaign link's short name; lower case, so that it is never taken for a code."""
    return "".join(secrets.choice(ALPHABET.lower()) for _ in range(SLUG_LENGTH))


def resolve_code(code: str, *, field: str = "referral_code") -> Partner:
    """The active partner of a code, whatever its case. Raises Invalid: referral_code_unknown, referral_code_inactive."""
    code = code.strip().upper()
    partner = Partner.objects.people().filter(code=code).first() if "\0" not in code else None
    if partner is None:
        raise Invalid("referral_code_unknown", "No partner has this referral code.", field=field)
    if not partner.is_active:
        raise Invalid("referral_code_inactive", "This referral code isn't in use.", field=field)
    return partner


def guarded_code(code: str, *, ip: str, field: str = "referral_code") -> Partner:
    """`resolve_code` for anonymous callers: ten unknown codes a minute per address, then TooMany for any code."""
    with guessing_limit(ip):
        return resolve_code(code, field=field)


def resolve_link(token: str) -> tuple[Partner, CampaignLink | None]:
    """The partner of what stands behind /r/: a code, or the slug of a campaign link. Raises Invalid like `resolve_code`."""
    if len(token) != SLUG_LENGTH:
        return resolve_code(token), None
    link = CampaignLink.objects.select_related("partner").filter(slug=token.lower(), is_active=True).first()
    if link is None:
        raise Invalid("referral_code_unknown", "No partner has this referral code.", field="referral_code")
    return resolve_code(link.partner.code), link


class guessing_limit:  # noqa: N801 - reads as the statement it is
    """Counts referral_code_unknown raised inside. Successes and inactive codes are free."""

    def __init__(self, ip: str) -> None:
        self.key = f"{require_site_id()}:{ip}"

    def __enter__(self) -> None:
        UNKNOWN_CODES.check(self.key)

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        if isinstance(error, Invalid) and error.code == "referral_code_unknown":
            UNKNOWN_CODES.spend(self.key)
