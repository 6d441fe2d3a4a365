"""Pages of a tree, in the order of its paths."""

from typing import Any

from apps.core.api.pagination import SignedCursorPagination


class TreePagination(SignedCursorPagination):
    """Depth-first. The cursor holds the place below the viewer only: a whole path would tell them how many stand above."""

    ordering = "path"
    top = ""

    def paginate_queryset(self, queryset: Any, request: Any, view: Any = None) -> Any:
        self.top = view.top.path
        return super().paginate_queryset(queryset, request, view)

    def decode_cursor(self, request: Any) -> Any:
        cursor = super().decode_cursor(request)
        if cursor is None or cursor.position is None:
            return cursor
        return cursor._replace(position=self.top + cursor.position)

    def encode_cursor(self, cursor: Any) -> str:
        if cursor.position is not None:
            cursor = cursor._replace(position=cursor.position.removeprefix(self.top))
        return super().encode_cursor(cursor)
