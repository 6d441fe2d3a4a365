"""R11: signups below a few hot sponsors beside moves and folds. The test runs it small, the benchmark at full size."""

import random
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from uuid import UUID

from django.db import connection

from apps.audit.services import SYSTEM
from apps.core.errors import DomainError
from apps.core.tenancy import site_context
from apps.referrals.models import Partner
from apps.referrals.services import fold_stats, join, move_partner
from apps.referrals.tests.factories import UserFactory


@dataclass
class Outcome:
    joined: list[UUID] = field(default_factory=list)
    moved: int = 0
    refused: int = 0
    errors: list[str] = field(default_factory=list)


def race(site_id: UUID, *, signups: int, clients: int, hot: list[UUID], moves: int, seed: int = 1) -> Outcome:
    """Run it and say what happened. Users are made beforehand, as registration hashes passwords outside its transaction.

    Four of five signups go to a hot sponsor, the others below somebody who has just joined; moves pick anybody.
    """
    outcome, lock = Outcome(), threading.Lock()
    with site_context(site_id):
        users = [UserFactory() for _ in range(signups)]
    work = [("join", user) for user in users] + [("move", None)] * moves + [("fold", None)] * (moves + 5)
    random.Random(seed).shuffle(work)

    def run(number: int) -> None:
        dice = random.Random(seed * 1000 + number)
        try:
            for kind, user in work[number::clients]:
                _step(site_id, kind, user, dice, hot, outcome, lock)
        finally:
            connection.close()

    with ThreadPoolExecutor(clients) as pool:
        list(pool.map(run, range(clients)))
    return outcome


def _step(site_id, kind, user, dice, hot, outcome, lock) -> None:
    try:
        with site_context(site_id):
            if kind == "join":
                recent = outcome.joined[-50:]
                target = dice.choice(recent) if recent and dice.random() < 0.2 else dice.choice(hot)
                done = join(user=user, sponsor=Partner.objects.get(pk=target)).pk
            elif kind == "move":
                partner, sponsor = _pick(dice, outcome, hot)
                move_partner(partner=partner, new_sponsor=sponsor, reason="race", actor=SYSTEM)
            else:
                fold_stats()
        with lock:
            if kind == "join":
                outcome.joined.append(done)
            elif kind == "move":
                outcome.moved += 1
    except DomainError:
        outcome.refused += 1  # a cycle, or where they stand already
    except Exception as error:
        outcome.errors.append(f"{kind}: {type(error).__name__}: {error}")


def _pick(dice, outcome, hot):
    anybody = [*hot, *outcome.joined]
    return Partner.objects.get(pk=dice.choice(anybody)), Partner.objects.get(pk=dice.choice(anybody))
