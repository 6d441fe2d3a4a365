"""A million commissions as CSV over HTTP: when the first byte comes, and what the web process needs for all of it; and a
partner's statement in each format, short and long."""

import http.client
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from apps.accounts.models import Membership, User
from apps.accounts.tokens import issue_pair
from apps.audit.services import SYSTEM
from apps.core.tenancy import site_context
from apps.rbac.models import Role
from apps.rbac.services import assign_role
from apps.sites import registry
from apps.sites.models import Site
from bench.data import admin, make_site
from bench.figures import Figure
from bench.web import serving

SMALL = 20_000
COMMISSIONS = "/api/v1/commissions?format=csv"
# Movements of one wallet and what is asked for then; a PDF of more than 10,000 rows is refused.
STATEMENT = ((2_000, ("csv", "xlsx", "pdf")), (9_000, ("pdf",)), (100_000, ("csv", "xlsx")))


def run(size: int) -> list[Figure]:
    site = make_site("BENCHEXPORT")
    token = _staff(site)
    with serving("config.wsgi:application", "/ready/", workers=1) as server:
        _load(site, SMALL)
        small = _download(server, token, site.code, COMMISSIONS)
        _load(site, size - SMALL)
        large = _download(server, token, site.code, COMMISSIONS)
    plain = _plain(site)
    if large["rows"] != size:
        raise RuntimeError(f"{large['rows']} rows of {size}")
    grew = large["peak"] - small["peak"]
    work = f"{size:,} commissions as CSV"
    return [
        *_statements(site),
        Figure("export", f"{work}, first byte", f"{large['first'] * 1000:.0f} ms", "", None, "< 1 s"),
        Figure(
            "export", f"{work}, memory", f"{large['peak']:.0f} MB",
            f"{small['peak']:.0f} MB with {SMALL:,} rows", None, f"constant: grew by {grew:.0f} MB",
        ),
        Figure(
            "export", f"{work}, all of it", f"{size / large['all']:.0f} rows/s", f"{size / plain:.0f} rows/s, COPY",
            plain / large["all"], "",
        ),
    ]  # fmt: skip


def _staff(site: Site) -> str:
    """One commission made by the services, to be copied, and a token that sees all."""
    from apps.commissions.services import commission_orders
    from apps.commissions.tests.engine_values import percent
    from apps.commissions.tests.factories import make_order, make_plan
    from apps.referrals.services import join

    registry.forget()
    with site_context(site.pk):
        users = [User.objects.create_user(email=f"e{n}@benchexport.example", password=None) for n in range(2)]
        for user in users:
            Membership.objects.create(user=user)
        top = join(user=users[0])
        make_plan(*percent("0.10"))
        commission_orders([make_order(None, below=top).pk])
        assign_role(user=users[1], role=Role.objects.get(key="super_admin"), actor=SYSTEM, access=None)
        return issue_pair(user=users[1], site=site)["access"]


def _load(site: Site, more: int) -> None:
    """Copies of the one commission, each of a line of its own: what they say is not what is measured."""
    with admin() as db, db.transaction():
        db.execute("SET LOCAL session_replication_role = replica")
        columns = [
            row[0]
            for row in db.execute(
                "SELECT attname FROM pg_attribute WHERE attrelid = 'commissions_commission'::regclass AND attnum > 0"
                " AND NOT attisdropped AND attgenerated = '' ORDER BY attnum"
            )
        ]
        fresh = {"id": "uuidv7()", "line_id": "gen_random_uuid()"}
        values = ", ".join(fresh.get(name, f'c."{name}"') for name in columns)
        listed = ", ".join(f'"{name}"' for name in columns)
        present = db.execute("SELECT count(*) FROM commissions_commission WHERE site_id = %s", [site.pk]).fetchone()
        assert present is not None
        first = "SELECT c.* FROM commissions_commission c WHERE c.site_id = %s ORDER BY c.id LIMIT 1"
        db.execute(
            f"INSERT INTO commissions_commission ({listed}) SELECT {values} FROM ({first}) c, generate_series(1, %s) n",
            [site.pk, more - (present[0] if present[0] == 1 else 0)],
        )
    with admin() as db:
        db.execute("VACUUM ANALYZE commissions_commission")


