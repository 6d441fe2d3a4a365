"""The real worker on the real Redis: what a commit wakes, and what the sweep finds when the wake-up was lost."""

import os
import subprocess
import sys
import time

import pytest
from kombu import Connection

from apps.commissions.models import Commission
from apps.commissions.tests.engine_values import percent
from apps.commissions.tests.factories import make_order, make_plan
from apps.core.tasks import drain_outbox, sweep_outbox
from apps.core.tenancy import site_context
from apps.orders.models import Order
from apps.referrals.services import join
from apps.sites import registry
from config.settings.base import redis_urls
from tests.harness import databases

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]


@pytest.fixture
def broker(tmp_path):
    """A worker process of this test's database, and the URL it listens at: a Redis database of its own."""
    _, url = redis_urls(os.environ["REDIS_URL"].replace("db=0", f"db={4 + hash(databases.worker_database()) % 8}"))
    name = databases.worker_database()
    env = {**os.environ, "UPLINE_TEST_BROKER": url, "DATABASE_URL": databases.renamed(os.environ["DATABASE_URL"], name)}
    env = {key: value for key, value in env.items() if key not in ("DATABASE_OWNER_URL", "DATABASE_ADMIN_URL")}
    command = [sys.executable, "-m", "celery", "-A", "config", "worker", "--pool", "solo", "--loglevel", "info"]
    with (tmp_path / "worker.log").open("wb") as log, Connection(url) as connection:
        connection.default_channel.client.flushdb()
        process = subprocess.Popen(command, env=env, cwd=databases.ROOT, stdout=log, stderr=subprocess.STDOUT)
        try:
            yield url
        finally:
            process.terminate()
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()


def paid_order(site_id):
    with site_context(site_id):
        make_plan(*percent("0.10"))
        from apps.accounts.models import Membership, User

        people = []
        for name in ("ann", "ben"):
            user = User.objects.create_user(email=f"{name}@example.com", password=None)
            Membership.objects.create(user=user)
            people.append(join(user=user, sponsor=people[0] if people else None))
        return make_order(people[1])


def wait_for_commission(site_id, order, seconds=40):
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        with site_context(site_id):
            if Order.objects.get(pk=order.pk).commissioned_at:
                return Commission.objects.filter(order=order).count()
        time.sleep(0.1)
    return None


@pytest.mark.parametrize("wake", ["commit", "sweep"])
def test_an_order_is_commissioned_by_the_worker(transactional_alpha, broker, wake):
    registry.forget()
    order = paid_order(transactional_alpha)

    with Connection(broker) as connection:
        if wake == "commit":
            drain_outbox.apply_async(args=[str(transactional_alpha), "commissions"], connection=connection)
        else:
            sweep_outbox.apply_async(connection=connection)

    assert wait_for_commission(transactional_alpha, order) == 1
