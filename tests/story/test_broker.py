"""Redis dies while a worker has work that it has not acknowledged: that is a lost connection, and no reason to end."""

import contextlib
import os
import signal
import subprocess
import time

import pytest
from kombu import Connection, Consumer, Producer, Queue
from kombu.common import ignore_errors

from tests.story.outage import redis_binary


@pytest.fixture
def server(tmp_path):
    """A Redis of its own: (URL for kombu, process)."""
    binary = redis_binary()
    if binary is None:
        pytest.skip("There is no Redis server here.")
    path = tmp_path / "r.sock"
    options = ["--port", "0", "--unixsocket", str(path), "--save", "", "--dir", str(tmp_path)]
    process = subprocess.Popen([binary, *options], stdout=subprocess.DEVNULL)
    deadline = time.monotonic() + 10
    while not path.exists():
        assert time.monotonic() < deadline
        time.sleep(0.02)
    yield f"redis+socket://{path}", process
    process.kill()
    process.wait()


def test_what_is_let_go_with_work_in_hand_closes_as_a_lost_connection(server):
    url, process = server
    connection, taken = Connection(url), []
    consumer = Consumer(
        connection.default_channel, [Queue("work")], callbacks=[lambda body, message: taken.append(message)]
    )
    consumer.consume()
    Producer(connection.default_channel).publish({"a": 1}, routing_key="work")
    connection.drain_events(timeout=5)  # one that is not acknowledged
    with contextlib.suppress(TimeoutError):
        connection.drain_events(timeout=0.2)  # and the next is being asked for
    os.kill(process.pid, signal.SIGKILL)
    process.wait()

    # As Celery's consumer leaves it when its connection breaks: let go of, and its channel not closed yet.
    connection.default_channel._disconnect_pools()
    connection.transport.client = None
    ignore_errors(connection, connection.close)
    ignored = []
    taken[0].ack_log_error(_Log(ignored), connection.connection_errors)

    assert len(ignored) == 1


class _Log:
    def __init__(self, said):
        self.critical = lambda *args, **kwargs: said.append(args)
        self.error = self.warning = self.critical
