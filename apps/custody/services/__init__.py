"""Every write of the custodian's account, and what its events lead to."""

from apps.custody.services.accounts import custody, gateway_of, set_custody_account, token_network
from apps.custody.services.events import handle_events

__all__ = ["custody", "gateway_of", "handle_events", "set_custody_account", "token_network"]
