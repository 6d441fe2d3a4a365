"""Every write of broker accounts (T8). A view saves, asks the broker outside of the transaction, and notes what it said."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.utils import timezone
from django.utils.module_loading import import_string

from apps.accounts.models import Membership, User
from apps.audit import services as audit
from apps.brokers.gateways import Credentials, Gateway, Refused, Unknown
from apps.brokers.models import BrokerAccount
from apps.core import crypto
from apps.core.errors import Invalid, NotFound

Status = BrokerAccount.Status


@dataclass(frozen=True)
class Check:
    """A question to a broker: it goes outside of the transaction that saved the keys."""

    user_id: UUID
    saved_at: datetime
    broker_name: str
    credentials: Credentials

    def ask(self) -> tuple[str, str]:
        """(status, what the broker said). Unverified where it can't be asked now."""
        gateway: Gateway = import_string(settings.UPLINE_BROKER_GATEWAYS[self.broker_name])()
        try:
            gateway.verify(self.credentials)
        except Refused as refused:
            return Status.REFUSED, str(refused)
        except Unknown:
            return Status.UNVERIFIED, ""
        return Status.VERIFIED, ""


@transaction.atomic
def save_account(*, user: User, broker_name: str, client_id: str, api_key: str, api_secret: str = "") -> Check:
    """Keep these keys instead of any before them. Returns what to ask the broker. Raises Invalid (broker_unknown)."""
    known = {name.lower(): name for name in settings.UPLINE_BROKER_GATEWAYS}
    name = known.get(broker_name.strip().lower().replace(" ", ""))
    if name is None:
        raise Invalid("broker_unknown", f"A broker is one of {', '.join(sorted(known.values()))}.", field="broker_name")
    # Under the membership, so that two first savings at once are one account.
    Membership.objects.select_for_update(no_key=True).filter(user=user).first()
    account = BrokerAccount.objects.filter(user=user).first()
    is_new = account is None
    account = account or BrokerAccount(user=user)
    account.broker_name, account.client_id = name, client_id
    account.api_key = crypto.sealed(account, "api_key", api_key)
    account.api_secret = crypto.sealed(account, "api_secret", api_secret) if api_secret else ""
    account.status, account.failure, account.checked_at = Status.UNVERIFIED, "", None
    account.saved_at = timezone.now()
    account.save(force_insert=is_new)
    audit.record(actor=user, action="broker_account.saved", target=account, after={"broker": name})
    return Check(user.pk, account.saved_at, name, Credentials(client_id, api_key, api_secret))


@transaction.atomic
def note_check(*, check: Check, status: str, failure: str) -> BrokerAccount:
    """What the broker said of the keys that it was asked about; of others since then it says nothing. Raises NotFound."""
    account = BrokerAccount.objects.select_for_update().filter(user_id=check.user_id).first()
    if account is None:
        raise NotFound()
    if account.saved_at != check.saved_at or status == Status.UNVERIFIED:
        return account
    account.status, account.failure, account.checked_at = status, failure[:200], timezone.now()
    account.save(update_fields=["status", "failure", "checked_at"])
    audit.record(actor=audit.SYSTEM, action=f"broker_account.{status}", target=account)
    return account


def check_of(account: BrokerAccount) -> Check:
    """The same question again, for keys that are kept."""
    keys = Credentials(account.client_id, crypto.opened(account, "api_key"), crypto.opened(account, "api_secret"))
    return Check(account.user_id, account.saved_at, account.broker_name, keys)


@transaction.atomic
def remove_account(*, user: User) -> None:
    """The keys are gone with the row. Raises NotFound."""
    account = BrokerAccount.objects.select_for_update().filter(user=user).first()
    if account is None:
        raise NotFound()
    audit.record(actor=user, action="broker_account.removed", target=account, before={"broker": account.broker_name})
    account.delete()
