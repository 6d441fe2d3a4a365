"""A batch from proposing to the bank's answer, in a process that did nothing before: what it takes of time, queries and memory.

    python -m bench.payout_sitting SITE APPROVER

Prints one object of JSON: seconds, queries per person, and megabytes above and at the peak.
"""

import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import django


def main(site_id: str, approver_id: str) -> dict[str, float]:
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

    def drain(**limit: int) -> None:
        while outbox.drain(site_id, "payouts", **limit) and not limit:
            continue

    def timed(work: Callable[[], Any]) -> float:
        started = time.perf_counter()
        work()
        return time.perf_counter() - started

    def queries(of: int) -> float:
        """Of the first step alone: keeping the text of all would be memory that the work doesn't need."""
        with CaptureQueriesContext(connection) as caught:
            drain(limit=1)
        return len(caught) / of

    def propose() -> None:
        with site_context(site_id):
            made = services.propose_batch(with_requests=False, with_available=True, actor=SYSTEM)
            approver = User.objects.get(pk=approver_id)
            services.approve_batch(batch=made, actor=approver, seen=made.digest)

    def read() -> None:
        with site_context(site_id):
            ids = Payout.objects.values_list("pk", flat=True).iterator()
            text = "ref,status,reference,reason\n" + "".join(f"{pk},paid,B-1,\n" for pk in ids)
            services.book_results(batch=PayoutBatch.objects.get(), text=text, actor=SYSTEM)

    with site_context(site_id):
        before = peak()
    told = {"proposed": timed(propose), "queries": queries(STEP), "ran": timed(drain)}
    told |= {"read": timed(read), "queries_booked": queries(AT_ONCE), "booked": timed(drain)}
    return told | {"memory": peak() - before, "peak": peak()}


def peak() -> float:
    """Of this process image: `ru_maxrss` begins with what the parent had."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) / 1024


if __name__ == "__main__":
    django.setup()
    print(json.dumps(main(*sys.argv[1:3])))
