"""A broker that is gone costs a request nothing: the row is there, and the sweep finds it."""

import time

import pytest
from celery import current_app

from apps.core import outbox, waking
from apps.core.ids import uuid7


@pytest.fixture
def dead_broker(monkeypatch):
    """The number of times somebody tried to reach it."""
    tried = []

    def refuse(*args, **kwargs):
        tried.append(args)
        raise OSError("nobody listens")

    monkeypatch.setattr(current_app, "send_task", refuse)
    monkeypatch.setattr(waking, "_silent_until", 0.0)
    return tried


def test_one_failure_spares_the_next_ones_the_wait(dead_broker, monkeypatch):
    for _ in range(20):
        waking.wake(outbox.DRAIN, str(uuid7()), "commissions")
    assert len(dead_broker) == 1

    monkeypatch.setattr(waking, "_silent_until", time.monotonic() - 0.01)
    waking.wake(outbox.DRAIN, str(uuid7()), "commissions")

    assert len(dead_broker) == 2


def test_queueing_does_not_try_a_dead_broker_again(tmp_path, settings):
    app = current_app._get_current_object()
    with app.connection_for_write(f"redis+socket://{tmp_path}/nothing.sock") as connection:
        started = time.monotonic()
        with pytest.raises(Exception, match=r"nothing\.sock"):
            app.send_task("apps.core.tasks.sweep_outbox", connection=connection, retry=False)

    assert time.monotonic() - started < 1


def test_every_consumer_that_is_named_exists():
    for subscriptions in outbox._by_topic.values():
        for subscription in subscriptions.values():
            assert callable(subscription.load()), subscription
