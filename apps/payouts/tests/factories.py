"""People with something to be paid, and the gateways that pay it."""

from django.utils import timezone

from apps.accounts.models import Membership, User
from apps.audit.services import SYSTEM
from apps.core.tenancy import require_site_id, site_context
from apps.payments.services import set_stripe_account
from apps.payouts.gateways import Unknown
from apps.payouts.models import ConnectAccount, PayoutMethod, PayoutTransfer
from apps.payouts.services import add_method, approve_payout, process_payout, push_transfer, request_payout
from apps.wallet.selectors import wallet_summary
from apps.wallet.tests.factories import give_earnings


def make_stripe(keys):
    """The site's account at the fake. `keys` is what `fake_stripe.register` returned."""
    return set_stripe_account(
        actor=SYSTEM, account_id=keys["account"], publishable_key=keys["publishable_key"], secret_key=keys["secret_key"],
        webhook_secret=keys["webhook_secret"], connect_secret=f"{keys['webhook_secret']}connect",
    )  # fmt: skip


def money(user):
    """(available, held)"""
    found = wallet_summary(user.pk)
    return found.available, found.held


def make_partner(name, earned=0, *, kind="", **details):
    """A member with earnings and perhaps a method of this kind; an account at Stripe is ready."""
    user = User.objects.create_user(email=f"{name}@example.com", password=None, full_name=name.title())
    Membership.objects.create(user=user)
    if earned:
        give_earnings(user, earned)
    method = add_method(user=user, kind=kind, details=details) if kind else None
    if kind == PayoutMethod.Kind.STRIPE_CONNECT:
        ConnectAccount.objects.create(
            method_id=method.pk, account_id=details["account_id"], state=ConnectAccount.State.READY
        )
    return user, method


def begin(user, method, *, actor=SYSTEM):
    """A payout of all that is available, handed to its gateway."""
    payout = approve_payout(payout=request_payout(user=user, method=method), actor=actor)
    return process_payout(payout=payout, actor=actor)


def push_all(site_id=None):
    """One step of each transfer that is open, as if its time had come. Returns what was unknown."""
    site_id, unknown = site_id or require_site_id(), []
    with site_context(site_id):
        ids = list(
            PayoutTransfer.objects.filter(status__in=PayoutTransfer.OPEN).order_by("id").values_list("pk", flat=True)
        )
    for pk in ids:
        with site_context(site_id):
            PayoutTransfer.objects.filter(pk=pk).update(next_at=timezone.now())
        try:
            push_transfer(site_id=site_id, transfer_id=pk)
        except Unknown as error:
            unknown.append(str(error))
    return unknown
