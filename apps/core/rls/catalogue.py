"""The proof of isolation: what PostgreSQL's catalogue says, against what it must say (X7, R12).

Everything is read from pg_catalog, nothing from our models: a table that somebody made by hand is found too. Each query returns
(kind, subject) rows and none when all is well. `tests/isolation` plants every kind of defect and sees it found.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from apps.core.rls.roles import APP, AUDIT, GUARD, OWNER

# Tables that all sites share: no row of them belongs to a tenant, or it is matched before a tenant is known.
SHARED = frozenset(
    {
        "sites_site",
        "sites_sitedomain",
        "accounts_user",
        "accounts_twofactordevice",
        "accounts_recoverycode",
        "accounts_cryptoaddress",
        "rbac_permission",
        "rbac_platformrole",
        "django_migrations",
        "django_content_type",
        "django_admin_log",
        "django_session",
        "auth_permission",
        "auth_group",
        "auth_group_permissions",
        "django_celery_beat_clockedschedule",
        "django_celery_beat_crontabschedule",
        "django_celery_beat_intervalschedule",
        "django_celery_beat_periodictask",
        "django_celery_beat_periodictasks",
        "django_celery_beat_solarschedule",
    }
)
# What the cross-site role must never read.
SECRET_TABLES = (
    "accounts_refreshtoken",
    "accounts_twofactordevice",
    "accounts_recoverycode",
    "accounts_cryptoaddress",
    "accounts_apikey",
    "core_idempotencykey",
    "django_session",
    "payouts_payoutmethod",
    "payments_stripeaccount",
    "allocations_custodyaccount",
    "activities_activityfile",
    "brokers_brokeraccount",
)
SECRET_COLUMNS = (("accounts_user", "password"),)

ISOLATION = "(site_id=(SELECTcurrent_site()AScurrent_site))"
MAINTENANCE = "(current_setting('app.maintenance'::text,true)='on'::text)"
ACROSS = "(site_id=ANY((SELECTreadable_sites()ASreadable_sites)::uuid[]))"
CURRENT_SITE_SOURCE = "SELECTNULLIF(current_setting('app.current_site_id',true),'')::uuid"


class Cursor(Protocol):
    def execute(self, query: Any, params: Any = None) -> Any: ...
    def fetchall(self) -> list[Any]: ...


@dataclass(frozen=True, order=True)
class Finding:
    kind: str
    subject: str


@dataclass(frozen=True)
class TableReport:
    """One site table as the catalogue describes it."""

    name: str
    policies: str
    app_grants: str
    foreign_keys: int


# What every query starts from: the site tables and their policies, with white space taken out of the expressions.
_WITH = """
WITH t AS (
    SELECT c.oid, c.relname, c.relrowsecurity, c.relforcerowsecurity, c.relowner FROM pg_class c
    WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p') AND c.relname <> ALL (%(shared)s)
      AND EXISTS (SELECT 1 FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attname = 'site_id' AND NOT a.attisdropped)
), p AS (
    SELECT t.relname, pol.polname, pol.polcmd, pol.polpermissive,
        (SELECT array_agg(coalesce(r.rolname, 'PUBLIC') ORDER BY 1) FROM unnest(pol.polroles) o LEFT JOIN pg_roles r ON r.oid = o)::text[] AS roles,
        regexp_replace(pg_get_expr(pol.polqual, pol.polrelid), '\\s', '', 'g') AS using_expr,
        regexp_replace(pg_get_expr(pol.polwithcheck, pol.polrelid), '\\s', '', 'g') AS check_expr
    FROM t JOIN pg_policy pol ON pol.polrelid = t.oid
)
"""  # noqa: E501

_QUERIES: tuple[tuple[str, str], ...] = (
    ("rls_off", "SELECT relname FROM t WHERE NOT relrowsecurity OR NOT relforcerowsecurity"),
    (
        "no_site_policy",
        "SELECT relname FROM t WHERE NOT EXISTS (SELECT 1 FROM p WHERE p.relname = t.relname"
        " AND p.polname = 'site_isolation' AND p.polcmd = '*' AND p.polpermissive AND p.roles = ARRAY[%(app)s]"
        " AND p.using_expr = %(isolation)s AND p.check_expr = %(isolation)s)",
    ),
    (
        "foreign_policy",
        "SELECT relname || '.' || polname FROM p WHERE NOT ("
        " (polname = 'site_isolation' AND roles = ARRAY[%(app)s])"
        " OR (polname = 'owner_maintenance' AND roles = ARRAY[%(owner)s] AND using_expr = %(maintenance)s"
        "     AND check_expr IS NULL)"
        " OR (polname = 'audit_read' AND roles = ARRAY[%(audit)s] AND polcmd = 'r' AND using_expr = %(across)s)"
        " OR (polname = 'guard_access' AND roles = ARRAY[%(guard)s]))",
    ),
    ("not_owned_by_owner", "SELECT relname FROM t WHERE relowner <> %(owner)s::regrole"),
    (
        "unlisted_shared_table",
        "SELECT c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
        " WHERE c.relkind IN ('r', 'p', 'f') AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast')"
        " AND n.nspname NOT LIKE 'pg_temp%%' AND c.oid NOT IN (SELECT oid FROM t) AND c.relname <> ALL (%(shared)s)",
    ),
    (
        "foreign_key_without_site",
        "SELECT con.conname FROM pg_constraint con JOIN t a ON a.oid = con.conrelid JOIN t b ON b.oid = con.confrelid"
        " WHERE con.contype = 'f' AND NOT EXISTS (SELECT 1 FROM unnest(con.conkey, con.confkey) k(x, y)"
        " JOIN pg_attribute ca ON ca.attrelid = con.conrelid AND ca.attnum = k.x AND ca.attname = 'site_id'"
        " JOIN pg_attribute cb ON cb.attrelid = con.confrelid AND cb.attnum = k.y AND cb.attname = 'site_id')",
    ),
    (
        "foreign_key_not_valid",
        "SELECT con.conname FROM pg_constraint con JOIN t ON t.oid = con.conrelid"
        " WHERE con.contype = 'f' AND (NOT con.convalidated OR con.confdeltype NOT IN ('a', 'r'))",
    ),
    (
        "site_not_referenced",
        "SELECT t.relname FROM t JOIN pg_attribute a ON a.attrelid = t.oid AND a.attname = 'site_id'"
        " WHERE NOT EXISTS (SELECT 1 FROM pg_constraint con WHERE con.conrelid = t.oid AND con.contype = 'f'"
        " AND con.confrelid = 'sites_site'::regclass AND a.attnum = ANY (con.conkey))",
    ),
    (
        "unique_without_site",
        "SELECT i.indexrelid::regclass::text FROM pg_index i JOIN t ON t.oid = i.indrelid WHERE i.indisunique"
        " AND NOT EXISTS (SELECT 1 FROM pg_attribute a WHERE a.attrelid = t.oid AND a.attname = 'site_id'"
        "                 AND a.attnum = ANY (i.indkey::int2[]))"
        # A primary key that nobody chooses tells nothing: a UUID of ours, or an identity.
        " AND NOT (i.indisprimary AND i.indnatts = 1 AND EXISTS (SELECT 1 FROM pg_attribute a WHERE a.attrelid = t.oid"
        "          AND a.attnum = i.indkey[0] AND (a.atttypid = 'uuid'::regtype OR a.attidentity <> '')))",
    ),
    (
        "site_nullable",
        "SELECT t.relname FROM t JOIN pg_attribute a ON a.attrelid = t.oid AND a.attname = 'site_id'"
        " WHERE NOT a.attnotnull",
    ),
    (
        "view_not_invoker",
        "SELECT c.relname FROM pg_class c WHERE c.relnamespace = 'public'::regnamespace AND (c.relkind = 'm'"
        " OR (c.relkind = 'v' AND NOT coalesce(c.reloptions::text ILIKE '%%security_invoker=true%%', false)))",
    ),
    (
        "definer_function_unsafe",
        "SELECT p.oid::regprocedure::text FROM pg_proc p WHERE p.pronamespace = 'public'::regnamespace AND p.prosecdef"
        " AND (p.proowner <> %(guard)s::regrole"
        " OR NOT coalesce(p.proconfig::text LIKE '%%search_path=public, pg_temp%%', false))",
    ),
    (
        "function_open_to_public",
        "SELECT p.oid::regprocedure::text FROM pg_proc p WHERE p.pronamespace = 'public'::regnamespace"
        " AND (p.proacl IS NULL OR EXISTS (SELECT 1 FROM aclexplode(p.proacl) a WHERE a.grantee = 0))",
    ),
    (
        "current_site_changed",
        "SELECT 'current_site()' WHERE NOT EXISTS (SELECT 1 FROM pg_proc p WHERE p.pronamespace = 'public'::regnamespace"
        " AND p.proname = 'current_site' AND p.pronargs = 0 AND p.provolatile = 's' AND NOT p.prosecdef"
        " AND p.proowner = %(owner)s::regrole AND regexp_replace(p.prosrc, '\\s', '', 'g') = %(current_site)s)",
    ),
    (
        "role_dangerous",
        "SELECT rolname FROM pg_roles WHERE rolname IN (%(app)s, %(audit)s, %(guard)s, %(owner)s) AND (rolsuper OR"
        " rolbypassrls OR rolcreaterole OR rolreplication OR (rolcreatedb AND rolname <> %(owner)s)"
        " OR (rolcanlogin AND rolname = %(guard)s))",
    ),
    (
        "audit_not_read_only",
        "SELECT rolname FROM pg_roles WHERE rolname = %(audit)s"
        " AND NOT coalesce('default_transaction_read_only=on' = ANY (rolconfig), false)",
    ),
    (
        "member_of_role",
        "SELECT m.member::regrole::text || ' in ' || m.roleid::regrole::text FROM pg_auth_members m"
        " WHERE m.member IN (SELECT oid FROM pg_roles WHERE rolname IN (%(app)s, %(audit)s, %(guard)s))"
        " OR (m.roleid = %(guard)s::regrole AND m.inherit_option AND NOT m.member::regrole::text = 'postgres')",
    ),
    (
        "app_owns",
        "SELECT c.relname FROM pg_class c WHERE c.relowner IN (SELECT oid FROM pg_roles WHERE rolname IN (%(app)s, %(audit)s))",
    ),
    (
        "app_can_truncate",
        "SELECT c.relname || ' ' || v FROM pg_class c, unnest(ARRAY['TRUNCATE', 'REFERENCES', 'TRIGGER']) v"
        " WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p') AND has_table_privilege(%(app)s, c.oid, v)",
    ),
    (
        "audit_can_write",
        "SELECT c.relname FROM pg_class c WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p')"
        " AND (has_table_privilege(%(audit)s, c.oid, 'INSERT, UPDATE, DELETE, TRUNCATE')"
        "      OR has_any_column_privilege(%(audit)s, c.oid, 'INSERT, UPDATE'))",
    ),
    (
        "audit_reads_secret",
        "SELECT c.relname FROM pg_class c WHERE c.relname = ANY (%(secret_tables)s)"
        " AND c.relnamespace = 'public'::regnamespace AND has_any_column_privilege(%(audit)s, c.oid, 'SELECT')"
        " UNION ALL SELECT s.rel || '.' || s.col FROM unnest(%(secret_rels)s::text[], %(secret_cols)s::text[]) s(rel, col)"
        " WHERE has_column_privilege(%(audit)s, s.rel, s.col, 'SELECT')",
    ),
    (
        "audit_calls_definer",
        "SELECT p.oid::regprocedure::text FROM pg_proc p WHERE p.pronamespace = 'public'::regnamespace AND p.prosecdef"
        " AND has_function_privilege(%(audit)s, p.oid, 'EXECUTE')",
    ),
    (
        "open_to_public",
        "SELECT c.relname FROM pg_class c, aclexplode(c.relacl) a WHERE c.relnamespace = 'public'::regnamespace AND a.grantee = 0"
        " UNION ALL SELECT 'schema public' FROM pg_namespace n, aclexplode(n.nspacl) a"
        " WHERE n.nspname = 'public' AND a.grantee = 0"
        " UNION ALL SELECT 'database' FROM pg_database d WHERE d.datname = current_database()"
        "  AND (d.datacl IS NULL OR EXISTS (SELECT 1 FROM aclexplode(d.datacl) a WHERE a.grantee = 0))",
    ),
    (
        "role_can_create",
        "SELECT r || ' in schema public' FROM unnest(ARRAY[%(app)s, %(audit)s, %(guard)s]) r"
        " WHERE has_schema_privilege(r, 'public', 'CREATE')"
        " UNION ALL SELECT r || ' in database' FROM unnest(ARRAY[%(app)s, %(audit)s, %(guard)s]) r"
        " WHERE has_database_privilege(r, current_database(), 'CREATE, TEMP')",
    ),
    (
        "trigger_switched_off",
        "SELECT t.relname || '.' || g.tgname FROM t JOIN pg_trigger g ON g.tgrelid = t.oid WHERE g.tgenabled <> 'O'",
    ),
    (
        "history_can_change",
        # A table with the refusing trigger for rows must have the one for TRUNCATE, and no grant to change it.
        "SELECT t.relname FROM t WHERE EXISTS (SELECT 1 FROM pg_trigger g WHERE g.tgrelid = t.oid"
        " AND g.tgname IN ('frozen_row', 'frozen_all')) AND ((SELECT count(*) FROM pg_trigger g WHERE g.tgrelid = t.oid"
        " AND g.tgname IN ('frozen_row', 'frozen_all')) <> 2 OR has_table_privilege(%(app)s, t.oid, 'UPDATE, DELETE')"
        " OR has_any_column_privilege(%(app)s, t.oid, 'UPDATE'))",
    ),
)


def _params() -> dict[str, Any]:
    return {
        "app": APP,
        "audit": AUDIT,
        "guard": GUARD,
        "owner": OWNER,
        "shared": sorted(SHARED),
        "isolation": ISOLATION,
        "maintenance": MAINTENANCE,
        "across": ACROSS,
        "current_site": CURRENT_SITE_SOURCE,
        "secret_tables": list(SECRET_TABLES),
        "secret_rels": [table for table, _ in SECRET_COLUMNS],
        "secret_cols": [column for _, column in SECRET_COLUMNS],
    }


def findings(cursor: Cursor) -> list[Finding]:
    """What is wrong. Needs no rights beyond reading the catalogue, so the app role can run it."""
    cursor.execute(
        "SELECT r FROM unnest(%s::text[]) r WHERE NOT EXISTS (SELECT 1 FROM pg_roles WHERE rolname = r)",
        [[APP, AUDIT, GUARD, OWNER]],
    )
    found = [Finding("role_missing", str(row[0])) for row in cursor.fetchall()]
    if found:  # the queries below name the roles
        return found
    for kind, query in _QUERIES:
        cursor.execute(_WITH + query, _params())
        found += [Finding(kind, str(row[0])) for row in cursor.fetchall()]
    return sorted(set(found))


def kinds() -> Sequence[str]:
    """Every kind of defect that is looked for."""
    return ["role_missing", *(kind for kind, _ in _QUERIES), "dangling_reference"]


def dangling(cursor: Cursor) -> list[Finding]:
    """Rows whose composite reference leads nowhere. Needs the owner with maintenance on.

    PostgreSQL validates a foreign key that is added to FORCEd tables vacuously, and marks it valid (measured).
    """
    cursor.execute(
        _WITH  # noqa: S608  (constants of this module)
        + "SELECT con.conname, a.relname, b.relname,"
        " (SELECT array_agg(x.attname::text ORDER BY k.ord) FROM unnest(con.conkey) WITH ORDINALITY k(n, ord)"
        "  JOIN pg_attribute x ON x.attrelid = con.conrelid AND x.attnum = k.n),"
        " (SELECT array_agg(x.attname::text ORDER BY k.ord) FROM unnest(con.confkey) WITH ORDINALITY k(n, ord)"
        "  JOIN pg_attribute x ON x.attrelid = con.confrelid AND x.attnum = k.n)"
        " FROM pg_constraint con JOIN t a ON a.oid = con.conrelid JOIN t b ON b.oid = con.confrelid WHERE con.contype = 'f'",
        _params(),
    )
    found = []
    for name, table, target, columns, keys in cursor.fetchall():
        joined = " AND ".join(f't."{key}" = s."{column}"' for column, key in zip(columns, keys, strict=True))
        present = " AND ".join(f's."{column}" IS NOT NULL' for column in columns)
        cursor.execute(
            f'SELECT count(*) FROM "{table}" s WHERE {present}'  # noqa: S608
            f' AND NOT EXISTS (SELECT 1 FROM "{target}" t WHERE {joined})'
        )
        count = cursor.fetchall()[0][0]
        if count:
            found.append(Finding("dangling_reference", f"{name}: {count} rows"))
    return found


def tables(cursor: Cursor) -> list[TableReport]:
    """Every site table with its policies, grants and keys."""
    cursor.execute(
        _WITH  # noqa: S608  (constants of this module)
        + "SELECT t.relname,"
        " (SELECT string_agg(polname, ', ' ORDER BY polname) FROM p WHERE p.relname = t.relname),"
        " (SELECT string_agg(v, ', ') FROM unnest(ARRAY['SELECT', 'INSERT', 'UPDATE', 'DELETE']) v"
        "  WHERE has_table_privilege(%(app)s, t.oid, v) OR (v IN ('INSERT', 'UPDATE')"
        "        AND has_any_column_privilege(%(app)s, t.oid, v))),"
        " (SELECT count(*) FROM pg_constraint con WHERE con.conrelid = t.oid AND con.contype = 'f')"
        " FROM t ORDER BY t.relname",
        _params(),
    )
    return [TableReport(*row) for row in cursor.fetchall()]
