"""Over HTTP, with everything on: JWT, site, row level security, limits, logs."""

import os
import socket
import statistics
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

from apps.accounts.models import Membership, User
from apps.accounts.tokens import issue_pair
from apps.core.tenancy import site_context
from apps.rbac.services import give_affiliate_role
from apps.referrals.models import Partner
from apps.sites import registry
from bench.data import load_partners, make_site
from bench.figures import Figure

CONNECTIONS, SECONDS, ROUNDS = 16, 3.0, 5


def run(size: int) -> list[Figure]:
    site = make_site("BENCHWEB")
    ids = load_partners(site, 10_000)
    registry.forget()
    with site_context(site.pk):
        user = User.objects.get(pk=Partner.objects.get(pk=ids[0]).user_id)
        Membership.objects.create(user=user)
        give_affiliate_role(user=user)
        token = issue_pair(user=user, site=site)["access"]
    headers = f"Host: localhost\r\nX-Site-Code: {site.code}\r\nAuthorization: Bearer {token}\r\n"
    rates: tuple[list[float], list[float]] = ([], [])
    with (
        serving("config.wsgi:application", "/ready/") as server,
        serving("bench.bare:application", "/site") as bare,
    ):
        for _ in range(ROUNDS):  # in turn: others use the machine too, and the one that waits costs nothing
            rates[0].append(load(server.port, f"GET /api/v1/referrals/stats HTTP/1.1\r\n{headers}\r\n"))
            rates[1].append(load(bare.port, "GET /site HTTP/1.1\r\nHost: localhost\r\n\r\n"))
    rate, bare = map(statistics.median, rates)
    print(
        "stats_read, each round:",
        *(f"{ours:.0f} of {limit:.0f}" for ours, limit in zip(*rates, strict=True)),
        file=sys.stderr,
    )
    work = f"GET /referrals/stats, {CONNECTIONS} connections, everything on"
    return [Figure("stats_read", work, f"{rate:.0f}/s", f"{bare:.0f}/s, a bare Django view", rate / bare, "≥ 1,000/s")]


class Server(NamedTuple):
    port: int
    process: subprocess.Popen[bytes]


@contextmanager
def serving(application: str, probe: str, *, workers: int = 2) -> Iterator[Server]:
    """A gunicorn of our own, as bin/up runs it."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    env = {
        name: value for name, value in os.environ.items() if name not in ("DATABASE_OWNER_URL", "DATABASE_ADMIN_URL")
    }
    env["WEB_CONCURRENCY"] = str(workers)
    command = [sys.executable, "-m", "gunicorn", application, "-b", f"127.0.0.1:{port}"]
    process = subprocess.Popen(command, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        for _ in range(150):
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{port}{probe}", timeout=1).read()
                break
            except OSError:
                time.sleep(0.1)
        else:
            raise RuntimeError(f"{application} did not come up")
        yield Server(port, process)
    finally:
        process.terminate()
        process.wait(15)


def load(port: int, request: str, *, seconds: float = SECONDS) -> float:
    """Requests per second over kept connections. A separate process, since its Python would share our lock otherwise."""
    command = [sys.executable, "-m", "bench.load", str(port), str(CONNECTIONS), str(seconds)]
    done = subprocess.run(command, input=request.encode(), capture_output=True, check=True)
    return float(done.stdout)
