"""Accounts at Stripe behind payout methods: opened for the partner, filled in on Stripe's pages, asked about until they are
ready.

Events of Stripe's come in any order, so they only say when to ask: what counts is what Stripe answers (reliability.md, rule 8).
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.db import IntegrityError, transaction
from django.db.models import F
from django.utils import timezone

from apps.accounts.models import User
from apps.audit import services as audit
from apps.core import waking
from apps.core.errors import Conflict, Invalid, NotFound
from apps.core.tenancy import require_site_id, site_context
from apps.payments import connect
from apps.payments.connect import Partnered
from apps.payments.services import credentials
from apps.payouts.models import ConnectAccount, OwnMethod, PayoutMethod
from apps.payouts.services.methods import add_method, typed_details
from apps.sites.selectors import current_site

CLAIMED = timedelta(seconds=60)
ASK_AGAIN = (timedelta(minutes=5), timedelta(days=1))
"""How long one question keeps others away; what isn't ready is asked about after five minutes, then ever later, up to a day."""

State = ConnectAccount.State
UNFINISHED = (State.ONBOARDING, State.RESTRICTED)


@dataclass(frozen=True)
class WayBack:
    """Where Stripe's page sends the person back to: `done` when they leave it, `again` when its link has run out."""

    done: str
    again: str


@dataclass(frozen=True)
class Connecting:
    """`url` is Stripe's page for the person, or "" where there is nothing to fill in."""

    method: OwnMethod
    url: str = ""


@transaction.atomic
def begin_connecting(*, user: User, details: dict[str, Any]) -> ConnectAccount:
    """The method and its account to be, or those that were begun and not finished. Nothing is asked of Stripe yet.

    Raises Conflict payments_unavailable (no account at Stripe that could open it), method_exists; Invalid.
    """
    credentials()
    User.objects.select_for_update(no_key=True).get(pk=user.pk)  # two clicks are one account
    known = ConnectAccount.objects.filter(method__user=user, method__removed_at=None).exclude(state=State.GONE)
    account = known.select_related("method").order_by("-id").first()
    if account is None:
        named = details.get("account_id")
        if named and ConnectAccount.objects.filter(account_id=named).exists():
            raise Invalid("account_taken", "This account is connected already.", field="details.account_id")
        method = add_method(user=user, kind=PayoutMethod.Kind.STRIPE_CONNECT, details=details)
        return ConnectAccount.objects.create(method_id=method.pk)
    if account.state == State.ONBOARDING:
        return account
    raise Conflict("method_exists", "Your Stripe account is connected already. Remove it to connect another one.")


def unfinished(*, user: User, method_id: UUID) -> ConnectAccount:
    """One's own that may need something at Stripe's page. Raises NotFound, Conflict payments_unavailable."""
    credentials()
    found = ConnectAccount.objects.select_related("method").filter(
        method_id=method_id, method__user=user, method__removed_at=None
    )
    account = found.exclude(state=State.GONE).first()
    if account is None:
        raise NotFound()
    return account


def start_connecting(
    account: ConnectAccount, way: WayBack, answer: Callable[[Connecting], Any]
) -> tuple[Callable[[], tuple[Partnered, str]], Callable[[tuple[Partnered, str]], Any]]:
    """(call, finish) of the request's next phases: have Stripe open the account, or find it again, and make its page's link."""
    who, ask = credentials(), _asking(account)

    def call() -> tuple[Partnered, str]:
        found = ask()
        if state_of(found) not in UNFINISHED or (found.is_submitted and not found.wants):
            return found, ""
        url = connect.onboarding_link(who, account_id=found.id, refresh_url=way.again, return_url=way.done)
        return found, url

    def finish(told: tuple[Partnered, str]) -> Any:
        found, url = told
        record_standing(account_pk=account.pk, found=found)
        return answer(Connecting(OwnMethod.objects.get(pk=account.method_id), url))

    return call, finish


def _asking(account: ConnectAccount) -> Callable[[], Partnered]:
    """What is read of the rows is read now, in their transaction."""
    who, method = credentials(), account.method
    details = typed_details(method)
    known = account.account_id or details.get("account_id", "")
    metadata = {"site": current_site().code, "method_id": str(method.pk)}
    pk, email, country = method.pk, method.user.email, details.get("country", "")

    def ask() -> Partnered:
        if not known:
            return connect.open_account(who, method_id=pk, email=email, country=country, metadata=metadata)
        found = connect.read_account(who, known)
        opened_for = dict(found.metadata).get("method_id", "") if found is not None else ""
        is_theirs = opened_for == str(pk)
        # Another partner's, whom we opened it for; or anybody's who was opened it elsewhere and has not filled it in: whoever
        # gets the link of one does, and says where its money goes.
        if found is None or not (is_theirs or (not opened_for and state_of(found) not in UNFINISHED)):
            raise Invalid(
                "account_unknown", "Stripe has no such account here that is ready. Connect one on Stripe's page.",
                field="details.account_id",
            )  # fmt: skip
        return found

    return ask


