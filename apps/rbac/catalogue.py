"""Every permission key and every system role: documents H and A, row by row (H2, H3, settled.md "Who may").

A key says what, the scope of an assignment says whose. Keys are literal: `manage` implies nothing.
"""

from dataclasses import dataclass

RESOURCES = (
    "user", "server", "billing", "affiliate", "commission", "payout", "order", "support_ticket", "department", "role",
    "permission", "analytics",
)  # fmt: skip
ACTIONS = ("create", "read", "update", "delete", "approve", "manage")

# Beside the 12 × 6: document H's lists name two more, document A eight.
DOCUMENT_H_EXTRA = ("referral.read", "invoice.manage")
DOCUMENT_A = (
    "rbac.roles.manage", "rbac.permissions.manage", "rbac.user_roles.manage",
    "referral.history.view_all", "referral.settings.manage", "referral.payout.approve", "referral.bonus.freeze",
    "referral.wallet.view",
)  # fmt: skip
# What an API key of a shop's backend may hold (X14). Never part of a role.
KEY_SCOPES = ("orders.write", "events.write")

CRUD = ("create", "read", "update", "delete")


@dataclass(frozen=True)
class SystemRole:
    """A role every site has and nobody may change. `permissions` are all it holds, those of `parent` among them."""

    key: str
    name: str
    description: str
    permissions: frozenset[str]
    parent: str = ""


def _all(resource: str) -> set[str]:
    return {f"{resource}.{action}" for action in ACTIONS}


ALL_KEYS: tuple[str, ...] = (
    *(f"{resource}.{action}" for resource in RESOURCES for action in ACTIONS),
    *DOCUMENT_H_EXTRA,
    *DOCUMENT_A,
)

_AFFILIATE = {"affiliate.read", "commission.read", "payout.create", "payout.read", "referral.read", "user.read"}
_SUPPORT_AGENT = {"support_ticket.read", "support_ticket.update", "user.read", "server.read", "billing.read"}

_ROLES: tuple[tuple[str, str, str, set[str]], ...] = (
    ("super_admin", "Super admin", "Everything, at every site", set(ALL_KEYS)),
    (
        "admin",
        "Admin",
        "All resources, short of approving and managing",
        {f"{resource}.{action}" for resource in RESOURCES for action in CRUD} | set(DOCUMENT_A),
    ),
    ("affiliate", "Affiliate", "A partner: own rows and own downline", _AFFILIATE),
    (
        "affiliate_manager",
        "Affiliate manager",
        "Approves commissions, processes payouts, moves partners",
        _AFFILIATE | {"affiliate.manage", "commission.approve", "payout.manage", "analytics.read"},
    ),
    ("support_agent", "Support agent", "Reads accounts, answers tickets", _SUPPORT_AGENT),
    (
        "support_manager",
        "Support manager",
        "Leads support",
        _SUPPORT_AGENT | {"support_ticket.manage", "user.update", "server.update"},
    ),
    (
        "sales_executive",
        "Sales executive",
        "Sells",
        {"user.read", "order.create", "order.read", "billing.read"},
    ),
    (
        "billing_specialist",
        "Billing specialist",
        "Bills",
        {"billing.read", "billing.update", "order.read", "invoice.manage"},
    ),
    (
        "payout_manager",
        "Payout manager",
        "Reviews and approves payouts",
        {"payout.read", "payout.approve", "payout.update", "commission.read"},
    ),
    (
        "finance_manager",
        "Finance manager",
        "Decides bonuses",
        {"referral.history.view_all", "referral.payout.approve", "referral.wallet.view"},
    ),
    (
        "ai_fraud_officer",
        "Fraud officer",
        "Freezes suspicious bonuses",
        {"referral.history.view_all", "referral.bonus.freeze"},
    ),
)

# "All affiliate permissions", "all support agent permissions" (document H).
_PARENTS = {"affiliate_manager": "affiliate", "support_manager": "support_agent"}

SYSTEM_ROLES: tuple[SystemRole, ...] = tuple(
    SystemRole(key, name, text, frozenset(keys), _PARENTS.get(key, "")) for key, name, text, keys in _ROLES
)
SUPER_ADMIN, AFFILIATE = "super_admin", "affiliate"


def split(key: str) -> tuple[str, str]:
    """`referral.history.view_all` → (`referral.history`, `view_all`)."""
    resource, _, action = key.rpartition(".")
    return resource, action


def title(key: str) -> str:
    """`support_ticket.read` → `Read support ticket`."""
    resource, action = split(key)
    return f"{action} {resource}".replace("_", " ").replace(".", " ").capitalize()
