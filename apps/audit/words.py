"""Actions and their targets in words. An action is noun.verb in the past tense, so most say themselves."""

from django.apps import apps

from apps.core.money import format_money

# Where noun and verb alone read badly.
_SAID = {
    "activity.failed": "saw an activity fail, and gave the money back",
    "activity.run": "did something that costs",
    "activity_type.changed": "changed what an activity costs",
    "allocation.completed": "saw tokens arrive",
    "allocation.difference_settled": "settled what the custodian said otherwise of tokens",
    "allocation.failed": "saw a sending of tokens fail",
    "allocation.overpaid": "saw a refund of tokens that were sent",
    "allocation.reduced": "owes fewer tokens after a refund",
    "allocation.retried": "let failed tokens be sent again",
    "allocations.sent": "sent tokens",
    "api_key.created": "made an API key",
    "api_key.revoked": "revoked an API key",
    "api_key.rotated": "gave an API key a new secret",
    "broker_account.refused": "heard a broker refuse somebody's keys",
    "broker_account.removed": "removed a broker account",
    "broker_account.saved": "saved a broker account",
    "broker_account.verified": "heard a broker confirm somebody's keys",
    "bulk.finished": "ended a bulk decision",
    "bulk.started": "began a bulk decision",
    "bulk.stopped": "stopped a bulk decision",
    "crypto_address.added": "saved a crypto address",
    "crypto_address.removed": "removed a crypto address",
    "department.member_added": "took somebody into a department",
    "department.member_placed": "changed somebody's position",
    "department.member_removed": "took somebody out of a department",
    "export.made": "took a list away as a file",
    "fraudsettings.changed": "changed what signals of fraud weigh",
    "form.added": "added a form",
    "form.offered": "offered a form again",
    "form.withdrawn": "took a form off",
    "identity.linked": "connected a login with the issuer's",
    "identity_provider.changed": "changed whose tokens sign people in",
    "job.replayed": "let a failed job run again",
    "login.locked": "locked a sign-in",
    "login.unlocked": "unlocked a sign-in",
    "mail.requeued": "let a mail be sent again",
    "notifications.set": "chose how to be told",
    "member.restored": "let a member in again",
    "member.suspended": "shut a member out",
    "order.paid": "recorded the payment of an order",
    "order.recorded": "reported an order",
    "override.set": "set rates of a partner's own",
    "partner.activation_revoked": "made a partner wait for activation again",
    "partner.circle_refused": "refused to have somebody stand below themselves",
    "partner.kind_changed": "changed what kind of partner they are",
    "partner.move_refused": "could not move a partner",
    "partner.move_scheduled": "planned to move a partner",
    "partner.status_changed": "changed a partner's standing",
    "password.changed": "changed a password",
    "password.reset": "set a new password by mail",
    "payment.refund_requested": "asked for money to go back",
    "payment.refund_retried": "sent a refund again",
    "payment.refund_returned": "heard that a bank sent a refund back",
    "payment.succeeded": "were paid",
    "payout.completed": "marked a payout as paid",
    "payout.failed": "saw a payout fail",
    "payout.processing": "sent a payout",
    "payout.requested": "asked for a payout",
    "payout.retried": "asked again for a payout that failed",
    "payout.difference_settled": "settled what a gateway said otherwise of a payout",
    "payout_batch.approved": "approved a batch of payouts",
    "payout_batch.bank_file": "took the bank's file of a batch of payouts",
    "payout_batch.cancelled": "dropped a batch of payouts",
    "payout_batch.closed": "closed a batch of payouts",
    "payout_batch.proposed": "proposed a batch of payouts",
    "payout_batch.refreshed": "looked at a batch of payouts anew",
    "payout_batch.results": "booked what the bank said of a batch of payouts",
    "payout_batch.results_taken": "handed in a long file of the bank's for a batch of payouts",
    "payouts.reconciled": "compared payouts with their gateways",
    "payout_method.added": "saved where payouts go",
    "payout_method.removed": "removed where payouts go",
    "product.units_changed": "changed how many units are left",
    "review.cleared": "found nothing wrong in a review",
    "review.confirmed": "confirmed a review",
    "review.opened": "saw signals of fraud add up",
    "review.raised": "saw more signals of fraud",
    "role.assigned": "gave a role",
    "role.permissions_set": "changed what a role may do",
    "role.reassigned": "changed how a role is held",
    "role.revoked": "took a role back",
    "sessions.ended": "ended all sign-ins",
    "site.changed": "changed the site",
    "sites.read_across": "looked at all sites",
    "sitesettings.changed": "changed the settings",
    "stripe_account.changed": "changed how the site takes money",
    "stripe_account.retired": "replaced the account that the site took money with",
    "sub_user.changed": "changed a sub-user",
    "sub_user.created": "made a sub-user",
    "two_factor.codes_renewed": "made new recovery codes",
    "two_factor.disabled": "switched two-factor off",
    "two_factor.enabled": "switched two-factor on",
    "two_factor.recovery_code_used": "used a recovery code",
    "two_factor.reset": "reset somebody's two-factor",
    "wallet.credited": "credited a wallet",
}
_NOUNS = {
    "activity": "Activities", "activity_type": "Activity costs", "form": "Forms", "sub_user": "Sub-users",
    "allocation": "Tokens", "allocations": "Batches of tokens", "api_key": "API keys", "broker_account": "Broker accounts",
    "bonus": "Bonuses", "bonus_rule": "Bonus rules", "bulk": "Bulk decisions", "deposit": "Deposits",
    "deposit_refund": "Refunds of deposits elsewhere",
    "commission": "Commissions", "crypto_address": "Crypto addresses", "custody_account": "Custodian",
    "department": "Departments", "dispute": "Disputes", "export": "Exports", "fraudsettings": "Fraud settings",
    "identity": "Identities", "identity_provider": "Issuer", "job": "Jobs", "login": "Logins", "mail": "Mail",
    "member": "Members", "notifications": "Notifications", "order": "Orders",
    "override": "Own rates", "partner": "Partners", "password": "Passwords", "payment": "Payments", "payout": "Payouts",
    "payout_method": "Payout methods", "plan": "Plans", "product": "Products", "review": "Fraud reviews",
    "role": "Roles", "service": "Services", "payout_batch": "Payout batches", "payouts": "Payout comparisons",
    "sessions": "Sign-ins", "site": "Site", "sites": "All sites", "sitesettings": "Settings",
    "stripe_account": "Stripe", "two_factor": "Two-factor", "wallet": "Wallets",
}  # fmt: skip


