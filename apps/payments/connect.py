"""Stripe Connect: accounts of partners that the site's own account opens and sends money to (P10).

Express accounts: Stripe asks who the person is, on pages of its own. https://docs.stripe.com/connect/express-accounts
"""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

import stripe
from django.utils.module_loading import import_string

from apps.payments.stripe_api import Credentials, call

_listeners: list[str] = []


@dataclass(frozen=True)
class Partnered:
    """A connected account, as far as we look. `transfers` is the capability: active, pending, inactive. `wants` is what Stripe
    asks for, by its names; `disabled` why it is closed, if it is."""

    id: str
    is_submitted: bool
    transfers: str
    payouts_enabled: bool
    wants: tuple[str, ...] = ()
    disabled: str = ""
    metadata: tuple[tuple[str, str], ...] = ()


def on_change(path: str) -> None:
    """Name a function (account_id) of an upper app, in AppConfig.ready: it hears that Stripe has news of a connected account."""
    if path not in _listeners:
        _listeners.append(path)


def tell(account_id: str) -> bool:
    """Whether anybody knows this account."""
    known = [import_string(path)(account_id) for path in _listeners]
    return any(known)


def open_account(
    credentials: Credentials, *, method_id: UUID, email: str, country: str, metadata: dict[str, str]
) -> Partnered:
    """The account of a payout method; asked for again, the same one. Raises Unavailable, Conflict."""
    params: Any = {
        "type": "express", "email": email, "metadata": metadata, "capabilities": {"transfers": {"requested": True}},
        **({"country": country} if country else {}),
    }  # fmt: skip
    made = call(
        lambda client: client.v1.accounts.create(params, {"idempotency_key": f"connect-{method_id}"}), credentials
    )
    return _partnered(made)


def read_account(credentials: Credentials, account_id: str) -> Partnered | None:
    """None: it isn't connected to the site's account, or not any more. Raises Unavailable, Conflict."""

    def ask(client: Any) -> Any:
        try:
            return client.v1.accounts.retrieve(account_id)
        except stripe.PermissionError as error:
            if getattr(error.error, "code", None) != "account_invalid":  # of the account; else of our own key
                raise
        except stripe.InvalidRequestError as error:
            if error.code != "resource_missing":
                raise
        return None

    found = call(ask, credentials)
    return None if found is None else _partnered(found)


def onboarding_link(credentials: Credentials, *, account_id: str, refresh_url: str, return_url: str) -> str:
    """Stripe's page for this person: good once, for a few minutes. Raises Unavailable, Conflict."""
    params: Any = {
        "account": account_id,
        "refresh_url": refresh_url,
        "return_url": return_url,
        "type": "account_onboarding",
    }
    return str(call(lambda client: client.v1.account_links.create(params), credentials).url)


def _partnered(made: Any) -> Partnered:
    found: dict[str, Any] = made.to_dict()
    wanted = found.get("requirements") or {}
    due = [*(wanted.get("past_due") or ()), *(wanted.get("currently_due") or ())]
    return Partnered(
        id=made.id, is_submitted=bool(found.get("details_submitted")),
        transfers=str((found.get("capabilities") or {}).get("transfers") or "inactive"),
        payouts_enabled=bool(found.get("payouts_enabled")), wants=tuple(dict.fromkeys(due)),
        disabled=str(wanted.get("disabled_reason") or ""), metadata=tuple((found.get("metadata") or {}).items()),
    )  # fmt: skip
