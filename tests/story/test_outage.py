"""R6, small: Redis is killed and comes back empty; webhooks are taken all the while, and every order is commissioned."""

import os
import tempfile
from pathlib import Path

import pytest

from apps.core.tenancy import site_context
from tests.harness import databases
from tests.story import outage, storm

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]


@pytest.mark.skipif(outage.redis_binary() is None, reason="no real Redis to kill")
def test_redis_is_killed_while_webhooks_come(transactional_alpha):
    with site_context(transactional_alpha):
        sales = storm.sell(storm.open_shop(), 12, with_refunds=False)
    url = databases.renamed(os.environ["DATABASE_URL"], databases.worker_database())

    # Not tmp_path: the path of a socket may have 107 bytes.
    with (
        tempfile.TemporaryDirectory() as directory,
        outage.stage(Path(directory), code="ALPHA", site_id=transactional_alpha, database_url=url) as on,
    ):
        slowest = outage.through_an_outage(on, sales, down=4)

    assert on.answers == {200: len(sales)}
    assert on.slowest_answer < 3  # nobody waits for a dead Redis
    assert slowest < outage.PROMISE_SECONDS
    with site_context(transactional_alpha):
        assert storm.differences(sales) == []
