"""Processes killed while money moves (R1, R7), on servers of its own: PostgreSQL is one of those that die.

Runs in a process of its own, since a Django knows one set of databases: `python -m bench.kills [R1|R7] [--small]` prints one JSON
line for each row.
"""

import argparse
import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import django

from apps.core.launcher import postgres
from apps.core.launcher.processes import Processes
from apps.core.launcher.services import DATABASE_URLS, beside
from bench.__main__ import fresh_database
from bench.figures import Figure

CLIENTS = 8
READY_SECONDS = 10.0
WORKED_OFF_SECONDS = 180.0
ROWS = {
    "R1": ("R1 ledger under kills", "10,000 calls of 8 clients, 20 % repeated, 50 workers killed", 10_000, 50),
    "R7": ("R7 PostgreSQL killed", "kill -9 of PostgreSQL 20 times under the same load", 6_000, 20),
}
SMALL = {"R1": (400, 6), "R7": (300, 2)}


def run(size: int) -> list[Figure]:
    """For bin/bench --soak."""
    done = subprocess.run([sys.executable, "-m", "bench.kills"], check=True, stdout=subprocess.PIPE, env=clean())
    return [Figure(*json.loads(line)) for line in done.stdout.splitlines()]


def clean() -> dict[str, str]:
    """Without the databases that somebody else named."""
    return {name: value for name, value in os.environ.items() if name not in (*DATABASE_URLS, "REDIS_URL")}


def main() -> None:
    parser = argparse.ArgumentParser(prog="bench.kills", description=__doc__)
    parser.add_argument("rows", nargs="*", choices=[*ROWS, []], default=[])
    parser.add_argument("--small", action="store_true", help="as the suite runs it")
    options = parser.parse_args()
    with beside("kills", fsync=True) as (processes, env):
        os.environ.update(env)
        processes.run("bootstrap", [sys.executable, "manage.py", "bootstrap_database"], env=env)
        fresh_database()
        django.setup()
        from django.core.management import call_command

        call_command("migrate", verbosity=0)
        for name in options.rows or ROWS:
            print(json.dumps(_row(name, processes, small=options.small)), flush=True)


def _row(name: str, processes: Processes, *, small: bool) -> list[Any]:
    title, work, number, kills = ROWS[name]
    if small:
        number, kills = SMALL[name]
    started = time.perf_counter()
    figure = under_load(name, processes, number, kills)
    return [title, work, figure, f"{time.perf_counter() - started:.0f} s", None, "holds"]


def under_load(name: str, processes: Processes, number: int, kills: int) -> str:
    """Raises RuntimeError with what differs."""
    from django.db import connections

    from apps.core.tenancy import site_context
    from apps.sites import registry
    from bench.data import make_site
    from tests.story import outage
    from tests.story.kills import Client, calls, open_bank

    site_id = make_site(f"KILLS{name}").pk
    registry.forget()
    with site_context(site_id):
        bank = open_bank()
        todo = list(calls(bank, number, seed=number))
    with (
        tempfile.TemporaryDirectory() as directory,
        outage.stage(Path(directory), code=bank.code, site_id=site_id) as on,
    ):
        clients = [Client(on.port, bank, todo[place::CLIENTS], seed=place) for place in range(CLIENTS)]
        for client in clients:
            client.start()
        busy = lambda: sum(len(client.log.answered) for client in clients)  # noqa: E731
        told = (
            _kill_workers(on, kills, number, busy)
            if name == "R1"
            else _kill_postgres(on, processes, kills, number, busy)
        )
        for client in clients:
            client.join()
        connections.close_all()  # ours has died with PostgreSQL
        _work_off(on, site_id)
    return f"{told}; {_compared(site_id, [client.log for client in clients])}"


