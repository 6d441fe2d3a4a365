"""Pages of a list for people: newest first, newer and older, by a signed keyset cursor, so that rows never shift or repeat."""

from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from django.core import signing
from django.db.models import Model, QuerySet
from django.http import HttpRequest

SIZE = 25
Row = TypeVar("Row", bound=Model)


@dataclass(frozen=True)
class Page(Generic[Row]):
    rows: list[Row]
    newer: str = ""
    """Address of the page before, or ""."""
    older: str = ""

    @property
    def is_whole(self) -> bool:
        """Everything there is stands on this page."""
        return not (self.newer or self.older)


def paginate(
    request: HttpRequest, queryset: QuerySet[Any], *, size: int = SIZE, key: str = "id", descending: bool = True,
    param: str = "cursor", hidden: str = "", path: str = "",
) -> Page[Any]:  # fmt: skip
    """`key` is unique and what the list is ordered by. A cursor that is not ours shows the first page.

    `path` is where the list stands, if a page shows it at another address: what a form there refused.
    `hidden` is a beginning all keys share and nobody is shown: a tree path would tell how many stand above.
    """
    path = path or request.path
    backwards, position = _read(request, path, param)
    position = hidden + position if position else ""
    after = descending == backwards  # which side of the position: greater keys, or smaller
    if position:
        queryset = queryset.filter(**{f"{key}__{'gt' if after else 'lt'}": position})
    rows = list(queryset.order_by(key if after else f"-{key}")[: size + 1])
    more = len(rows) > size
    rows = rows[:size]
    if backwards:
        rows.reverse()
    if not rows:
        return Page(rows)
    newer = more if backwards else bool(position)
    older = True if backwards else more
    return Page(
        rows,
        newer=_address(request, path, param, f"<{_tail(rows[0], key, hidden)}") if newer else "",
        older=_address(request, path, param, f">{_tail(rows[-1], key, hidden)}") if older else "",
    )


def _tail(row: Model, key: str, hidden: str) -> str:
    return str(getattr(row, key)).removeprefix(hidden)


def _signer(path: str, param: str) -> signing.Signer:
    return signing.Signer(salt=f"upline.page:{path}:{param}")


def _read(request: HttpRequest, path: str, param: str) -> tuple[bool, str]:
    """(backwards, the key to start from), or (False, "")."""
    try:
        token = _signer(path, param).unsign(request.GET.get(param, ""))
    except signing.BadSignature:
        return False, ""
    return token[:1] == "<", token[1:]


def _address(request: HttpRequest, path: str, param: str, token: str) -> str:
    params = request.GET.copy()
    params[param] = _signer(path, param).sign(token)
    return f"{path}?{params.urlencode()}"
