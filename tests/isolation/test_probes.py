"""R13: every site table against every statement, as the app role, with no site, an empty one, garbage and another site.

Generated from pg_catalog, so a new table is probed without anybody thinking of it. A superuser plants one row of ALPHA in each
table first; whatever the app role tries afterwards, none of them may be seen, changed, removed or pointed at.
"""

import uuid

import psycopg
import pytest
from psycopg import sql
from psycopg.types.json import Jsonb

from apps.core.rls import catalogue
from tests.harness import databases

pytestmark = pytest.mark.django_db(transaction=True)

VALUES = {
    "uuid": uuid.uuid4,
    "text": lambda: uuid.uuid4().hex[:3],
    "character varying": lambda: uuid.uuid4().hex[:3],
    "bigint": lambda: 1,
    "integer": lambda: 1,
    "smallint": lambda: 1,
    "numeric": lambda: 1,
    "boolean": lambda: False,
    "jsonb": lambda: Jsonb({}),
    "bytea": lambda: b"x",
    "inet": lambda: "127.0.0.1",
    "ARRAY": list,
    "date": lambda: "2026-01-01",
    "timestamp with time zone": lambda: "2026-01-01T00:00:00Z",
}

SETTINGS = {"none": None, "empty": "", "garbage": "not-a-uuid", "other": "BETA"}


@pytest.fixture
def tables(transactional_db):
    """{table: {column: value}} of one planted row of ALPHA each; and the connection of the app role."""
    name = databases.worker_database()
    planted = {}
    with psycopg.connect(databases.admin_conninfo(name), options="-c session_replication_role=replica") as admin:
        alpha = admin.execute("SELECT id FROM sites_site WHERE code = 'ALPHA'").fetchone()[0]
        for table in catalogue.tables(admin.cursor()):
            checks = admin.execute(
                "SELECT conname FROM pg_constraint WHERE conrelid = %s::regclass AND contype = 'c'", [table.name]
            ).fetchall()
            for (check,) in checks:  # what a planted row means is of no interest here
                admin.execute(
                    sql.SQL("ALTER TABLE {} DROP CONSTRAINT {}").format(
                        sql.Identifier(table.name), sql.Identifier(check)
                    )
                )
            planted[table.name] = plant(admin, table.name, alpha)
        admin.commit()
    return planted


def plant(admin, table, site_id):
    columns = admin.execute(
        "SELECT column_name, data_type FROM information_schema.columns WHERE table_schema = 'public' AND table_name = %s"
        " AND is_identity = 'NO' AND is_generated = 'NEVER' AND (is_nullable = 'NO' OR column_name LIKE '%%\\_id')"
        " AND data_type <> 'xid8' AND NOT (data_type = 'USER-DEFINED')",
        [table],
    ).fetchall()
    row = {column: site_id if column == "site_id" else VALUES[kind]() for column, kind in columns if kind in VALUES}
    statement = sql.SQL("INSERT INTO {} ({}) VALUES ({}) RETURNING ctid").format(
        sql.Identifier(table),
        sql.SQL(", ").join(map(sql.Identifier, row)),
        sql.SQL(", ").join(sql.Placeholder() * len(row)),
    )
    try:
        with admin.transaction():
            admin.execute(statement, list(row.values()))
    except psycopg.errors.UniqueViolation:  # one of provisioning's, such as the settings or the tree's root
        found = admin.execute(
            sql.SQL("SELECT {} FROM {} WHERE site_id = %s LIMIT 1").format(
                sql.SQL(", ").join(map(sql.Identifier, row)), sql.Identifier(table)
            ),
            [site_id],
        ).fetchone()
        row = {
            column: Jsonb(value) if isinstance(value, dict | list) else value
            for column, value in zip(row, found, strict=True)
        }
    return row


def app_connection():
    import os

    conninfo = psycopg.conninfo.make_conninfo(os.environ["DATABASE_URL"], dbname=databases.worker_database())
    return psycopg.connect(conninfo)


