"""What somebody sees who is about to join."""

from dataclasses import dataclass

from apps.referrals.models import Partner
from apps.referrals.selectors import name_above
from apps.referrals.services import attribute


@dataclass(frozen=True)
class Inviter:
    name: str
    code: str
    by_code: bool
    """Named by a code in the address, and not only by a click that is remembered."""


def inviter(partner: Partner, *, by_code: bool) -> Inviter:
    user = partner.user
    assert user is not None
    return Inviter(name_above(user.full_name, user.email), partner.code, by_code)


def invited_by_click(*, click_id: str, cookie: str) -> Inviter | None:
    """Whose link led here, while that still counts."""
    found = attribute(click_id=click_id, cookie=cookie)
    return inviter(found.partner, by_code=False) if found else None
