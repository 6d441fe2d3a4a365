"""The navigation: the tables by what people come to do, not by the app that keeps them."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.contrib import admin
from django.urls import reverse

from apps.core.tenancy import reading_across
from apps.rbac.access import Access

# What is opened every day stands by itself: (model, icon).
DAILY = (
    ("commissions.commission", "percent"),
    ("payouts.payout", "payout"),
    ("referrals.partner", "team"),
    ("orders.order", "inbox"),
)

GROUPS = (
    ("Partners", (
        "referrals.partner", "referrals.treemove", "commissions.partneroverride", "referrals.campaignlink",
        "referrals.click", "referrals.conversion",
    )),
    ("Fraud", (
        "fraud.review", "fraud.signal", "fraud.freeze", "fraud.freezeitem", "fraud.trace", "fraud.fraudsettings",
    )),
    ("Sales", (
        "orders.order", "orders.invoice", "orders.service", "catalogue.product", "orders.customer",
        "payments.payment", "payments.paymentrefund", "payments.dispute",
        "commissions.commission", "commissions.commissionoutcome",
    )),
    ("Plans", ("commissions.planversion", "commissions.commissionplan")),
    ("Money", (
        "payouts.payout", "payouts.payoutbatch", "payouts.payoutbatchitem", "payouts.payouttransfer", "payouts.reconciliation",
        "payouts.payoutresultfile", "payouts.payoutmethod", "payouts.connectaccount",
        "bonuses.bonus", "bonuses.bonusrule", "bonuses.firstevent", "bonuses.reportedrefund", "bonuses.dailycount",
        "wallet.deposit", "wallet.account", "wallet.balance", "wallet.entry", "wallet.posting", "wallet.lot",
        "wallet.holdshare", "wallet.entrylink",
    )),
    ("Activities", ("activities.activity", "activities.activitytype", "activities.formdocument")),
    ("Tokens", (
        "allocations.allocation", "allocations.allocationbatch", "allocations.transfer", "custody.custodyaccount",
        "accounts.cryptoaddress",
    )),
    ("People and roles", (
        "accounts.membership", "accounts.user", "accounts.signin", "accounts.twofactordevice", "accounts.refreshtoken",
        "accounts.identity",
        "rbac.department", "rbac.departmentmember", "rbac.position", "rbac.role", "rbac.userrole", "rbac.platformrole",
        "rbac.permission",
    )),
    ("Mail and inbox", ("notifications.mail", "notifications.notification", "notifications.preference")),
    ("Site", ("sites.site", "sites.sitesettings", "accounts.apikey", "payments.stripeaccount", "accounts.identityprovider")),
    ("Jobs and audit", (
        "backoffice.bulkjob", "core.outboxevent", "core.inboxevent",
        "audit.auditevent", "audit.auditlink", "core.chainhead", "core.idempotencykey",
    )),
)  # fmt: skip


@dataclass(frozen=True)
class Item:
    name: str
    url: str
    icon: str
    here: bool


@dataclass(frozen=True)
class Group:
    name: str
    items: list[Item]
    here: bool


def name_of(model: dict[str, Any]) -> str:
    """What its list is called."""
    return str(getattr(admin.site.get_model_admin(model["model"]), "plural", "") or model["name"])


def build(apps: Iterable[dict[str, Any]], path: str, access: Access) -> tuple[list[Item], list[Group]]:
    """(daily, groups) of what the caller may see. `apps` is Django's list, already cut to their permissions."""
    links = {
        model["model"]._meta.label_lower: [(name_of(model), model["admin_url"]), *_pages(model["model"], access)]
        for app in apps
        for model in app["models"]
        if model["admin_url"]
    }
    here = max((url for each in links.values() for _, url in each if path.startswith(url)), key=len, default="")
    daily = [_item(links[label][0], icon, here) for label, icon in DAILY if label in links]
    groups, named = [], {label for _, models in GROUPS for label in models}
    rest = tuple(label for label in links if label not in named)
    for name, models in (*GROUPS, ("More", rest)):
        items = [_item(link, "", here) for label in models if label in links for link in links[label]]
        if items:
            groups.append(Group(name, items, any(item.here for item in items)))
    return daily, groups


def _pages(model: Any, access: Access) -> list[tuple[str, str]]:
    """Pages of a list's own: (name, url name, keys), for whoever sees the list and holds the keys for the whole site. Each makes
    sense at one site only."""
    if reading_across():
        return []
    pages = getattr(admin.site.get_model_admin(model), "pages", ())
    return [(name, reverse(url)) for name, url, *keys in pages if all(map(access.at_site, keys))]


def _item(link: tuple[str, str], icon: str, here: str) -> Item:
    name, url = link
    return Item(name, url, icon, url == here)