def _statements(site: Site) -> list[Figure]:
    """One server for each format, so that the memory of one doesn't hide that of the next."""
    from apps.wallet.models import Books, Entry
    from apps.wallet.services import Credit, credit_earnings

    with site_context(site.pk):
        user = User.objects.create_user(email="s@benchexport.example", password=None)
        Membership.objects.create(user=user)
        token = issue_pair(user=user, site=site)["access"]

    def grow(first: int, last: int) -> None:
        with site_context(site.pk):
            for start in range(first, last, 2_000):
                given = [
                    Credit(user.pk, 1, site.currency, "bench", str(n)) for n in range(start, min(start + 2_000, last))
                ]
                credit_earnings(given, kind=Entry.Kind.CREDIT, book=Books.CREDITS)

    seen: dict[str, list[tuple[int, dict[str, float]]]] = {}
    before = 0
    for rows, formats in STATEMENT:
        grow(before, rows)
        before = rows
        for file_format in formats:
            with serving("config.wsgi:application", "/ready/", workers=1) as server:
                path = f"/api/v1/wallet/statement?from=2000-01-01&format={file_format}"
                seen.setdefault(file_format, []).append((rows, _download(server, token, site.code, path)))
    return [
        Figure(
            "export", f"a statement of {many:,} movements, {name.upper()}",
            f"{large['all']:.1f} s, {large['peak']:.0f} MB", f"{small['peak']:.0f} MB with {few:,}", None,
            f"constant: grew by {large['peak'] - small['peak']:.0f} MB",
        )
        for name, ((few, small), (many, large)) in seen.items()
    ]  # fmt: skip


def _download(server: Any, token: str, code: str, path: str) -> dict[str, float]:
    """Seconds to the first byte and to the last, rows, and the highest memory of the web process meanwhile, in MB."""
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=600)
    headers = {"Host": "localhost", "X-Site-Code": code, "Authorization": f"Bearer {token}"}
    with watched(server.process.pid) as peak:
        started = time.perf_counter()
        connection.request("GET", path, headers=headers)
        answer = connection.getresponse()
        if answer.status != 200:
            raise RuntimeError(f"{answer.status}: {answer.read(300)!r}")
        rows = answer.read(1).count(b"\n")
        first = time.perf_counter() - started
        while chunk := answer.read(1 << 20):
            rows += chunk.count(b"\n")
        spent = time.perf_counter() - started
    return {"first": first, "all": spent, "rows": rows - 1, "peak": max(peak)}


@contextmanager
def watched(pid: int) -> Iterator[list[float]]:
    """Megabytes of the workers of a gunicorn, looked at ten times a second."""
    seen, done = [0.0], threading.Event()

    def look() -> None:
        while not done.wait(0.1):
            seen.append(sum(_resident(child) for child in _children(pid)))

    watcher = threading.Thread(target=look, daemon=True)
    watcher.start()
    try:
        yield seen
    finally:
        done.set()
        watcher.join()


def _children(pid: int) -> list[int]:
    text = Path(f"/proc/{pid}/task/{pid}/children").read_text()
    return [int(child) for child in text.split()]


def _resident(pid: int) -> float:
    try:
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * 4096 / 1e6
    except (OSError, IndexError):
        return 0.0


def _plain(site: Site) -> float:
    """Seconds of COPY to the client, the quickest that the database can do."""
    started = time.perf_counter()
    with (
        admin() as db,
        db.cursor().copy(
            f"COPY (SELECT * FROM commissions_commission WHERE site_id = '{site.pk}' ORDER BY id DESC) TO STDOUT WITH CSV"
        ) as copy,
    ):
        for _ in copy:
            pass
    return time.perf_counter() - started
