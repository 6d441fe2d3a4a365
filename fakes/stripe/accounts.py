"""Connect: accounts that another account opened, and the page on which their owner fills in what Stripe asks.

https://docs.stripe.com/api/accounts, https://docs.stripe.com/api/account_links. On the page one chooses what Stripe makes of it.
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from fakes.stripe import errors
from fakes.stripe.params import known, metadata_of
from fakes.stripe.store import Account, Body, Store

LINK_SECONDS = 300
ACCOUNT_PARAMS = {"type", "email", "country", "metadata", "capabilities", "business_type", "expand"}
LINK_PARAMS = {"account", "refresh_url", "return_url", "type", "collect", "expand"}
ASKED = ["external_account", "individual.dob.day", "individual.last_name", "tos_acceptance.date"]
CLOSED = "rejected.other"
NOWHERE = "ZZ"  # ISO 3166 gives it to no country


@dataclass
class Accounts:
    """What one account has connected."""

    store: Store
    account: Account
    tell: Callable[..., None]

    def create(self, params: Mapping[str, Any]) -> Body:
        known(params, ACCOUNT_PARAMS)
        country = str(params.get("country") or "US")
        if country == NOWHERE or not country.isalpha():
            raise errors.invalid(f"Country '{country}' is unknown.", "country", "country_unsupported")
        if params.get("type") not in {"express", "standard", "custom"}:
            raise errors.invalid("Invalid type.", "type", "parameter_invalid")
        pk = self.store.new_id("acct").replace("acct_", "acct_1")
        return self._save({
            "id": pk, "object": "connected_account", "type": params["type"], "email": params.get("email"),
            "country": country, "created": int(time.time()), "metadata": metadata_of(params), "charges_enabled": False,
            "payouts_enabled": False, "details_submitted": False, "capabilities": {"transfers": "inactive"},
            "requirements": {"currently_due": ASKED, "past_due": [], "disabled_reason": "requirements.past_due"},
        })  # fmt: skip

    def find(self, pk: str) -> Body:
        """Raises Refusal, as Stripe does for one that isn't connected, or not any more."""
        found = self.store.find(self.account.id, "connected_account", pk)
        if found is None or found.get("disconnected"):
            message = (
                f"The provided key does not have access to account '{pk}' (or that account does not exist). "
                "Application access may have been revoked."
            )
            raise errors.Refusal(403, message, code="account_invalid")
        return found

    def shown(self, pk: str) -> Body:
        return self.find(pk) | {"object": "account"}

    def link(self, params: Mapping[str, Any], *, at: str) -> Body:
        known(params, LINK_PARAMS)
        account = self.find(str(params.get("account", "")))
        for name in ("refresh_url", "return_url"):
            if not str(params.get(name, "")).startswith(("http://", "https://")):
                raise errors.invalid(f"Not a valid URL: {params.get(name)}", name, "url_invalid")
        now = int(time.time())
        link = self.store.save(self.account.id, {
            "id": self.store.new_id("link"), "object": "account_link", "account": account["id"], "created": now,
            "expires_at": now + LINK_SECONDS, "return_url": params["return_url"], "refresh_url": params["refresh_url"],
        })  # fmt: skip
        url = f"{at}/connect/{link['id']}"
        return {"object": "account_link", "created": now, "expires_at": link["expires_at"], "url": url}

    # --- what a person does ---
    def fill_in(self, pk: str, outcome: str) -> Body:
        """`ready`, `review` (Stripe looks at it), `more` (something is missing), `closed`, `disconnected`."""
        account = self.find(pk)
        needs: Body = {"currently_due": [], "past_due": [], "disabled_reason": None}
        account |= {"details_submitted": True, "payouts_enabled": outcome == "ready", "requirements": needs}
        account["capabilities"] = {"transfers": {"ready": "active", "review": "pending"}.get(outcome, "inactive")}
        if outcome == "more":
            needs |= {"currently_due": ["individual.verification.document"], "disabled_reason": "requirements.past_due"}
        elif outcome == "closed":
            needs["disabled_reason"] = CLOSED
        elif outcome == "disconnected":
            account["disconnected"] = True
            self._save(account, kind="account.application.deauthorized")
            return account
        return self._save(account, kind="account.updated")

    def _save(self, account: Body, *, kind: str = "") -> Body:
        self.store.save(self.account.id, account)
        shown = account | {"object": "account"}
        if kind:
            self.tell(self.account.id, kind, shown, account["id"])
        return shown