def _work_off(on: Any, site_id: Any) -> None:
    """Raises AssertionError with the events that are left."""
    from apps.core.models import OutboxEvent
    from apps.core.tenancy import site_context
    from tests.story import outage
    from tests.story.kills import waiting

    def is_over() -> bool:
        on.supervise()
        with site_context(site_id):
            return not waiting()

    try:
        outage.wait_for(is_over, WORKED_OFF_SECONDS, "every event to be worked off")
    except AssertionError as error:
        with site_context(site_id):
            rows = OutboxEvent.objects.filter(done_at=None)
            left = list(rows.values_list("topic", "consumer", "attempts", "dead_at")[:5])
        raise AssertionError(f"{error}: {left}\n{on.said()}") from error


def _compared(site_id: Any, logs: Sequence[Any]) -> str:
    """What the clients were answered, beside what is there. Raises RuntimeError."""
    from apps.core.tenancy import site_context
    from tests.story.kills import differences

    with site_context(site_id):
        wrong = differences(logs)
    if wrong:
        raise RuntimeError(f"{len(wrong)} differences: {wrong[:5]}")
    answered, replayed = sum(len(log.answered) for log in logs), sum(log.replayed for log in logs)
    lost = sum(log.without_answer for log in logs)
    return f"{answered:,} calls answered, {replayed:,} repeated, {lost:,} tries without an answer; 0 lost, 0 doubled"


# --- who dies --------------------------------------------------------------------------------------------------------------


def _kill_workers(on: Any, kills: int, number: int, busy: Callable[[], int]) -> str:
    """In turn a web worker and a worker of the queue; every tenth time the queue's whole worker, which is started again."""
    for place in range(kills):
        _wait_until(lambda: busy() >= number * (place + 1) // (kills + 2))  # noqa: B023
        on.supervise()
        if place % 10 == 9:
            on.kill_worker()
            continue
        victims = children(on.processes["web" if place % 2 else "worker"].pid)
        if victims:
            with contextlib.suppress(ProcessLookupError):
                os.kill(victims[place % len(victims)], signal.SIGKILL)
    return f"{kills} workers killed"


def _kill_postgres(on: Any, processes: Processes, kills: int, number: int, busy: Callable[[], int]) -> str:
    slowest = 0.0
    for place in range(kills):
        _wait_until(lambda: busy() >= number * (place + 1) // (kills + 2))  # noqa: B023
        server = next(child for child in processes.children if child.name == "postgres")
        os.kill(server.pid, signal.SIGKILL)
        died = time.monotonic()
        processes.stop_these([server])
        postgres.start(processes.state, processes, fsync=True)
        while not _ready(on.port).startswith("200"):
            if time.monotonic() - died > 6 * READY_SECONDS:
                raise RuntimeError(f"not ready a minute after kill {place + 1}: {_ready(on.port)}\n{on.said()}")
            time.sleep(0.02)
        slowest = max(slowest, time.monotonic() - died)
    if slowest > READY_SECONDS:
        raise RuntimeError(f"ready {slowest:.1f} s after a kill")
    return f"PostgreSQL killed {kills} times, ready within {slowest:.1f} s"


def children(parent: int) -> list[int]:
    """Processes that this one started."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            fields = stat.read_text().rpartition(")")[2].split()
            if int(fields[1]) == parent and fields[0] not in "ZX":
                found.append(int(stat.parent.name))
    return found


def _ready(port: int) -> str:
    """What /ready/ answers: its status and which check fails."""
    request = urllib.request.Request(f"http://127.0.0.1:{port}/ready/", headers={"Host": "localhost"})
    try:
        with urllib.request.urlopen(request, timeout=5) as answer:
            return str(answer.status)
    except urllib.error.HTTPError as error:
        with error:
            return f"{error.code} {error.read()[:300]!r}"
    except OSError as error:
        return f"nobody answers: {error}"


def _wait_until(condition: Callable[[], bool], seconds: float = 600.0) -> None:
    until = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > until:
            raise RuntimeError("the clients stand still")
        time.sleep(0.01)


if __name__ == "__main__":
    main()
