"""Becoming a partner of a site: login, membership and place in the tree, together or not at all (T2, T3)."""

from dataclasses import dataclass
from functools import partial

from django.db import transaction

from apps.accounts.models import Membership, User
from apps.accounts.services import Durable, ensure_member, normal_email
from apps.audit.services import SYSTEM
from apps.core import logs
from apps.core.errors import Invalid
from apps.orders.selectors import attributed_partner
from apps.orders.services import bind_customer_to_member
from apps.referrals.models import Partner
from apps.referrals.services import Attribution, attribute, join, note_circle
from apps.referrals.services.codes import guessing_limit


@dataclass(frozen=True)
class Newcomer:
    """What somebody typed, and what their browser brought along."""

    email: str
    password: str
    full_name: str = ""
    referral_code: str = ""
    click_id: str = ""
    cookie: str = ""
    user_type: str = Membership.Kind.INDIVIDUAL
    otp: str = ""


@transaction.atomic
def register(newcomer: Newcomer, *, durable: Durable | None = None) -> tuple[User, Partner]:
    """A new partner below whoever is credited: code before click before cookie. Without a code, somebody who bought as a guest
    stays with the partner their first attributed order bound them to.

    Raises Invalid with the codes of api.md (referral_code_unknown, referral_code_inactive, self_referral, email_taken,
    password_too_weak), Unauthenticated otp_required, otp_invalid (a login of another site that has two-factor), and TooMany after
    ten unknown codes a minute from one address.
    """
    bound, attribution = _credited(newcomer, durable)
    user = ensure_member(
        email=newcomer.email, password=newcomer.password, full_name=newcomer.full_name, user_type=newcomer.user_type,
        otp=newcomer.otp, durable=durable,
    )  # fmt: skip
    return user, _place(user, bound, attribution)


def welcome(*, user: User, referral_code: str = "", click_id: str = "", cookie: str = "") -> Partner:
    """Somebody whom the site's issuer brought, as a new member: their place in the tree (apps.accounts.oidc).

    Raises as `register` does.
    """
    bound, attribution = _credited(
        Newcomer(email=user.email, password="", referral_code=referral_code, click_id=click_id, cookie=cookie), None
    )
    return _place(user, bound, attribution)


def _credited(newcomer: Newcomer, durable: Durable | None) -> tuple[Partner | None, Attribution | None]:
    """The partner a guest's purchases bound them to, or else what a code, click or cookie says."""
    bound = None if newcomer.referral_code else attributed_partner(normal_email(newcomer.email))
    return bound, None if bound else _attribution(newcomer, durable)


def _place(user: User, bound: Partner | None, attribution: Attribution | None) -> Partner:
    partner = join(user=user, sponsor=attribution.partner if attribution else bound, attribution=attribution)
    if bind_customer_to_member(user=user, partner=partner) is not None:
        partner.refresh_from_db()  # what they bought before may have activated them
    return partner


def _attribution(newcomer: Newcomer, durable: Durable | None) -> Attribution | None:
    with guessing_limit(logs.client_ip.get()):
        found = attribute(code=newcomer.referral_code, click_id=newcomer.click_id, cookie=newcomer.cookie)
    if found is None or found.partner.user is None or found.partner.user.email != normal_email(newcomer.email):
        return found
    if newcomer.referral_code:
        if durable is not None:
            durable.append(partial(note_circle, partner_id=found.partner.pk, reason="self_referral", actor=SYSTEM))
        raise Invalid("self_referral", "You can't use your own referral code.", field="referral_code")
    return None  # their own click: nobody is credited
