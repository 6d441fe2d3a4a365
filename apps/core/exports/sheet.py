"""What is exported: columns, and rows read page by page."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any

from apps.core.exports.cells import Value, cell

FIRST_PAGE, PAGE = 200, 2000
"""Rows read at once. The first page is small: it is what the reader waits for."""
MOST_PDF_ROWS = 10_000

Row = Sequence[Value]


@dataclass(frozen=True)
class Sheet:
    """A list as a table. `read(after, size)` gives rows and, unless they were the last, where they ended; it is called inside
    `context()`. `count(limit)` counts no further than `limit`."""

    name: str  # in the file's name and in the audit: commissions
    title: str
    site: str
    columns: Sequence[str]
    read: Callable[[Any, int], tuple[Sequence[Sequence[Any]], Any]]
    count: Callable[[int], int]
    context: Callable[[], AbstractContextManager[Any]]
    filters: dict[str, str]
    who: str

    def pages(self) -> Iterator[list[list[Value]]]:
        """Each read in a context of its own, which has ended when the reader gets it."""
        after, size = None, FIRST_PAGE
        while True:
            with self.context():
                rows, after = self.read(after, size)
                page = [[cell(value) for value in row] for row in rows]
            yield page
            if after is None:
                return
            size = PAGE


def keyset_page(rows: Any, *, ordering: str, after: Any, size: int) -> tuple[list[Any], Any]:
    """The next `size` rows of a queryset after the key `after`, and their last key, None at the end."""
    field, comparison = ordering.lstrip("-"), "lt" if ordering.startswith("-") else "gt"
    rows = rows.order_by(ordering)
    if after is not None:
        rows = rows.filter(**{f"{field}__{comparison}": after})
    page = list(rows[:size])
    return page, getattr(page[-1], field) if len(page) == size else None
