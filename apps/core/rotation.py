"""Encrypting again, under the newest key, what stands under an older one (reliability.md, rule 14).

Every column that a model names in `sealed_columns`, of every site, a few rows at a time, while the product runs: a row is
written only if it still holds what was read, so whoever saves it at the same time wins. It runs as the owner, since the app may
not change some of these columns at all, such as where tokens were sent.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from django.apps import apps
from django.db import connections, models, transaction

from apps.core import crypto

STEP = 200
"""Rows of one transaction."""


@dataclass(frozen=True)
class SealedColumn:
    model: type[models.Model]
    column: str

    @property
    def name(self) -> str:
        return f"{self.model._meta.db_table}.{self.column}"


@dataclass
class Turned:
    """What became of one column: `by_key` counts what stands under which key then, `unreadable` are those that no key opens."""

    column: SealedColumn
    turned: int = 0
    unreadable: list[str] = field(default_factory=list)
    by_key: Counter[str] = field(default_factory=Counter)


def columns() -> list[SealedColumn]:
    """Every encrypted column there is."""
    found = [
        SealedColumn(model, column) for model in apps.get_models() for column in getattr(model, "sealed_columns", ())
    ]
    return sorted(found, key=lambda one: one.name)


def rotate(*, write: bool = True, step: int = STEP, using: str = "owner") -> Iterator[Turned]:
    """Column after column; without `write` it only counts. What no key opens stays as it is, and is named."""
    for column in columns():
        yield _rotate_column(column, write=write, step=step, using=using)


def _rotate_column(column: SealedColumn, *, write: bool, step: int, using: str) -> Turned:
    done, after = Turned(column), None
    newest = crypto.key_ids()[0]
    while True:
        with transaction.atomic(using=using):
            rows = _page(column, after, step, using)
            for row in rows:
                stored = _text(getattr(row, column.column))
                key = stored.partition(":")[0]
                if write and stored and key != newest:
                    key = _turn(done, row, stored, newest, using)
                if stored:
                    done.by_key[key] += 1
        if len(rows) < step:
            return done
        after = rows[-1].pk


def _page(column: SealedColumn, after: Any, step: int, using: str) -> list[Any]:
    rows = column.model._base_manager.using(using).order_by("pk")
    return list((rows if after is None else rows.filter(pk__gt=after))[:step])


def _turn(done: Turned, row: Any, stored: str, newest: str, using: str) -> str:
    """The id of the key that it stands under now."""
    name = done.column.column
    try:
        plain = crypto.decrypt(stored, context=crypto.place(row, name))
    except crypto.Undecryptable:
        done.unreadable.append(str(row.pk))
        return stored.partition(":")[0]
    sealed: Any = crypto.sealed(row, name, plain)
    kept = getattr(row, name)
    changed = type(row)._base_manager.using(using).filter(pk=row.pk, **{name: kept})
    if not changed.update(**{name: sealed if isinstance(kept, str) else sealed.encode()}):
        return newest  # somebody saved it meanwhile, under the newest key as everything that is saved
    done.turned += 1
    return newest


def _text(stored: Any) -> str:
    return stored if isinstance(stored, str) else bytes(stored or b"").decode()


def has_owner() -> bool:
    return "owner" in connections.databases
