"""What makes a review at TRADING and AUCTION: somebody who seems to have brought themselves, and a signup by a machine.

Nothing of it is written by hand: these are the same services as in real use, and what hears their news notices it.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

from django.utils import timezone

from apps.accounts.models import SignIn, User
from apps.accounts.sign_ins import begin_sign_in
from apps.audit.services import SYSTEM
from apps.core import logs
from apps.fraud.services import change_fraud_settings
from apps.onboarding.services import Newcomer, register
from apps.referrals.models import Partner
from apps.referrals.services import note_circle, record_click

HOME = "203.0.113.24"
THROWAWAY = "throwaway.example"


def raise_doubts(partner: Partner, *, domain: str, password: str, staff: dict[str, User]) -> None:
    """`partner` has tried their own code, brings a second account of their own, from home, and then a machine."""
    change_fraud_settings(changes={"disposable_domains": [THROWAWAY]}, actor=staff["admin"])
    assert partner.user is not None
    local = partner.user.email.partition("@")[0]
    note_circle(partner_id=partner.pk, reason="self_referral", actor=SYSTEM)
    second = Newcomer(
        email=f"{local}+second@{domain}",
        password=password,
        full_name=partner.user.full_name,
        referral_code=partner.code,
    )
    with coming_from(HOME):
        begin_sign_in(user=partner.user, kind=SignIn.Kind.BROWSER, user_agent="Mozilla/5.0 (X11; Linux) Firefox/140.0")
        user, _ = register(second)
        begin_sign_in(user=user, kind=SignIn.Kind.BROWSER, user_agent="Mozilla/5.0 (X11; Linux) Firefox/140.0")
    click = record_click(partner=partner, ip="192.0.2.77", at=timezone.now() - timedelta(seconds=1))
    register(Newcomer(email=f"fast@{THROWAWAY}", password=password, full_name="", click_id=str(click.pk)))


@contextmanager
def coming_from(ip: str) -> Iterator[None]:
    token = logs.client_ip.set(ip)
    try:
        yield
    finally:
        logs.client_ip.reset(token)
