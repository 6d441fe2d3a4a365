"""Payouts at full size: 1,000 at a gateway that fails (R8), and a batch of 10,000 partners in one sitting."""

import json
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.utils import timezone

from apps.accounts.models import Membership, User
from apps.audit.services import SYSTEM
from apps.core import outbox
from apps.core.ids import uuid7
from apps.core.tenancy import site_context
from apps.payouts import services
from apps.payouts.gateways import Unknown
from apps.payouts.models import (
    ConnectAccount,
    Payout,
    PayoutBatch,
    PayoutBatchItem,
    PayoutMethod,
    PayoutResultFile,
    PayoutTransfer,
)
from apps.payouts.services.methods import seal_details
from apps.payouts.tests.factories import make_stripe
from apps.sites import registry
from apps.sites.models import Site
from apps.wallet import services as wallet
from apps.wallet.models import Books, Entry
from apps.wallet.selectors import contradictions
from bench.data import admin, make_site
from bench.figures import Figure
from bench.soak import require
from fakes.stripe.server import FakeStripe
from fakes.stripe.store import Account

R8, BATCH = 1000, 10_000


def run(size: int) -> list[Figure]:
    rows: tuple[tuple[str, str, Callable[[], tuple[str, float | None]]], ...] = (
        ("R8 gateway faults", f"{R8:,} payouts, 10 % time out after the commit, 10 % answer 500", faults),
        ("payout batch", f"{BATCH:,} partners, approved to all under way", batch),
    )
    figures = []
    for name, work, check in rows:
        started = time.perf_counter()
        said, ratio = check()
        figures.append(Figure(name, work, said, f"{time.perf_counter() - started:.0f} s", ratio, "holds"))
    return figures


def people(site: Site, number: int, kind: str, *, lots: int = 3) -> list[User]:
    """Members with earnings in several lots and a method each. Inside the site's context."""
    code = site.code.lower()
    users = User.objects.bulk_create(
        [User(email=f"p{n}@{code}.example", full_name=f"Partner {n}", password="!") for n in range(number)],
        batch_size=1000,
    )
    Membership.objects.bulk_create([Membership(user=user) for user in users], batch_size=1000)
    for start in range(0, number, 1000):
        for _ in range(lots):
            earned = [
                wallet.Credit(user.pk, 1000, site.currency, "goodwill", str(uuid7()))
                for user in users[start : start + 1000]
            ]
            wallet.credit_earnings(earned, kind=Entry.Kind.CREDIT, book=Books.CREDITS)
    methods = []
    for place, user in enumerate(users):
        method = PayoutMethod(user=user, kind=kind, label=f"{kind} {place}")
        seal_details(method, {} if kind == "stripe_connect" else {"vpa": f"p{place}@upi"})
        methods.append(method)
    PayoutMethod.objects.bulk_create(methods, batch_size=1000)
    if kind == PayoutMethod.Kind.STRIPE_CONNECT:
        ready = [
            ConnectAccount(method=method, account_id=f"acct_bench{place:06}", state=ConnectAccount.State.READY)
            for place, method in enumerate(methods)
        ]
        ConnectAccount.objects.bulk_create(ready, batch_size=1000)
    return users


def approved(site_id: Any, approver: User) -> PayoutBatch:
    with site_context(site_id):
        made = services.propose_batch(with_requests=False, with_available=True, actor=SYSTEM)
        return services.approve_batch(batch=made, actor=approver, seen=made.digest)


def faults() -> tuple[str, None]:
    fake = FakeStripe().start()
    settings.STRIPE_API_BASE = fake.url
    try:
        site_id = _begin_by_stripe(fake)
        # A time-out costs the caller ten seconds: here the fake closes the connection instead, unanswered, at once.
        fake.faults.set(
            {"after_commit_timeout": 0.1, "after_commit_500": 0.05, "before_500": 0.05, "timeout_seconds": 0.0}
        )
        unknown = push_all(site_id)
        fake.faults.set({"after_commit_timeout": 0.0, "after_commit_500": 0.0, "before_500": 0.0})
        differences = services.reconcile(site_id=site_id)
        held = fake.store.listed("acct_bench", "transfer", limit=10_000)
    finally:
        fake.stop()
    require(not differences, f"{len(differences)} differences: {differences[:2]}")
    with site_context(site_id):
        _require_held_once(held)
    return f"{unknown} unknown at first, none after reconciliation, each held once, ledger exact", None


