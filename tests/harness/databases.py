"""Test databases: a template built by the real migrations as the owner, cloned per worker, used as the app role.

Tests never run as a superuser, which would prove nothing about row level security. The harness itself is one, but only to
clone and drop. A test that commits gets its worker's database cloned anew afterwards (about 0.1 s).
"""

import fcntl
import hashlib
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import psycopg
from django.conf import settings
from django.db import connections
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict, make_conninfo

ROOT = Path(__file__).resolve().parent.parent.parent


def admin_url() -> str:
    url = os.environ.get("DATABASE_ADMIN_URL", "")
    if not url:
        raise RuntimeError("Run the tests with bin/test: it starts PostgreSQL and Redis and sets their URLs.")
    return url


def template_name() -> str:
    """Named by all that shapes it: migrations, the operations they use, what provisioning makes, the harness."""
    digest = hashlib.sha256()
    patterns = ("apps/*/migrations/*.py", "apps/core/rls/*.py", "apps/*/services*.py", "apps/*/services/*.py", "apps/rbac/*.py",
                "apps/sites/*.py", "tests/harness/*.py")  # fmt: skip
    for path in sorted({path for pattern in patterns for path in ROOT.glob(pattern)}):
        digest.update(path.name.encode() + path.read_bytes())
    return f"tpl_{digest.hexdigest()[:16]}"


def ensure_template() -> str:
    """Build the template unless a former run has. Workers wait for the first."""
    name = template_name()
    lock = Path(tempfile.gettempdir()) / f"upline_{hashlib.sha256(admin_url().encode()).hexdigest()[:12]}.lock"
    with lock.open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        with psycopg.connect(make_conninfo(admin_url(), dbname="postgres"), autocommit=True) as admin:
            if admin.execute("SELECT datistemplate FROM pg_database WHERE datname = %s", [name]).fetchone() == (True,):
                return name
            admin.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))
        _build(name)
        with psycopg.connect(make_conninfo(admin_url(), dbname="postgres"), autocommit=True) as admin:
            admin.execute(sql.SQL("ALTER DATABASE {} IS_TEMPLATE true").format(sql.Identifier(name)))
    return name


def _build(name: str) -> None:
    env = dict(os.environ)
    for variable in ("DATABASE_OWNER_URL", "DATABASE_URL", "DATABASE_AUDIT_URL"):
        env[variable] = renamed(os.environ[variable], name)
    for command in (
        ["manage.py", "bootstrap_database", "--for-tests"],
        ["manage.py", "migrate", "-v0"],
        ["-m", "tests.harness.sites"],
    ):
        subprocess.run([sys.executable, *command], check=True, cwd=ROOT, env=env, stdout=subprocess.DEVNULL)


def renamed(url: str, name: str) -> str:
    head, _, query = url.partition("?")
    return head.rpartition("/")[0] + "/" + name + (f"?{query}" if query else "")


def clone(template: str, name: str) -> None:
    """A fresh copy of the template under `name`; open connections to the old one are closed."""
    for alias in connections:
        connections[alias].close()
    with psycopg.connect(make_conninfo(admin_url(), dbname="postgres"), autocommit=True) as admin:
        admin.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))
        statement = sql.SQL("CREATE DATABASE {} TEMPLATE {} STRATEGY FILE_COPY OWNER upline_owner")
        admin.execute(statement.format(sql.Identifier(name), sql.Identifier(template)))
        for role in ("upline_owner", "upline_app", "upline_audit"):
            grant = sql.SQL("GRANT CONNECT ON DATABASE {} TO {}")
            admin.execute(grant.format(sql.Identifier(name), sql.Identifier(role)))
        admin.execute(sql.SQL("REVOKE ALL ON DATABASE {} FROM PUBLIC").format(sql.Identifier(name)))


def use(name: str) -> None:
    """Point every alias at `name`; threads of a live server follow, since they read the same dictionaries."""
    for alias in connections:
        settings.DATABASES[alias]["NAME"] = name
        connections[alias].settings_dict["NAME"] = name


def assert_app_role() -> None:
    with connections["default"].cursor() as cursor:
        cursor.execute(
            "SELECT r.rolname, r.rolsuper, r.rolbypassrls,"
            " (SELECT count(*) FROM pg_auth_members m WHERE m.member = r.oid),"
            " (SELECT count(*) FROM pg_class c WHERE c.relowner = r.oid) FROM pg_roles r WHERE rolname = current_user"
        )
        found = cursor.fetchone()
    if found != ("upline_app", False, False, 0, 0):
        raise RuntimeError(f"tests must run as the bare app role, not as {found}")


def owner_conninfo(name: str) -> str:
    """For a test that has to plant a defect: the owner, with maintenance on."""
    return make_conninfo(os.environ["DATABASE_OWNER_URL"], dbname=name, options="-c app.maintenance=on")


def admin_conninfo(name: str) -> str:
    return make_conninfo(admin_url(), dbname=name)


def worker_database() -> str:
    return (
        f"test_{conninfo_to_dict(os.environ['DATABASE_URL'])['dbname']}_{os.environ.get('PYTEST_XDIST_WORKER', 'solo')}"
    )
