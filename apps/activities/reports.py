"""What a member can have a report of: rows of their own. An upper app registers its own kinds in AppConfig.ready."""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.utils import timezone
from django.utils.module_loading import import_string

from apps.accounts.models import User
from apps.activities import errors
from apps.core import exports
from apps.core.api.filters import day_after, midnight
from apps.core.exports.cells import Value
from apps.sites.selectors import current_site

FORMATS = ("pdf", "xlsx")


@dataclass(frozen=True)
class OwnReport:
    """One kind for one person: `rows` in the order of `ordering`, whose key is unique; `cells` makes columns of a row; `when` is
    the column that a range of days is about."""

    title: str
    columns: Sequence[str]
    rows: Any
    cells: Callable[[Any], Sequence[Value]]
    ordering: str = "-id"
    when: str = "created_at"


_kinds: dict[str, str] = {}


def register(kind: str, path: str) -> None:
    """`path` names a function of a user that returns an OwnReport."""
    _kinds[kind] = path


def kinds() -> list[str]:
    return sorted(_kinds)


def report_of(kind: str, user: User) -> OwnReport:
    """Raises Invalid (params.report)."""
    path = _kinds.get(kind)
    if path is None:
        raise errors.unknown_report(", ".join(kinds()))
    found: OwnReport = import_string(path)(user)
    return found


def sheet_of(
    kind: str, user: User, *, first: date | None, last: date | None, context: Callable[[], AbstractContextManager[Any]]
) -> exports.Sheet:
    """The report as a table, read inside `context`. Called inside the site's. Raises Invalid."""
    report = report_of(kind, user)
    rows = report.rows
    if first is not None:
        rows = rows.filter(**{f"{report.when}__gte": midnight(first)})
    if last is not None:
        rows = rows.filter(**{f"{report.when}__lt": day_after(last)})

    def read(after: Any, size: int) -> tuple[Sequence[Sequence[Any]], Any]:
        page, end = exports.keyset_page(rows, ordering=report.ordering, after=after, size=size)
        return [report.cells(row) for row in page], end

    filters = {name: day.isoformat() for name, day in (("date_from", first), ("date_to", last)) if day is not None}
    return exports.Sheet(
        name=kind, title=report.title, site=current_site().code, columns=report.columns, read=read,
        count=lambda limit: rows[:limit].count(), context=context, filters=filters,
        who=f"{user.email}, {timezone.now():%Y-%m-%d %H:%M} UTC",
    )  # fmt: skip