def _begin_by_stripe(fake: FakeStripe) -> Any:
    """A batch of everybody, written down and not sent. The site's id."""
    site = make_site("PAYFAULTS")
    registry.forget()
    names = ("account", "secret_key", "publishable_key", "webhook_secret")
    keys = dict(zip(names, ("acct_bench", "sk_test_bench", "pk_test_bench", "whsec_bench"), strict=True))
    fake.store.register(Account("sk_test_bench", "acct_bench", "pk_test_bench", "bench", "", "whsec_bench"))
    with site_context(site.pk):
        make_stripe(keys)
        people(site, R8, "stripe_connect", lots=1)
        approver = User.objects.create_user(email="boss@bench.example", password=None)
    approved(site.pk, approver)
    while outbox.drain(site.pk, "payouts"):
        continue
    return site.pk


def _require_held_once(held: list[dict[str, Any]]) -> None:
    done = Payout.objects.filter(status="completed").count()
    waiting = PayoutTransfer.objects.filter(status__in=PayoutTransfer.OPEN).count()
    ours = {str(row.pk): row.amount for row in Payout.objects.all()}
    theirs = {row["transfer_group"]: row["amount"] for row in held}
    wrong = contradictions()
    require(len(held) == R8 and theirs == ours, f"the fake holds {len(held)}")
    require((done, waiting) == (R8, 0), f"{done} completed, {waiting} wait")
    require(not wrong, f"ledger: {wrong[:2]}")


def push_all(site_id: Any) -> int:
    """One step of each that is open. How many have no answer."""
    with site_context(site_id):
        ids = list(PayoutTransfer.objects.filter(status__in=PayoutTransfer.OPEN).values_list("pk", flat=True))
        PayoutTransfer.objects.filter(pk__in=ids).update(next_at=timezone.now())
    unknown = 0
    for pk in ids:
        try:
            services.push_transfer(site_id=site_id, transfer_id=pk)
        except Unknown:
            unknown += 1
    return unknown


def batch() -> tuple[str, float]:
    """The sitting itself runs in a process of its own: loading the people would hide what it needs."""
    site = make_site("PAYBATCH")
    registry.forget()
    with site_context(site.pk):
        people(site, BATCH, "upi")
        approver = User.objects.create_user(email="boss@batch.example", password=None)
    sitting = "import django; django.setup(); from bench.payout_sitting import main; main()"
    command = [sys.executable, "-c", sitting, str(site.pk), str(approver.pk)]
    done = subprocess.run(command, stdout=subprocess.PIPE, check=True)
    told: dict[str, float] = json.loads(done.stdout)
    with site_context(site.pk):
        begun = PayoutBatchItem.objects.filter(status="begun").count()
        wrong = contradictions()
        completed = Payout.objects.filter(status="completed").count()
        file = PayoutResultFile.objects.get()
    require((begun, completed) == (BATCH, BATCH), f"{begun} begun, {completed} completed")
    require((file.status, file.paid) == ("done", BATCH), f"the file is {file.status} with {file.paid} paid")
    require(not wrong, f"ledger: {wrong[:2]}")
    bare = plain(site)
    said = (
        f"proposed and approved {told['proposed']:.1f} s, run {told['ran']:.1f} s, results read {told['read']:.1f} s and booked "
        f"{told['booked']:.1f} s; {told['queries']:.2f} queries per partner run, {told['queries_booked']:.2f} booked; "
        f"+{told['memory']:.0f} MB to {told['peak']:.0f} MB"
    )
    return said, round(told["ran"] / bare, 1)


def plain(site: Site) -> float:
    """As many rows of the same tables by plain SQL of a superuser: what the database itself takes, with its keys and indexes."""
    per_person = {
        "payouts_payout": 1, "wallet_holdshare": 3, "payouts_payoutbatchitem": 1, "audit_auditevent": 1, "wallet_entry": 1,
        "wallet_posting": 2,
    }  # fmt: skip
    with admin() as db:
        for table, rows in per_person.items():
            most = BATCH * rows
            db.execute(f"CREATE TABLE src_{table} AS SELECT * FROM {table} WHERE site_id = %s LIMIT {most}", [site.pk])
            db.execute(f"CREATE TABLE dst_{table} (LIKE {table} INCLUDING ALL)")
        started = time.perf_counter()
        with db.transaction():
            for table in per_person:
                over = "OVERRIDING SYSTEM VALUE " if table == "wallet_posting" else ""
                db.execute(f"INSERT INTO dst_{table} {over}SELECT * FROM src_{table}")
        return time.perf_counter() - started
