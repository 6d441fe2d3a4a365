SAID = {
    ("joined", ""): ("{name} joined your team", "{name} signed up with your referral and is now in your team."),
    ("commission", ""): (
        "You earned {amount}",
        "Commissions of one order: {count}, together {amount}. They wait for approval.",
    ),
    ("approved", ""): (
        "{amount} approved",
        "Commissions approved: {count}, together {amount}. They are in your earnings.",
    ),
    ("reversed", ""): (
        "Commissions were taken back",
        "Commissions reversed since their order was refunded: {count}.",
    ),
    ("bonus", ""): ("A bonus of {amount}", "A bonus of {amount} was credited to your earnings."),
    ("payout", ""): ("News of your payout of {amount}", "Your payout of {amount} changed."),
    ("payout", "requested"): (
        "Payout of {amount} requested",
        "Your request for {amount} was received and waits for review.",
    ),
    ("payout", "approved"): ("Payout of {amount} approved", "Your payout of {amount} was approved and will be sent."),
    ("payout", "processing"): ("Payout of {amount} on its way", "Your payout of {amount} is being sent."),
    ("payout", "completed"): ("Payout of {amount} paid", "Your payout of {amount} was paid. {reference}"),
    ("payout", "failed"): (
        "Payout of {amount} failed",
        "Your payout of {amount} could not be made, the money is back. {reason}",
    ),
    ("payout", "rejected"): ("Payout of {amount} rejected", "Your payout of {amount} was rejected. {reason}"),
    ("payout", "cancelled"): ("Payout of {amount} cancelled", "Your payout of {amount} was cancelled."),
    ("security", ""): ("Your account was changed", "Something about how your account is protected was changed."),
    ("security", "password.changed"): ("Your password was changed", "The password of your account was changed."),
    ("security", "password.reset"): (
        "Your password was reset",
        "A new password was set for your account by a link from a mail.",
    ),
    ("security", "two_factor.enabled"): (
        "Two-factor is on",
        "You sign in with your password and a code of your app from now on.",
    ),
    ("security", "two_factor.disabled"): ("Two-factor is off", "Your password alone opens your account from now on."),
    ("security", "two_factor.reset"): (
        "Two-factor was reset by staff",
        "Your password alone opens your account until you switch it on again.",
    ),
    ("security", "sign_in"): (
        "New sign-in from {device}",
        "Somebody signed in as you from {device}, address {ip}, which we did not know.",
    ),
    ("security", "payout_method.added"): ("A payout method was added", "A new place for your payouts was saved."),
    ("security", "payout_method.removed"): ("A payout method was removed", "A place for your payouts was removed."),
    ("password_reset", ""): (
        "Your new password at {site}",
        "Someone asked for a new password for your account. If it was you, open this link within an hour."
        " If it was not, do nothing: your password stays as it is.",
    ),
    ("digest", ""): ("Your day at {site}: {count} news", "This is what happened."),
}
FRAME = {
    "hello": "Hello",
    "open": "Open {site}",
    "link": "Set a new password",
    "not_you": "If this was not you, change your password now and tell the people who run {site}.",
    "why": "You get this mail because you have an account at {site}.",
    "unsubscribe": "No more mail of this kind",
    "preferences": "What you are told",
}
