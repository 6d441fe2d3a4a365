"""Balanced entries by eight writers, over one hot wallet and many cold ones."""

import random
import threading
import time
from uuid import UUID

from django.db import connections

from apps.accounts.models import User
from apps.core.ids import uuid7
from apps.core.tenancy import site_context
from apps.wallet import selectors
from apps.wallet.models import Account, Books, Entry, Pocket
from apps.wallet.services.accounts import system_account
from apps.wallet.services.entries import Draft, post
from bench import data
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

    rate = _together(wallets, ours)
    plain = _together(wallets, _plain_writer(site.pk, source))
    with site_context(site.pk):
        broken = [problem for problem in selectors.contradictions() if not problem[0].startswith("free lots")]
    if broken:
        raise RuntimeError(f"the ledger contradicts itself: {broken[:3]}")
    work = f"{WRITERS} writers, one hot wallet of {COLD:,}"
    return [Figure("ledger_posts", work, f"{rate:.0f}/s", f"{plain:.0f}/s, plain SQL", rate / plain, "≥ 0.25")]


def _plain_writer(site_id: UUID, source: UUID) -> object:
    """Entry and postings by hand, as a superuser; the triggers check and move balances in both cases."""
    local = threading.local()

    def write(key: str, wallet: UUID) -> None:
        if not hasattr(local, "db"):
            local.db = data.admin()
        with local.db.transaction():
            entry = uuid7()
            local.db.execute(
                "INSERT INTO wallet_entry (id, site_id, kind, key, ref_type, ref_id, meta, created_at)"
                " VALUES (%s, %s, 'credit', %s, '', '', '{}', now())",
                [entry, site_id, f"plain-{key}"],
            )
            local.db.execute(
                "INSERT INTO wallet_posting (site_id, entry_id, account_id, currency, amount)"
                " VALUES (%s, %s, %s, 'INR', 100), (%s, %s, %s, 'INR', -100)",
                [site_id, entry, wallet, site_id, entry, source],
            )

    return write


def _together(wallets: list[UUID], write: object) -> float:
    errors: list[BaseException] = []

    def writer(number: int) -> None:
        draw = random.Random(number)
        try:
            for index in range(EACH):
                wallet = wallets[0] if draw.random() < HOT_SHARE else draw.choice(wallets)
                write(f"{number}-{index}", wallet)  # type: ignore[operator]
        except BaseException as error:
            errors.append(error)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=writer, args=(number,)) for number in range(WRITERS)]
    started = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if errors:
        raise errors[0]
    return WRITERS * EACH / (time.perf_counter() - started)
