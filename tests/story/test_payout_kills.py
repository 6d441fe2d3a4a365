"""A batch whose worker is killed, with SIGKILL: in a step, in another, and while it sends. Everybody is paid once (R1, R8)."""

import os
import signal
import subprocess
import sys
import time
from collections import Counter

import pytest
from django.db import connection
from django.utils import timezone
from kombu import Connection

from apps.accounts.models import Membership, User
from apps.audit.services import SYSTEM
from apps.core import crypto
from apps.core.ids import uuid7
from apps.core.tasks import sweep_outbox
from apps.core.tenancy import site_context
from apps.payouts import selectors, services
from apps.payouts.models import ConnectAccount, Payout, PayoutBatch, PayoutBatchItem, PayoutMethod, PayoutTransfer
from apps.payouts.services.running import STEP
from apps.payouts.tasks import sweep_payouts
from apps.payouts.tests.factories import make_stripe
from apps.sites import registry
from apps.sites.models import SiteSettings
from apps.wallet import services as wallet
from apps.wallet.models import Account, Balance, Books, Entry
from apps.wallet.selectors import contradictions
from apps.wallet.services.accounts import lock
from config.settings.base import redis_urls
from tests.harness import databases

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]

PEOPLE, BY_STRIPE, EACH = 600, 120, 1000
SECONDS = 60.0


class Workers:
    """Worker processes of this test's database, one after the other, at a Redis database of their own."""

    def __init__(self, log, stripe_url):
        number = 4 + hash(databases.worker_database()) % 8
        _, self.url = redis_urls(os.environ["REDIS_URL"].replace("db=0", f"db={number}"))
        here = databases.renamed(os.environ["DATABASE_URL"], databases.worker_database())
        env = {**os.environ, "UPLINE_TEST_BROKER": self.url, "DATABASE_URL": here, "STRIPE_API_BASE": stripe_url}
        self.env = {key: value for key, value in env.items() if key not in ("DATABASE_OWNER_URL", "DATABASE_ADMIN_URL")}
        self.log, self.process = log, None

    def start(self, *sweeps):
        """A worker that finds what these sweeps find, as beat would have it every few seconds."""
        with Connection(self.url) as broker:
            broker.default_channel.client.flushdb()
            for sweep in sweeps:
                sweep.apply_async(connection=broker)
        command = [sys.executable, "-m", "celery", "-A", "config", "worker", "--pool", "solo", "--loglevel", "info"]
        self.process = subprocess.Popen(
            command, env=self.env, cwd=databases.ROOT, stdout=self.log, stderr=subprocess.STDOUT
        )

    def kill(self):
        self.process.send_signal(signal.SIGKILL)
        assert self.process.wait(20) == -signal.SIGKILL


@pytest.fixture
def workers(tmp_path, fake_stripe):
    with (tmp_path / "worker.log").open("wb") as log:
        made = Workers(log, fake_stripe.url)
        yield made
        if made.process is not None and made.process.poll() is None:
            made.kill()


@pytest.fixture
def batch(transactional_alpha, fake_stripe, settings):
    """600 people with earnings, of whom 120 are paid by Stripe and the others to their funds. Approved, and not begun."""
    settings.STRIPE_API_BASE = fake_stripe.url
    registry.forget()
    with site_context(transactional_alpha):
        make_stripe(fake_stripe.register())
        SiteSettings.objects.update(payout_without_method="wallet", payout_minimum=1, payout_cooldown_hours=0)
        users = User.objects.bulk_create([User(email=f"p{n}@example.com", password="!") for n in range(PEOPLE)])
        Membership.objects.bulk_create([Membership(user=user) for user in users])
        earned = [wallet.Credit(user.pk, EACH, "INR", "goodwill", str(uuid7())) for user in users]
        wallet.credit_earnings(earned, kind=Entry.Kind.CREDIT, book=Books.CREDITS)
        methods = [PayoutMethod(user=user, kind="stripe_connect", label="Stripe") for user in users[:BY_STRIPE]]
        for method in methods:
            method.details = crypto.sealed(method, "details", "{}")
        PayoutMethod.objects.bulk_create(methods)
        ready = [
            ConnectAccount(method=method, account_id=f"acct_kill{place:04}", state="ready")
            for place, method in enumerate(methods)
        ]
        ConnectAccount.objects.bulk_create(ready)
        approver = User.objects.create_user(email="boss@example.com", password=None)
        made = services.propose_batch(with_requests=False, with_available=True, actor=SYSTEM)
        assert (made.count, made.left_out) == (PEOPLE, 0)
        return services.approve_batch(batch=made, actor=approver, seen=made.digest)


