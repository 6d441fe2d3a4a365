"""Many clients at once, each a process: threads of one Python would wait for each other and not for the database."""

import multiprocessing
import time
import traceback
from collections.abc import Callable
from multiprocessing.synchronize import Barrier
from queue import Empty
from typing import Any

from django.db import connections

Client = Callable[[int], Any]
"""A client's work, given its number; what it returns comes back."""


def together(client: Client, *, clients: int) -> tuple[float, list[Any]]:
    """Seconds from the start of the first to the end of the last, and what they returned. Raises when one failed."""
    connections.close_all()  # a fork would share them
    context = multiprocessing.get_context("fork")
    ready, answers = context.Barrier(clients + 1), context.Queue()
    processes = [context.Process(target=_run, args=(client, number, ready, answers)) for number in range(clients)]
    for process in processes:
        process.start()
    ready.wait(60)
    started = time.perf_counter()
    try:
        found = [answers.get(timeout=600) for _ in processes]
    except Empty:
        raise RuntimeError("a client never answered") from None
    spent = time.perf_counter() - started
    for process in processes:
        process.join()
    failed = [answer for fine, answer in found if not fine]
    if failed:
        raise RuntimeError(failed[0])
    return spent, [answer for _, answer in found]


def _run(client: Client, number: int, ready: Barrier, answers: Any) -> None:
    try:
        connections["default"].ensure_connection()
        ready.wait(60)
        answers.put((True, client(number)))
    except BaseException:
        answers.put((False, traceback.format_exc()))
    finally:
        connections.close_all()
