"""Roles and database, made by an administrator and safe to repeat (spec: foundation.md 1).

Works as a superuser and as a CREATEROLE + CREATEDB role of a managed PostgreSQL, where nobody has BYPASSRLS to give.
"""

from dataclasses import dataclass

import psycopg
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from apps.core.rls.roles import APP, AUDIT, GUARD, OWNER


@dataclass(frozen=True)
class Login:
    """A role that logs in, as its URL states it."""

    role: str
    url: str

    @property
    def password(self) -> str:
        return str(conninfo_to_dict(self.url).get("password") or "")


def bootstrap(*, admin_url: str, owner_url: str, app_url: str, audit_url: str, for_tests: bool = False) -> list[str]:
    """Make roles, database and grants. Returns what was done, a line each. Raises psycopg.Error."""
    name = str(conninfo_to_dict(owner_url)["dbname"])
    done: list[str] = []
    with psycopg.connect(make_conninfo(admin_url, dbname="postgres"), autocommit=True) as admin:
        for login in (Login(OWNER, owner_url), Login(APP, app_url), Login(AUDIT, audit_url)):
            done += _ensure_login(admin, login)
        done += _ensure_guard(admin)
        _configure(admin, for_tests=for_tests)
        if not admin.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name]).fetchone():
            admin.execute(sql.SQL("CREATE DATABASE {} OWNER {}").format(sql.Identifier(name), sql.Identifier(OWNER)))
            done.append(f"database {name}")
        admin.execute(sql.SQL("REVOKE ALL ON DATABASE {} FROM PUBLIC").format(sql.Identifier(name)))
        for role in (OWNER, APP, AUDIT):
            connect = sql.SQL("GRANT CONNECT ON DATABASE {} TO {}")
            admin.execute(connect.format(sql.Identifier(name), sql.Identifier(role)))
    with psycopg.connect(make_conninfo(admin_url, dbname=name), autocommit=True) as admin:
        _lock_down_schema(admin)
    return done


def _ensure_login(admin: psycopg.Connection, login: Login) -> list[str]:
    role = sql.Identifier(login.role)
    done = []
    if not admin.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [login.role]).fetchone():
        admin.execute(sql.SQL("CREATE ROLE {} LOGIN").format(role))
        done.append(f"role {login.role}")
    if login.password:
        admin.execute(sql.SQL("ALTER ROLE {} PASSWORD {}").format(role, sql.Literal(login.password)))
    # Only a superuser may say NOSUPERUSER or NOBYPASSRLS; a new role has neither, and prove_isolation checks it.
    flags = "NOCREATEDB NOCREATEROLE INHERIT"
    admin.execute(sql.SQL("ALTER ROLE {} " + flags).format(role))
    return done


def _ensure_guard(admin: psycopg.Connection) -> list[str]:
    done = []
    if not admin.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [GUARD]).fetchone():
        admin.execute(sql.SQL("CREATE ROLE {} NOLOGIN").format(sql.Identifier(GUARD)))
        done.append(f"role {GUARD}")
    # The owner may become the guard to write its functions, and inherits none of its rights.
    grant = sql.SQL("GRANT {} TO {} WITH INHERIT FALSE, SET TRUE")
    admin.execute(grant.format(sql.Identifier(GUARD), sql.Identifier(OWNER)))
    if not admin.execute("SELECT rolsuper FROM pg_roles WHERE rolname = current_user").fetchone()[0]:  # type: ignore[index]
        admin.execute(sql.SQL("GRANT {} TO CURRENT_USER WITH SET TRUE").format(sql.Identifier(OWNER)))
    return done


def _configure(admin: psycopg.Connection, *, for_tests: bool) -> None:
    limits = {"statement_timeout": "15s", "lock_timeout": "5s", "idle_in_transaction_session_timeout": "30s"}
    # What apps.core.postgresql.prepared prepares is made for one plan; left to itself the server plans small pages every time.
    plans = {"plan_cache_mode": "force_generic_plan"}
    for setting, value in (limits | plans).items():
        statement = sql.SQL("ALTER ROLE {} SET {} = {}")
        admin.execute(statement.format(sql.Identifier(APP), sql.Identifier(setting), sql.Literal(value)))
    read_only = sql.SQL("ALTER ROLE {} SET default_transaction_read_only = on")
    admin.execute(read_only.format(sql.Identifier(AUDIT)))
    if for_tests:
        # The harness empties append-only tables between tests; their triggers stop even the owner otherwise.
        may_replicate = sql.SQL("GRANT SET ON PARAMETER session_replication_role TO {}")
        admin.execute(may_replicate.format(sql.Identifier(OWNER)))
        admin.execute(sql.SQL("ALTER ROLE {} CREATEDB").format(sql.Identifier(OWNER)))


def _lock_down_schema(admin: psycopg.Connection) -> None:
    admin.execute("REVOKE ALL ON SCHEMA public FROM PUBLIC")
    admin.execute(sql.SQL("ALTER SCHEMA public OWNER TO {}").format(sql.Identifier(OWNER)))
    for role in (APP, AUDIT, GUARD):
        admin.execute(sql.SQL("GRANT USAGE ON SCHEMA public TO {}").format(sql.Identifier(role)))
    # Works only without IN SCHEMA, and per database: a new function is nobody's until it is granted.
    revoke = sql.SQL("ALTER DEFAULT PRIVILEGES FOR ROLE {} REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC")
    for role in (OWNER, GUARD):
        admin.execute(revoke.format(sql.Identifier(role)))
