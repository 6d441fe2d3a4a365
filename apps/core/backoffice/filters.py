"""Filters that a list of any size can afford: what is typed is compared with an indexed column; no list of choices is read."""

from datetime import date, datetime, time, timedelta
from typing import Any, ClassVar

from django.contrib import admin
from django.core.exceptions import FieldDoesNotExist
from django.db.models import Model, Q, QuerySet
from django.utils import timezone

from apps.core.ids import uuid7_at

LOOKUPS = frozenset({"exact", "gte", "lt", "isnull", "isempty"})
"""What Django's filters put behind the name of a field."""


def is_asked_by(filters: Any, lookup: str) -> bool:
    """Is this parameter one of a list's filters? Django lets every column of the table be asked for by whatever comparison, so
    `password__startswith` would tell a hash letter by letter."""
    name, _, comparison = lookup.rpartition("__")
    for each in filters:
        if isinstance(each, type):
            typed = [name for name, _, _ in getattr(each, "inputs", ())]
            if lookup in (*typed, getattr(each, "parameter_name", None)):
                return True
            continue
        column = each[0] if isinstance(each, tuple) else each
        if lookup == column or (comparison in LOOKUPS and name in (column, f"{column}__id")):
            return True
    return False


def is_column(model: type[Model], name: str) -> bool:
    try:
        model._meta.get_field(name)
    except FieldDoesNotExist:
        return name == "pk"
    return True


class TypedFilter(admin.ListFilter):
    """A filter with fields to fill in. `inputs` are (parameter, type of input, label)."""

    template = "admin/filter_typed.html"
    inputs: ClassVar[tuple[tuple[str, str, str], ...]] = ()

    def __init__(self, request: Any, params: dict[str, Any], model: Any, model_admin: Any) -> None:
        super().__init__(request, params, model, model_admin)
        for name, _, _ in self.inputs:
            if name in params:
                self.used_parameters[name] = str(params.pop(name)[-1]).strip()

    def has_output(self) -> bool:
        return True

    def expected_parameters(self) -> list[str | None]:
        return [name for name, _, _ in self.inputs]

    def value(self, name: str) -> str:
        found = str(self.used_parameters.get(name, ""))
        return "" if "\x00" in found else found

    def choices(self, changelist: Any) -> Any:
        """One row for the template: the inputs with what they hold, the other parameters, and the way back."""
        mine = [name for name, _, _ in self.inputs]
        others = [(k, v) for k, vs in changelist.filter_params.items() if k not in mine for v in _all(vs)]
        fields = [
            {"name": name, "type": kind, "label": label, "value": self.value(name)} for name, kind, label in self.inputs
        ]
        yield {
            "fields": fields, "others": others, "chosen": " – ".join(f["value"] for f in fields if f["value"]),
            "clear": changelist.get_query_string(remove=mine),
        }  # fmt: skip


def _all(values: Any) -> list[Any]:
    return values if isinstance(values, list) else [values]


class ExactFilter(TypedFilter):
    """One column, equal to what was typed: `ExactFilter.of("ip", title="address")`."""

    column: ClassVar[str] = ""
    lower: ClassVar[bool] = False

    @classmethod
    def of(cls, column: str, *, title: str, label: str = "", lower: bool = False) -> type["ExactFilter"]:
        inputs = ((column, "text", label or title.capitalize()),)
        values = {"title": title, "column": column, "inputs": inputs, "lower": lower}
        return type(f"{column.title()}Filter", (cls,), values)

    def queryset(self, request: Any, queryset: QuerySet[Any]) -> QuerySet[Any]:
        value = self.value(self.column)
        return queryset.filter(**{self.column: value.lower() if self.lower else value}) if value else queryset


class OnlyFilter(admin.SimpleListFilter):
    """One choice: the rows of which something holds. `OnlyFilter.of("differs", title="difference", holds=~Q(difference=""))`."""

    word: ClassVar[str] = ""
    holds: ClassVar[Q] = Q()

    @classmethod
    def of(cls, parameter: str, *, title: str, holds: Q, word: str = "Only those") -> type["OnlyFilter"]:
        values = {"title": title, "parameter_name": parameter, "word": word, "holds": holds}
        return type(f"{parameter.title()}Filter", (cls,), values)

    def lookups(self, request: Any, model_admin: Any) -> list[tuple[str, str]]:
        return [("yes", self.word)]

    def queryset(self, request: Any, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset.filter(self.holds) if self.value() == "yes" else queryset


class DayRangeFilter(TypedFilter):
    """Days of the site's calendar, both ends included, as a range of ids: a UUIDv7 begins with its time, so every index that
    ends in the id serves it."""

    title = "days"
    inputs = (("day_from", "date", "From"), ("day_to", "date", "To"))

    def queryset(self, request: Any, queryset: QuerySet[Any]) -> QuerySet[Any]:
        first, last = _day(self.value("day_from")), _day(self.value("day_to"))
        zone = timezone.get_current_timezone()
        if first is not None:
            queryset = queryset.filter(pk__gte=uuid7_at(datetime.combine(first, time.min, tzinfo=zone)))
        if last is not None:
            queryset = queryset.filter(
                pk__lt=uuid7_at(datetime.combine(last, time.min, tzinfo=zone) + timedelta(days=1))
            )
        return queryset


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None
