"""Large data, loaded by a superuser with COPY: how it got there is not what is measured."""

import os
import random
from array import array
from uuid import UUID

import psycopg

from apps.core.ids import uuid7
from apps.referrals.models import MAX_LEVEL
from apps.referrals.models.partner import STEP
from apps.sites.models import Site
from apps.sites.services import create_site

ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
CODE_ALPHABET = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"
MAX_DEPTH = 60


def admin() -> psycopg.Connection:
    """Outside every policy: plain SQL as the limit of what the database can do."""
    return psycopg.connect(os.environ["DATABASE_ADMIN_URL"], autocommit=True)


def make_site(code: str) -> Site:
    return create_site(code=code, name=code.title(), currency="INR")


def step(number: int) -> str:
    """treebeard's path step: base 36, upper case, padded."""
    digits = ""
    while number:
        number, rest = divmod(number, 36)
        digits = ALPHABET[rest] + digits
    return digits.rjust(STEP, "0")


class Forest:
    """A random tree below a site's root: each partner joins under a random earlier one, as in a program that grows."""

    def __init__(self, size: int, *, root_path: str, seed: int = 7) -> None:
        draw = random.Random(seed)
        self.paths: list[str] = []
        self.parents = array("l")
        children = array("l", bytes(8 * size))
        top = 0
        for number in range(size):
            parent = draw.randrange(number) if number and draw.random() > 0.001 else -1
            if parent >= 0 and len(self.paths[parent]) >= MAX_DEPTH * STEP:
                parent = -1
            if parent < 0:
                top += 1
                path = root_path + step(top)
            else:
                children[parent] += 1
                path = self.paths[parent] + step(children[parent])
            self.paths.append(path)
            self.parents.append(parent)
        self.top, self.children = top, children

    def levels(self) -> list[array]:  # type: ignore[type-arg]
        """People per level below each partner, bottom up."""
        size = len(self.paths)
        counts = [array("l", bytes(8 * MAX_LEVEL)) for _ in range(size)]
        for number in range(size - 1, -1, -1):
            parent = self.parents[number]
            if parent >= 0:
                mine, theirs = counts[number], counts[parent]
                theirs[0] += 1
                for level in range(MAX_LEVEL - 1):
                    if mine[level]:
                        theirs[level + 1] += mine[level]
        return counts


def load_partners(site: Site, size: int) -> list[UUID]:
    """`size` partners with users and statistics. Returns their ids, oldest first."""
    with admin() as db:
        root = db.execute("SELECT path FROM referrals_partner WHERE site_id = %s AND depth = 1", [site.pk]).fetchone()
        assert root is not None
        forest = Forest(size, root_path=root[0])
        ids = [uuid7() for _ in range(size)]
        users = [uuid7() for _ in range(size)]
        draw = random.Random(11)
        with db.transaction():
            db.execute("SET LOCAL session_replication_role = replica")
            with db.cursor().copy(
                "COPY accounts_user (id, password, email, full_name, locale, is_active, token_version, date_joined) FROM STDIN"
            ) as copy:
                for number, user in enumerate(users):
                    email = f"p{number}@{site.code.lower()}.example"
                    copy.write_row((user, "!", email, f"Partner {number}", "", True, 0, "2026-01-01T00:00:00Z"))
            with db.cursor().copy(
                "COPY referrals_partner (id, site_id, path, depth, numchild, user_id, sponsor_id, code, status, kind, joined_at,"
                " activated_at) FROM STDIN"
            ) as copy:
                for number, path in enumerate(forest.paths):
                    code = "".join(draw.choices(CODE_ALPHABET, k=12))
                    sponsor = ids[forest.parents[number]] if forest.parents[number] >= 0 else None
                    moment = "2026-01-01T00:00:00Z"
                    copy.write_row(
                        (ids[number], site.pk, path, len(path) // STEP, forest.children[number], users[number], sponsor, code,
                         "active", "user", moment, moment)
                    )  # fmt: skip
            with db.cursor().copy("COPY referrals_partnerstats (id, site_id, partner_id, levels) FROM STDIN") as copy:
                for number, counts in enumerate(forest.levels()):
                    copy.write_row((uuid7(), site.pk, ids[number], list(counts)))
            db.execute(
                "UPDATE referrals_partner SET numchild = %s WHERE site_id = %s AND depth = 1", [forest.top, site.pk]
            )
        for relation in ("accounts_user", "referrals_partner", "referrals_partnerstats"):
            db.execute(f"VACUUM ANALYZE {relation}")
    return ids
