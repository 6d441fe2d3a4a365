"""Lists of any length: the next page begins after the last row of this one, and nobody counts."""

from typing import Any

from django.contrib.admin.views.main import ChangeList
from django.http import HttpRequest

from apps.core.ids import read_uuid

OLDER, NEWER = "before", "after"


class KeysetChangeList(ChangeList):
    """Newest first by id. `older` and `newer` are the ids that the next and the previous page begin at, None at an end."""

    older: Any = None
    newer: Any = None

    def get_filters_params(self, params: Any = None) -> Any:
        found = super().get_filters_params(params)
        for name in (OLDER, NEWER):
            found.pop(name, None)
        return found

    def get_ordering(self, request: HttpRequest, queryset: Any) -> list[Any]:
        return ["-pk"]

    def get_ordering_field_columns(self) -> dict[Any, Any]:
        return {}

    def get_results(self, request: HttpRequest) -> None:
        size, rows = self.list_per_page, self.queryset
        before, after = (read_uuid(request.GET.get(name, "")) for name in (OLDER, NEWER))
        if after is not None:
            page = list(rows.filter(pk__gt=after).order_by("pk")[: size + 1])
            more_newer, page = len(page) > size, page[:size][::-1]
            more_older = True
        else:
            page = list((rows.filter(pk__lt=before) if before else rows)[: size + 1])
            more_newer, more_older, page = before is not None, len(page) > size, page[:size]
        self.result_list = page
        self.result_count = self.full_result_count = len(page)
        self.can_show_all, self.multi_page = True, False
        self.show_full_result_count = False
        self.older = page[-1].pk if page and more_older else None
        self.newer = page[0].pk if page and more_newer else None

    def older_url(self) -> str:
        return self.get_query_string({OLDER: self.older}, remove=[NEWER]) if self.older else ""

    def newer_url(self) -> str:
        return self.get_query_string({NEWER: self.newer}, remove=[OLDER]) if self.newer else ""
