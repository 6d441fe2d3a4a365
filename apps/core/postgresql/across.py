"""How the audit role's queries are written: a column it may not read comes back as NULL.

`select_related("user")` asks for every column of a user, its password too, and PostgreSQL would refuse the whole query. What is
hidden is what the grants say, read from the catalogue once per process, so a new secret needs no word here.
"""

from functools import cache
from typing import Any

from django.db import connections
from django.db.backends.postgresql import compiler
from django.db.backends.postgresql.compiler import (
    SQLAggregateCompiler,
    SQLDeleteCompiler,
    SQLInsertCompiler,
    SQLUpdateCompiler,
)
from django.db.models.expressions import Col

__all__ = ["SQLAggregateCompiler", "SQLCompiler", "SQLDeleteCompiler", "SQLInsertCompiler", "SQLUpdateCompiler"]

_HIDDEN = """
SELECT c.relname, a.attname FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p') AND a.attnum > 0 AND NOT a.attisdropped
  AND has_any_column_privilege(c.oid, 'SELECT') AND NOT has_column_privilege(c.oid, a.attnum, 'SELECT')
"""


class SQLCompiler(compiler.SQLCompiler):
    def get_select(self, with_col_aliases: bool = False) -> Any:
        selected, klass_info, annotations = super().get_select(with_col_aliases)
        hidden = hidden_columns(self.using or self.connection.alias)  # a subquery names no alias of its own
        shown = [(item, ("NULL", ()) if _named(item) in hidden else sql, alias) for item, sql, alias in selected]
        return shown, klass_info, annotations


def _named(item: Any) -> tuple[str, str | None] | None:
    return (item.target.model._meta.db_table, item.target.column) if isinstance(item, Col) else None


@cache
def hidden_columns(alias: str) -> frozenset[tuple[str, str | None]]:
    """(table, column) that this alias' role may not read, in tables of which it reads the rest."""
    with connections[alias].cursor() as cursor:
        cursor.execute(_HIDDEN)
        return frozenset(cursor.fetchall())


@cache
def hidden_tables(alias: str) -> frozenset[str]:
    """Tables of which this alias' role may read nothing."""
    with connections[alias].cursor() as cursor:
        cursor.execute(
            "SELECT c.relname FROM pg_class c WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p')"
            " AND NOT has_any_column_privilege(c.oid, 'SELECT')"
        )
        return frozenset(row[0] for row in cursor.fetchall())
