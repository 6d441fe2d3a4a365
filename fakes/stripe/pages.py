"""Pages for people: the one to pay on, and a small dashboard to refund and dispute. In the product's look, without a script."""

import re
import time
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, parse_qsl, quote, urlencode, urlsplit, urlunsplit

from fakes.stripe import errors
from fakes.stripe.accounts import Accounts
from fakes.stripe.payments import Payments
from fakes.stripe.store import Body

if TYPE_CHECKING:
    from fakes.stripe.server import Handler

STATIC = Path(__file__).resolve().parents[2] / "static"
STYLES = ("tokens.css", "base.css", "components.css")
FILES = dict.fromkeys(STYLES, "text/css") | {"icons.svg": "image/svg+xml", "favicon.svg": "image/svg+xml"}
POLICY = "default-src 'none'; style-src 'self'; img-src 'self' data:; base-uri 'none'; frame-ancestors 'none'"
WHOLE = {"jpy", "krw", "vnd", "clp"}  # currencies without a smaller unit
SHOWN = 50

# What a person may choose to happen: (payment method, name, what follows).
WAYS = (
    ("pm_card_visa", "A card that works", "Paid at once"),
    ("pm_card_chargeDeclined", "A card that is declined", "You may try again with another one"),
    ("pm_usBankAccount", "A bank transfer", "Stays on its way until the bank answers"),
    ("pm_card_createDispute", "A card whose owner complains", "Paid, and disputed right away"),
)
# (badge of the design kit, word)
STATES = {
    "requires_payment_method": ("pending", "Waits for payment"), "requires_confirmation": ("pending", "Waits for payment"),
    "requires_action": ("pending", "Waits for payment"), "processing": ("processing", "On its way"),
    "succeeded": ("paid", "Paid"), "canceled": ("cancelled", "Cancelled"),
}  # fmt: skip


def answer(handler: "Handler") -> None:
    path = handler.url.path
    if not _is_own(handler):
        return _page(handler, 403, "Refused", "<p>This form came from another page.</p>")
    try:
        if path.startswith("/static/"):
            return _file(handler, path.removeprefix("/static/"))
        if match := re.fullmatch(r"/pay/(\w+)", path):
            return _pay(handler, match[1])
        if match := re.fullmatch(r"/payments/(\w+)", path):
            return _payment(handler, match[1])
        if match := re.fullmatch(r"/connect/(\w+)", path):
            return _connect(handler, match[1])
        if path == "/":
            return _payments(handler)
    except errors.Refusal as refusal:
        return _page(handler, refusal.status, "That did not work", f"<p>{escape(str(refusal))}</p>")
    return _page(handler, 404, "Not found", "<p>There is nothing here.</p>")


def _is_own(handler: "Handler") -> bool:
    """A form of another site's page may not pay."""
    origin = handler.headers.get("Origin", "")
    return handler.command != "POST" or origin in {"", f"http://{handler.headers.get('Host', '')}"}


# --- paying ---
def _pay(handler: "Handler", secret: str) -> None:
    to, intent = _of_secret(handler, secret)
    back = _return_url(handler)
    problem = ""
    if handler.command == "POST":
        try:
            with handler.server.store.transaction():
                problem, intent = _act(handler, to, intent)
        except errors.Refusal as refusal:
            problem = str(refusal)
        if not problem and intent["status"] in {"succeeded", "processing"} and back:
            return _redirect(handler, _returned(back, intent))
    return _page(handler, 200, _title(intent), _pay_body(intent, to.account.name, problem, back))


def _act(handler: "Handler", to: Payments, intent: Body) -> tuple[str, Body]:
    """(what went wrong, the intent). A refused card is kept, so it must not roll back."""
    form = dict(parse_qsl(handler.body))
    try:
        if form.get("bank") in {"succeeded", "failed"}:
            return "", to.settle(intent["id"], succeeded=form["bank"] == "succeeded")
        return "", to.confirm(intent["id"], {"payment_method": form.get("way", "pm_card_visa")})
    except errors.Refusal as refusal:
        if not refusal.keep:
            raise
        return str(refusal), to.intent(intent["id"])