def start_over(account_pk: UUID, error: Exception) -> None:
    """After a call that failed: where Stripe said no, the method goes; where it said nothing, the next try goes on with it."""
    if isinstance(error, (Invalid, Conflict)):
        _drop_unopened(account_pk)


@transaction.atomic
def _drop_unopened(account_pk: UUID) -> None:
    account = ConnectAccount.objects.select_for_update().get(pk=account_pk)
    if not account.account_id:
        _move(account, State.GONE, wants="", check_at=None)
        PayoutMethod.objects.filter(pk=account.method_id).update(removed_at=timezone.now())


@transaction.atomic
def record_standing(*, account_pk: UUID, found: Partnered | None) -> ConnectAccount:
    """What Stripe says of an account, None where it has none any more. Raises Invalid account_taken."""
    account = ConnectAccount.objects.select_for_update().get(pk=account_pk)
    if found is None:
        return _move(account, State.GONE, wants="", check_at=None)
    if not account.account_id:
        account.account_id = found.id
        try:
            with transaction.atomic():
                account.save(update_fields=["account_id"])
        except IntegrityError as error:
            raise Invalid("account_taken", "This account is connected already.", field="details.account_id") from error
    if found.is_submitted and account.filled_in_at is None:
        account.filled_in_at = timezone.now()
    to = state_of(found)
    wait = ASK_AGAIN[1] if to == State.READY else min(ASK_AGAIN[0] * 2 ** min(account.tries, 9), ASK_AGAIN[1])
    check_at = None if to == State.GONE else timezone.now() + wait
    return _move(account, to, wants=", ".join(found.wants)[:300], check_at=check_at)


def _move(account: ConnectAccount, to: str, *, wants: str, check_at: Any) -> ConnectAccount:
    before = account.state
    account.state, account.wants, account.check_at = to, wants, check_at
    if before != to:
        account.tries = 0
        audit.record(
            actor=audit.SYSTEM, action="payout_method.standing_changed", target=account.method,
            before={"state": before}, after={"state": to},
        )  # fmt: skip
    account.save(update_fields=["state", "wants", "check_at", "tries", "filled_in_at"])
    return account


def state_of(found: Partnered) -> str:
    """READY only where a transfer would arrive and Stripe would pay it on."""
    if found.disabled.startswith(("rejected", "listed", "platform_paused")):
        return State.GONE if found.disabled.startswith("rejected") else State.RESTRICTED
    if not found.is_submitted:
        return State.ONBOARDING
    if found.transfers == "active" and found.payouts_enabled:
        return State.READY
    return State.RESTRICTED if found.wants or found.disabled else State.REVIEW


# --- news of it ------------------------------------------------------------------------------------------------------------


def heard(account_id: str) -> bool:
    """Stripe has news of it: ask now. Whether it is one of ours."""
    found = ConnectAccount.objects.filter(account_id=account_id).exclude(state=State.GONE)
    known = bool(found.update(check_at=timezone.now(), tries=0))
    if known:
        waking.after_commit("apps.payouts.tasks.check_accounts_of_site", str(require_site_id()))
    return known


def ask_about(method: OwnMethod) -> None:
    """Somebody came back from Stripe's page. Raises NotFound."""
    account = ConnectAccount.objects.filter(method_id=method.pk).first()
    if account is None:
        raise NotFound()
    if account.account_id:
        heard(account.account_id)


def check_account(*, site_id: UUID | str, account_pk: UUID | str) -> bool:
    """Ask Stripe about one that is due, outside of a transaction; safe to repeat and to run twice at once. False: not due.

    Raises Unavailable, Conflict (the site's account is refused): the next sweep asks again.
    """
    with site_context(site_id):
        now = timezone.now()
        due = ConnectAccount.objects.filter(pk=account_pk, check_at__lte=now).exclude(account_id="")
        if not due.update(check_at=now + CLAIMED, tries=F("tries") + 1):
            return False
        who, account_id = credentials(), ConnectAccount.objects.get(pk=account_pk).account_id
    found = connect.read_account(who, account_id)
    with site_context(site_id):
        record_standing(account_pk=UUID(str(account_pk)), found=found)
    return True