def attempt(connection, setting, statement, params=()):
    """(error class or None, rows or row count) of one statement in a transaction that is rolled back."""
    try:
        if setting is not None:
            connection.execute("SELECT set_config('app.current_site_id', %s, true)", [setting])
        cursor = connection.execute(statement, params)
        return None, (cursor.fetchall() if cursor.description else cursor.rowcount)
    except psycopg.Error as error:
        return error, 0
    finally:
        connection.rollback()


def test_no_statement_reaches_another_sites_row(tables):
    assert len(tables) > 20
    leaks = []
    with app_connection() as app:
        beta = app.execute("SELECT id FROM sites_site WHERE code = 'BETA'").fetchone()[0]
        app.rollback()
        for table, row in tables.items():
            for name, setting in SETTINGS.items():
                value = str(beta) if setting == "BETA" else setting
                leaks += [f"{table} {verb} with {name} site" for verb in probe(app, table, row, value)]
    assert leaks == []


def probe(app, table, row, setting):
    """The verbs that got through to ALPHA's row."""
    name, alpha = sql.Identifier(table), row["site_id"]
    mine = (alpha,)
    error, seen = attempt(app, setting, sql.SQL("SELECT count(*) FROM {} WHERE site_id = %s").format(name), mine)
    if error is None and seen[0][0]:
        yield "SELECT"
    error, changed = attempt(
        app, setting, sql.SQL("UPDATE {} SET site_id = site_id WHERE site_id = %s").format(name), mine
    )
    if error is None and changed:
        yield "UPDATE"
    error, gone = attempt(app, setting, sql.SQL("DELETE FROM {} WHERE site_id = %s").format(name), mine)
    if error is None and gone:
        yield "DELETE"
    fresh = {key: uuid.uuid4() if key == "id" else value for key, value in row.items()}
    columns = sql.SQL(", ").join(map(sql.Identifier, fresh))
    holes = sql.SQL(", ").join(sql.Placeholder() * len(fresh))
    insert = sql.SQL("INSERT INTO {} ({}) VALUES ({})").format(name, columns, holes)
    error, _ = attempt(app, setting, insert, list(fresh.values()))
    if error is None:
        yield "INSERT"
    if "id" in row:
        upsert = sql.SQL("{} ON CONFLICT (id) DO UPDATE SET site_id = EXCLUDED.site_id").format(insert)
        error, _ = attempt(app, setting, upsert, list(row.values()))
        if error is None:
            yield "UPSERT"


def test_no_row_of_one_site_can_point_at_anothers(tables):
    """Foreign keys: a row of BETA that names ALPHA's row is refused, by the key or before it."""
    got_through = []
    with psycopg.connect(databases.admin_conninfo(databases.worker_database())) as admin:
        keys = admin.execute(
            "SELECT con.conrelid::regclass::text, con.confrelid::regclass::text, a.attname FROM pg_constraint con"
            " JOIN pg_attribute a ON a.attrelid = con.conrelid AND a.attnum = ANY (con.conkey) AND a.attname <> 'site_id'"
            " WHERE con.contype = 'f' AND array_length(con.conkey, 1) = 2"
        ).fetchall()
    assert len(keys) > 10
    with app_connection() as app:
        beta = app.execute("SELECT id FROM sites_site WHERE code = 'BETA'").fetchone()[0]
        app.rollback()
        for table, target, column in keys:
            pointed = tables[target].get("id") or tables[target].get("account_id")
            row = {**tables[table], "site_id": beta, column: pointed}
            row.update({"id": uuid.uuid4()} if "id" in row else {})
            statement = sql.SQL("INSERT INTO {} ({}) VALUES ({}); SET CONSTRAINTS ALL IMMEDIATE").format(
                sql.Identifier(table),
                sql.SQL(", ").join(map(sql.Identifier, row)),
                sql.SQL(", ").join(sql.Literal(value) for value in row.values()),
            )
            error, _ = attempt(app, str(beta), statement)
            if error is None:
                got_through.append(f"{table}.{column} → {target}")
    assert got_through == []
