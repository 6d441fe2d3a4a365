"""A screen in the mode that reads all sites (P3): every site's rows with a column that says whose, and nothing to press."""

from typing import Any, ClassVar

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from apps.core.postgresql.across import hidden_tables
from apps.core.tenancy import known_sites, read_alias, reading_across, site_of

SITE_COLUMN = "site_shown"


class SiteFilter(admin.SimpleListFilter):
    """By site. A range of the index that every site table has."""

    title = "site"
    parameter_name = "at"

    def lookups(self, request: Any, model_admin: Any) -> list[tuple[str, str]]:
        return [(site.code, f"{site.code} · {site.name}") for site in known_sites()]

    def queryset(self, request: Any, queryset: QuerySet[Any]) -> QuerySet[Any]:
        if not self.value():
            return queryset
        return queryset.filter(site_id__in=[site.id for site in known_sites() if site.code == self.value()])


class ReadAcrossSites:
    """For UplineModelAdmin. `across` says of a table without a site that it makes sense there, or of one with a site that its
    page doesn't; `across_hides` names columns and fields that the audit role may not read."""

    across: ClassVar[bool | None] = None
    across_hides: ClassVar[tuple[str, ...]] = ()
    model: Any

    def is_offered(self) -> bool:
        """At one site every screen is. Across sites, those of tables with a site that the audit role reads."""
        if not reading_across():
            return True
        if not (self._has_site() if self.across is None else self.across):
            return False
        return self.model._meta.db_table not in hidden_tables(read_alias())

    def _has_site(self) -> bool:
        return any(field.name == "site" for field in self.model._meta.local_fields)

    def _names_sites(self) -> bool:
        """Do rows of several sites stand here, so that each says whose it is?"""
        return reading_across() and self._has_site()

    @admin.display(description="site")
    def site_shown(self, row: Any) -> str:
        return site_of(row.site_id).code

    def fields_across(self, names: list[Any]) -> list[Any]:
        """The fields of a row's page."""
        if not self._names_sites():
            return names
        return [SITE_COLUMN, *(name for name in names if name not in self.across_hides)]

    def get_actions(self, request: HttpRequest) -> dict[str, Any]:
        return {} if reading_across() else super().get_actions(request)  # type: ignore[misc]

    def get_list_display(self, request: HttpRequest) -> Any:
        columns = super().get_list_display(request)  # type: ignore[misc]
        if not self._names_sites():
            return columns
        first, *rest = (name for name in columns if name not in self.across_hides)
        return (first, SITE_COLUMN, *rest)

    def get_list_filter(self, request: HttpRequest) -> Any:
        filters = super().get_list_filter(request)  # type: ignore[misc]
        if not self._names_sites():
            return filters
        return (SiteFilter, *filters)

    def get_list_select_related(self, request: HttpRequest) -> Any:
        related = super().get_list_select_related(request)  # type: ignore[misc]
        if reading_across() and not isinstance(related, bool):
            related = tuple(name for name in related if name.split("__")[0] not in self.across_hides)
        return related
