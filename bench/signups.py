"""Registrations under one sponsor: the tree's hottest spot. Password hashing is left out; it happens before the lock."""

from collections.abc import Callable
from functools import cache
from uuid import UUID

import psycopg

from apps.accounts.models import Membership, User
from apps.core.ids import uuid7
from apps.core.tenancy import site_context
from apps.referrals.models import Partner
from apps.referrals.selectors import read_stats
from apps.referrals.services import join
from bench import data
from bench.crowd import together
from bench.data import make_site
from bench.figures import Figure

CLIENTS, EACH = 16, 150


def run(size: int) -> list[Figure]:
    site = make_site("BENCHJOIN")
    with site_context(site.pk):
        sponsor = join(user=_member("hot"))
    rate = _rate(lambda number: _signup(site.pk, sponsor.pk, number))
    with site_context(site.pk):
        found = read_stats([sponsor.pk])[sponsor.pk][0]
        if found != CLIENTS * EACH:
            raise RuntimeError(f"{found} of {CLIENTS * EACH} signups are in the statistics")
    plain = _rate(lambda number: _plain(site.pk, sponsor, number))
    work = f"{CLIENTS} clients, one sponsor, without the hash"
    return [Figure("signups_hot_sponsor", work, f"{rate:.0f}/s", f"{plain:.0f}/s, plain SQL", rate / plain, "≥ 200/s")]


def _member(name: str) -> User:
    user = User(email=f"{name}-{uuid7().hex}@bench.example", password="!")
    user.save(force_insert=True)
    Membership.objects.create(user=user)
    return user


def _signup(site_id: UUID, sponsor_id: UUID, number: int) -> None:
    with site_context(site_id):
        join(user=_member(f"s{number}"), sponsor=Partner.objects.get(pk=sponsor_id))


def _plain(site_id: UUID, sponsor: Partner, number: int) -> None:
    """The same rows by hand: user, membership, role, node, statistics, tail; the sponsor's row locked, as there."""
    user, partner = uuid7(), uuid7()
    db = _connection()
    with db.transaction():
        db.execute("SELECT numchild FROM referrals_partner WHERE id = %s FOR NO KEY UPDATE", [sponsor.pk])
        db.execute(
            "INSERT INTO accounts_user (id, password, email, full_name, locale, is_active, token_version, date_joined)"
            " VALUES (%s, '!', %s, '', '', true, 0, now())",
            [user, f"plain-{user.hex}@bench.example"],
        )
        db.execute(
            "INSERT INTO accounts_membership (id, site_id, user_id, user_type, is_active, joined_at)"
            " VALUES (%s, %s, %s, 'individual', true, now())",
            [uuid7(), site_id, user],
        )
        db.execute(
            "INSERT INTO rbac_userrole (id, site_id, user_id, role_id, scope, created_at) SELECT %s, %s, %s, id, 'own', now()"
            " FROM rbac_role WHERE site_id = %s AND key = 'affiliate'",
            [uuid7(), site_id, user, site_id],
        )
        row = db.execute(
            "UPDATE referrals_partner SET numchild = numchild + 1 WHERE id = %s RETURNING path, depth, numchild",
            [sponsor.pk],
        ).fetchone()
        assert row is not None
        db.execute(
            "INSERT INTO referrals_partner (id, site_id, path, depth, numchild, user_id, sponsor_id, code, status, kind,"
            " joined_at) VALUES (%s, %s, %s, %s, 0, %s, %s, %s, 'active', 'user', now())",
            [partner, site_id, row[0] + data.step(row[2]), row[1] + 1, user, sponsor.pk, _code(partner)],
        )
        levels = [0] * 20
        db.execute(
            "INSERT INTO referrals_partnerstats (id, site_id, partner_id, levels) VALUES (%s, %s, %s, %s)",
            [uuid7(), site_id, partner, levels],
        )
        db.execute(
            "INSERT INTO referrals_statstail (id, site_id, partner_id) VALUES (%s, %s, %s)", [uuid7(), site_id, partner]
        )


@cache
def _connection() -> psycopg.Connection:
    """Of this process."""
    return data.admin()


def _code(pk: UUID) -> str:
    return "".join(data.CODE_ALPHABET[byte % 32] for byte in pk.bytes[-12:])


def _rate(signup: Callable[[int], None]) -> float:
    """Registrations per second of CLIENTS doing EACH."""

    def client(number: int) -> None:
        for _ in range(EACH):
            signup(number)

    seconds, _ = together(client, clients=CLIENTS)
    return CLIENTS * EACH / seconds