# Values of before and after that are minor units.
MONEY = frozenset(
    {
        "amount",
        "activation_fee",
        "payout_minimum",
        "minimum",
        "flat_amount",
        "cap",
        "refunded_amount",
        "price",
        "cost",
        "spending_limit",
    }
)


def said(action: str, *, times: int = 1) -> str:
    """`payout.approved` → `approved a payout`; of 41 in a row `approved 41 payouts`."""
    if action in _SAID:
        return _SAID[action] if times == 1 else f"{_SAID[action]}, {times} times"
    noun, _, verb = action.rpartition(".")
    noun, verb = noun.replace("_", " ").replace(".", " "), verb.replace("_", " ")
    if not noun:
        return verb
    if times > 1:
        return f"{verb} {times} {_many(noun)}"
    article = "an" if noun[:1] in "aeiou" else "a"
    return f"{verb} {article} {noun}"


def _many(noun: str) -> str:
    return noun if noun.endswith("s") else f"{noun[:-1]}ies" if noun.endswith("y") else f"{noun}s"


def nouns() -> list[tuple[str, str]]:
    """(noun of an action, what it is called), for a filter."""
    return sorted(_NOUNS.items(), key=lambda item: item[1])


def target_noun(label: str) -> str:
    """`commissions.commission` → `commission`."""
    try:
        return str(apps.get_model(label)._meta.verbose_name)
    except (LookupError, ValueError):
        return label.rpartition(".")[2].replace("_", " ")


def field_noun(name: str) -> str:
    return name.replace("_", " ")


def value_text(value: object, *, money_in: str = "") -> str:
    """A value of before or after, to read; with `money_in` whole numbers are minor units of that currency."""
    if value is None or value == "":
        return "–"
    if money_in and isinstance(value, int) and not isinstance(value, bool):
        return format_money(value, money_in)
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, (list, tuple)):
        return ", ".join(value_text(item) for item in value) or "–"
    if isinstance(value, dict):
        return ", ".join(f"{field_noun(str(key))}: {value_text(item)}" for key, item in value.items()) or "–"
    return str(value)