def wait_for(condition, what):
    until = time.monotonic() + SECONDS
    while not condition():
        assert time.monotonic() < until, f"waited {SECONDS:.0f} s for {what}"
        time.sleep(0.05)


def somebody_waits_for_a_lock():
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_stat_clear_snapshot()")  # else it stays what the transaction saw first
        cursor.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
        )
        return bool(cursor.fetchone()[0])


def kill_inside_a_step(workers, site_id, batch):
    """The step has opened its payouts, waits for one of its wallets, and its worker dies there."""
    with site_context(site_id):
        ready = PayoutBatchItem.objects.filter(batch=batch, status="ready").order_by("id")
        last = list(ready.values_list("user_id", flat=True)[:STEP])[-1]
        lock([Account.objects.get(user_id=last, kind="earnings").pk])
        workers.start(sweep_outbox)
        wait_for(somebody_waits_for_a_lock, "the worker to be inside a step")
        workers.kill()


def how_far(site_id, batch):
    """({state of an item: how many}, {state of a payout: how many}): what the page of a batch shows."""
    items, payouts = Counter(), Counter()
    with site_context(site_id):
        for row in selectors.totals(batch):
            items[row["status"]] += row["count"]
            payouts[row["payout"]] += row["count"]
    return dict(items), {name: count for name, count in payouts.items() if name}


def test_everybody_is_paid_once_however_often_the_worker_is_killed(transactional_alpha, batch, workers, fake_stripe):
    site_id = transactional_alpha

    def held():
        return fake_stripe.server.store.listed("acct_ALPHA", "transfer", limit=10_000)

    kill_inside_a_step(workers, site_id, batch)
    wait_for(lambda: not somebody_waits_for_a_lock(), "the database to notice")
    assert how_far(site_id, batch) == ({"ready": PEOPLE}, {})  # as if the step had never begun
    with site_context(site_id):
        assert Payout.objects.count() == 0

    workers.start(sweep_outbox)
    wait_for(lambda: "begun" in how_far(site_id, batch)[0], "the first step")
    workers.kill()
    begun = how_far(site_id, batch)[0]["begun"]
    assert begun % STEP in (0, PEOPLE % STEP)

    workers.start(sweep_outbox)
    with site_context(site_id):
        running = PayoutBatch.objects.filter(pk=batch.pk, status="running")
    wait_for(lambda: not _exists(site_id, running), "all to be begun")
    workers.kill()
    items, payouts = how_far(site_id, batch)
    assert (items, sum(payouts.values())) == ({"begun": PEOPLE}, PEOPLE)

    sent_before = len(held())
    if sent_before < BY_STRIPE:
        workers.start(sweep_payouts)
        wait_for(lambda: len(held()) > min(sent_before + 20, BY_STRIPE - 1), "some to be sent")
        workers.kill()
    with site_context(site_id):  # a claim lasts a minute
        PayoutTransfer.objects.filter(status__in=PayoutTransfer.OPEN).update(next_at=timezone.now())
    workers.start(sweep_outbox, sweep_payouts)
    wait_for(lambda: how_far(site_id, batch)[1] == {"completed": PEOPLE}, "everybody to be paid")

    with site_context(site_id):
        ours = {str(row.pk): row.amount for row in Payout.objects.filter(gateway="stripe_connect")}
        by_person = Counter(Payout.objects.values_list("user_id", flat=True))
        assert (len(by_person), set(by_person.values())) == (PEOPLE, {1})
        assert contradictions() == []
        assert set(_balances("earnings")) | set(_balances("held")) == {0}
        assert Counter(_balances("funds"))[EACH] == PEOPLE - BY_STRIPE
    assert {row["transfer_group"]: row["amount"] for row in held()} == ours
    assert (len(held()), set(ours.values())) == (BY_STRIPE, {EACH})


def _exists(site_id, rows):
    with site_context(site_id):
        return rows.all().exists()


def _balances(kind):
    return list(
        Balance.objects.filter(account__kind=kind, account__user__isnull=False).values_list("balance", flat=True)
    )
