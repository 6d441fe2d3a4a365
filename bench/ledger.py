"""Balanced entries by eight writers, over one hot wallet and many cold ones."""

import random
from collections.abc import Callable
from functools import cache, partial
from uuid import UUID

import psycopg

from apps.accounts.models import User
from apps.core.ids import uuid7
from apps.core.tenancy import site_context
from apps.wallet import selectors
from apps.wallet.models import Account, Books, Entry, Pocket
from apps.wallet.services.accounts import system_account
from apps.wallet.services.entries import Draft, post
from bench import data
from bench.crowd import together
from bench.figures import Figure

WRITERS, EACH, COLD, HOT_SHARE = 8, 250, 10_000, 0.1


def run(size: int) -> list[Figure]:
    site = data.make_site("BENCHLEDGER")
    with site_context(site.pk):
        users = [User(email=f"w{number}@benchledger.example", password="!") for number in range(COLD)]
        User.objects.bulk_create(users, batch_size=2000)
        rows = [Account(user=user, kind=Pocket.EARNINGS, currency="INR") for user in users]
        Account.objects.bulk_create(rows, batch_size=2000)
        wallets = [row.pk for row in rows]
        source = system_account(Books.CREDITS, "INR")

    def ours(key: str, wallet: UUID) -> None:
        with site_context(site.pk):
            post([Draft(Entry.Kind.CREDIT, key, [(wallet, 100), (source, -100)])], "INR")

    rate = _rate(wallets, ours)
    plain = _rate(wallets, partial(_plain_post, site.pk, source))
    with site_context(site.pk):
        broken = [problem for problem in selectors.contradictions() if not problem[0].startswith("free lots")]
    if broken:
        raise RuntimeError(f"the ledger contradicts itself: {broken[:3]}")
    work = f"{WRITERS} writers, one hot wallet of {COLD:,}"
    return [Figure("ledger_posts", work, f"{rate:.0f}/s", f"{plain:.0f}/s, plain SQL", rate / plain, "≥ 0.25")]


def _plain_post(site_id: UUID, source: UUID, key: str, wallet: UUID) -> None:
    """Entry and postings by hand, as a superuser; the triggers check and move balances in both cases."""
    db = _connection()
    with db.transaction():
        entry = uuid7()
        db.execute(
            "INSERT INTO wallet_entry (id, site_id, kind, key, ref_type, ref_id, meta, created_at)"
            " VALUES (%s, %s, 'credit', %s, '', '', '{}', now())",
            [entry, site_id, f"plain-{key}"],
        )
        db.execute(
            "INSERT INTO wallet_posting (site_id, entry_id, account_id, currency, amount)"
            " VALUES (%s, %s, %s, 'INR', 100), (%s, %s, %s, 'INR', -100)",
            [site_id, entry, wallet, site_id, entry, source],
        )


@cache
def _connection() -> psycopg.Connection:
    """Of this process."""
    return data.admin()


def _rate(wallets: list[UUID], write: Callable[[str, UUID], None]) -> float:
    """Entries per second of WRITERS posting EACH."""

    def writer(number: int) -> None:
        draw = random.Random(number)
        for index in range(EACH):
            wallet = wallets[0] if draw.random() < HOT_SHARE else draw.choice(wallets)
            write(f"{number}-{index}", wallet)

    seconds, _ = together(writer, clients=WRITERS)
    return WRITERS * EACH / seconds
