"""Database aliases from libpq URIs.

`default` is the app role that row level security binds, `audit` the read-only role of the cross-site views and `owner` the role
that migrates. Only processes that migrate are given the owner's URL, so the web server cannot use it by mistake.
"""

from typing import Any

from psycopg.conninfo import conninfo_to_dict

ENGINE = "apps.core.postgresql"


def database(url: str, **extra: Any) -> dict[str, Any]:
    """Django's DATABASES entry for a libpq URI, with TCP or a socket directory as host."""
    parts = {key: str(value) for key, value in conninfo_to_dict(url).items() if value is not None}
    return {
        "ENGINE": ENGINE,
        "NAME": parts.pop("dbname", ""),
        "USER": parts.pop("user", ""),
        "PASSWORD": parts.pop("password", ""),
        "HOST": parts.pop("host", ""),
        "PORT": parts.pop("port", ""),
        "ATOMIC_REQUESTS": False,
        "CONN_HEALTH_CHECKS": True,
        # PgBouncer in transaction mode keeps no cursor between transactions.
        "DISABLE_SERVER_SIDE_CURSORS": True,
        # Nothing is prepared by itself; apps.core.postgresql.prepared asks for it.
        "OPTIONS": {**parts, "prepare_threshold": 1_000_000, **extra.pop("OPTIONS", {})},
        **extra,
    }


def databases(*, app: str, owner: str = "", audit: str = "", max_age: int = 600) -> dict[str, Any]:
    """The aliases a process may use. `max_age` seconds keeps one connection per web thread."""
    aliases = {"default": database(app, CONN_MAX_AGE=max_age)}
    if audit:
        aliases["audit"] = database(audit, CONN_MAX_AGE=0)
    if owner:
        aliases["owner"] = database(owner, CONN_MAX_AGE=0, OPTIONS={"options": "-c app.maintenance=on"})
    return aliases