def _of_secret(handler: "Handler", secret: str) -> tuple[Payments, Body]:
    pk = secret.partition("_secret_")[0]
    to = _payments_of(handler, pk)
    intent = to.intent(pk)
    if intent["client_secret"] != secret:
        raise errors.missing("payment_intent", pk)
    return to, intent


def _payments_of(handler: "Handler", pk: str) -> Payments:
    account = handler.server.store.account(handler.server.store.owner_of(pk))
    if account is None:
        raise errors.missing("payment_intent", pk)
    return handler.server.payments(account)


def _return_url(handler: "Handler") -> str:
    url = parse_qs(handler.url.query).get("return_url", [""])[0]
    return url if urlsplit(url).scheme in {"http", "https"} else ""


def _returned(url: str, intent: Body) -> str:
    """As Stripe comes back."""
    parts = urlsplit(url)
    told = {
        "payment_intent": intent["id"], "payment_intent_client_secret": intent["client_secret"],
        "redirect_status": "succeeded" if intent["status"] == "succeeded" else "pending",
    }  # fmt: skip
    return urlunsplit(parts._replace(query=urlencode([*parse_qsl(parts.query), *told.items()])))


def _title(intent: Body) -> str:
    return {"succeeded": "Paid", "processing": "On its way", "canceled": "Cancelled"}.get(intent["status"], "Pay")


def _pay_body(intent: Body, shop: str, problem: str, back: str) -> str:
    amount = _money(intent["amount"], intent["currency"])
    told = (f"{escape(intent['description'])}, " if intent["description"] else "") + f"to {escape(shop)}"
    if intent["status"] == "processing":
        form = (
            "<p>The bank has not answered yet.</p>"
            '<button class="button primary wide" name="bank" value="succeeded">The bank pays</button>'
            '<button class="button wide" name="bank" value="failed">The bank refuses</button>'
        )
    elif intent["status"] in {"succeeded", "canceled"}:
        icon = "check" if intent["status"] == "succeeded" else "cross"
        return (
            f"<div><h1>{_title(intent)}</h1><p class='muted'>{amount} {told}</p></div>"
            f'<div class="card"><p class="row"><i data-icon="{icon}"></i><span>You can close this page.</span></p>'
            f"{_back(back)}</div>"
        )
    else:
        form = (
            f'<fieldset class="stack tight"><legend class="label">With</legend>{"".join(_way(*way) for way in WAYS)}</fieldset>'
            f'<button class="button primary wide">Pay {amount}</button>'
        )
    return (
        f"<div><h1>Pay {amount}</h1><p class='muted'>{told}</p></div>{_notice(problem)}"
        f'<form class="card" method="post">{form}{_back(back)}</form>'
        '<p class="fine">No money moves: in the demo this page stands in for the card form of Stripe.</p>'
    )


def _way(method: str, name: str, follows: str) -> str:
    checked = " checked" if method == WAYS[0][0] else ""
    return (
        f'<label class="choice"><input type="radio" name="way" value="{method}"{checked}>'
        f"<span>{name}</span><small>{follows}</small></label>"
    )


def _back(url: str) -> str:
    return f'<p class="fine"><a href="{escape(url)}">Back to the shop</a></p>' if url else ""


# --- the dashboard ---
def _payments(handler: "Handler") -> None:
    store = handler.server.store
    rows = []
    for account in store.accounts():
        for intent in store.listed(account.id, "payment_intent", limit=SHOWN):
            rows.append((intent["created"], _row(intent, account.name)))
    shown = "".join(row for _, row in sorted(rows, key=lambda row: row[0], reverse=True)[:SHOWN])
    table = (
        '<div class="card flush"><div class="scroll" tabindex="0" role="region" aria-label="Payments">'
        '<table class="table"><thead><tr>'
        "<th>Payment</th><th>Account</th><th>Status</th><th>Amount</th></tr></thead>"
        f"<tbody>{shown}</tbody></table></div></div>"
    )
    empty = '<div class="card"><p>Nobody has paid anything yet.</p></div>'
    _page(handler, 200, "Payments", f"<h1>Payments</h1>{table if shown else empty}", narrow=False)


