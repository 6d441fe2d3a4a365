"""A batch from proposing to the bank's answer, in a process that did nothing before: what it takes of time, queries and memory.

    python -c 'import django; django.setup(); from bench.payout_sitting import main; main()' SITE APPROVER

Prints one object of JSON: seconds, queries per person, and megabytes above and at the peak.
"""

import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from django.db import connection
from django.test.utils import CaptureQueriesContext

from apps.accounts.models import User
from apps.audit.services import SYSTEM
from apps.core import outbox
from apps.core.tenancy import site_context
from apps.payouts import services
from apps.payouts.models import Payout, PayoutBatch
from apps.payouts.services.results import AT_ONCE
from apps.payouts.services.running import STEP


def main() -> None:
    site_id, approver_id = sys.argv[1:3]
    with site_context(site_id):
        before = peak()
    told = {
        "proposed": timed(lambda: propose(site_id, approver_id)),
        "queries": queries_of_a_step(site_id) / STEP,
        "ran": timed(lambda: drain(site_id)),
        "read": timed(lambda: read(site_id)),
        "queries_booked": queries_of_a_step(site_id) / AT_ONCE,
        "booked": timed(lambda: drain(site_id)),
    }
    print(json.dumps(told | {"memory": peak() - before, "peak": peak()}))


def propose(site_id: str, approver_id: str) -> None:
    with site_context(site_id):
        made = services.propose_batch(with_requests=False, with_available=True, actor=SYSTEM)
        services.approve_batch(batch=made, actor=User.objects.get(pk=approver_id), seen=made.digest)


def read(site_id: str) -> None:
    """The bank says that everybody is paid, in one file."""
    with site_context(site_id):
        ids = Payout.objects.values_list("pk", flat=True).iterator()
        text = "ref,status,reference,reason\n" + "".join(f"{pk},paid,B-1,\n" for pk in ids)
        services.book_results(batch=PayoutBatch.objects.get(), text=text, actor=SYSTEM)


def drain(site_id: str) -> None:
    while outbox.drain(site_id, "payouts"):
        continue


def queries_of_a_step(site_id: str) -> int:
    """Of the first step alone: keeping the text of all would be memory that the work doesn't need."""
    with CaptureQueriesContext(connection) as caught:
        outbox.drain(site_id, "payouts", limit=1)
    return len(caught)


def timed(work: Callable[[], Any]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def peak() -> float:
    """Of this process image: `ru_maxrss` begins with what the parent had."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) / 1024