def _row(intent: Body, account: str) -> str:
    return (
        f'<tr><td><a href="/payments/{intent["id"]}">{escape(intent["description"] or intent["id"])}</a></td>'
        f"<td>{escape(account)}</td><td>{_state(intent)}</td><td>{_money(intent['amount'], intent['currency'])}</td></tr>"
    )


def _payment(handler: "Handler", pk: str) -> None:
    to, problem = _payments_of(handler, pk), ""
    if handler.command == "POST":
        try:
            with handler.server.store.transaction():
                _decide(to, to.intent(pk), dict(parse_qsl(handler.body)))
            return _redirect(handler, f"/payments/{pk}")
        except errors.Refusal as refusal:
            problem = str(refusal)
    intent = to.intent(pk)
    heading = f"<div><h1>{_money(intent['amount'], intent['currency'])}</h1><p>{_state(intent)}</p></div>"
    body = f"{heading}{_notice(problem)}{_facts(to, intent)}{_decisions(to, intent)}"
    return _page(handler, 200, "Payment", body + '<p class="fine"><a href="/">All payments</a></p>')


def _decide(to: Payments, intent: Body, form: dict[str, str]) -> None:
    act = form.get("act", "")
    if act == "refund":
        amount = {"amount": form["amount"]} if form.get("amount") else {}
        to.create_refund({"payment_intent": intent["id"], **amount})
    elif act == "dispute":
        to.open_dispute({"payment_intent": intent["id"]})
    elif act in {"won", "lost"}:
        to.close_dispute(form.get("dispute", ""), act)


def _facts(to: Payments, intent: Body) -> str:
    facts = [
        ("Account", to.account.name),
        ("Intent", intent["id"]),
        ("What for", intent["description"] or "nothing said"),
    ]
    facts += [(name, value) for name, value in intent["metadata"].items()]
    for charge in to.store.children(intent["id"], "charge"):
        facts += (
            [("Given back", _money(charge["amount_refunded"], charge["currency"]))] if charge["amount_refunded"] else []
        )
        for dispute in to.store.children(charge["id"], "dispute"):
            facts.append(
                ("Dispute", f"{_money(dispute['amount'], dispute['currency'])}, {dispute['status'].replace('_', ' ')}")
            )
    listed = "".join(
        f'<li><span class="grow">{escape(value)}<small>{escape(name)}</small></span></li>' for name, value in facts
    )
    return f'<div class="card"><ul class="list">{listed}</ul></div>'


def _decisions(to: Payments, intent: Body) -> str:
    if intent["status"] != "succeeded":
        link = f"/pay/{quote(intent['client_secret'])}"
        return f'<p><a class="button wide" href="{link}">To the page to pay on</a></p>'
    charge = to.charge(intent["latest_charge"])
    open_ones = [row for row in to.store.children(charge["id"], "dispute") if row["status"] not in {"won", "lost"}]
    if open_ones:
        return (
            f'<form class="card" method="post"><input type="hidden" name="dispute" value="{open_ones[0]["id"]}">'
            '<p>The cardholder wants the money back.</p><button class="button wide" name="act" value="won">The shop wins</button>'
            '<button class="button wide" name="act" value="lost">The shop loses</button></form>'
        )
    if charge["disputed"] or charge["refunded"]:
        return ""
    rest = charge["amount"] - charge["amount_refunded"]
    return (
        '<form class="card" method="post"><div class="field"><label for="amount">Amount, in the smallest unit</label>'
        f'<input id="amount" name="amount" inputmode="numeric" value="{rest}"></div>'
        '<button class="button wide" name="act" value="refund">Give it back</button></form>'
        '<form class="card" method="post"><p>The cardholder may complain to their bank.</p>'
        '<button class="button wide" name="act" value="dispute">Open a dispute</button></form>'
    )


def _state(intent: Body) -> str:
    status, word = STATES[intent["status"]]
    return f'<span class="badge" data-status="{status}">{word}</span>'


def _notice(problem: str) -> str:
    if not problem:
        return ""
    return f'<div class="notice" data-status="rejected" role="alert"><i data-icon="alert"></i><p>{escape(problem)}</p></div>'


def _money(amount: int, currency: str) -> str:
    shown = f"{amount:,}" if currency in WHOLE else f"{amount // 100:,}.{amount % 100:02}"
    return f"{currency.upper()}\u00a0{shown}"


# --- Connect ---
OUTCOMES = (
    ("ready", "All is well", "Ready to be paid at once"),
    ("review", "Stripe wants to look at it", "Waits for Stripe"),
    ("more", "A document is missing", "Stripe asks for more"),
    ("closed", "Stripe says no", "The account is closed"),
)


def _connect(handler: "Handler", pk: str) -> None:
    """What a connected account's owner sees: good once, for a few minutes."""
    store = handler.server.store
    account = store.account(store.owner_of(pk))
    link = store.find(account.id, "account_link", pk) if account is not None else None
    if account is None or link is None:
        raise errors.missing("account_link", pk)
    if link.get("used") or link["expires_at"] < time.time():
        return _redirect(handler, link["refresh_url"])
    to = Accounts(store, account, handler.server.deliveries.tell)
    if handler.command == "POST":
        form = dict(parse_qsl(handler.body))
        if form.get("act") != "later":
            with store.transaction():
                to.fill_in(link["account"], form.get("outcome", "ready"))
                store.save(account.id, link | {"used": True})
        return _redirect(handler, link["return_url"])
    ways = "".join(
        f'<label class="row"><input type="radio" name="outcome" value="{value}"{" checked" if value == "ready" else ""}>'
        f"<span>{name}<small>{follows}</small></span></label>"
        for value, name, follows in OUTCOMES
    )
    asked = "".join(f"<li>{escape(what)}</li>" for what in to.find(link["account"])["requirements"]["currently_due"])
    told = "Stripe would ask who you are and for your bank here."
    return _page(
        handler, 200, "Get paid",
        f"<div><h1>Get paid by {escape(account.name)}</h1><p class='muted'>{told}</p></div>"
        f'<form class="card" method="post"><ul>{asked}</ul><fieldset class="stack tight">'
        '<legend class="label">What happens</legend>'
        f'{ways}</fieldset><button class="button primary wide">Send it in</button>'
        '<button class="button wide" name="act" value="later">Later</button></form>'
        '<p class="fine">Nothing is asked for real: in the demo this page stands in for Stripe’s.</p>',
    )  # fmt: skip


# --- answers ---
def _page(handler: "Handler", status: int, title: str, body: str, *, narrow: bool = True) -> None:
    styles = "".join(f'<link rel="stylesheet" href="/static/{name}">' for name in STYLES)
    heading = "" if "<h1>" in body else f"<h1>{title}</h1>"
    text = (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f'<title>{title} · Test payments</title><link rel="icon" href="/static/favicon.svg" type="image/svg+xml">{styles}</head>'
        '<body class="public"><a class="skip" href="#main">Skip to content</a><header class="apart">'
        '<a class="brand" href="/"><span class="brand__mark"><i data-icon="payout"></i></span>'
        "<span>Test payments<small>In place of Stripe</small></span></a></header>"
        f'<main id="main" class="{"narrow" if narrow else "stack"}">{heading}{body}</main>'
        '<footer class="apart fine"><span>Nothing here is real money</span></footer></body></html>'
    )
    headers = {"Content-Security-Policy": POLICY, "Referrer-Policy": "same-origin", "Cache-Control": "no-store"}
    handler.send_text(status, text, "text/html", headers)


def _file(handler: "Handler", name: str) -> None:
    if name not in FILES:
        return handler.send_text(404, "Not found.", "text/plain")
    return handler.send_text(200, (STATIC / name).read_text(), FILES[name], {"Cache-Control": "max-age=60"})


def _redirect(handler: "Handler", url: str) -> None:
    handler.send_text(303, "", "text/plain", {"Location": url})
