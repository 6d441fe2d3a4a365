"""What was noticed, and by which traces. Evidence is masked in the words; of the rest only prints are kept."""

from typing import Any
from uuid import UUID

from django.contrib import admin
from django.db.models import QuerySet

from apps.core.backoffice import DayRangeFilter, UplineModelAdmin, badge, named
from apps.core.backoffice.filters import TypedFilter
from apps.fraud.admin.freezes import READ
from apps.fraud.models import Signal, Trace


class OfPartnerFilter(TypedFilter):
    """By the id of a partner."""

    title = "partner"
    inputs = (("of_partner", "text", "A partner's id"),)

    def queryset(self, request: Any, queryset: QuerySet[Any]) -> QuerySet[Any]:
        value = self.value("of_partner")
        if not value:
            return queryset
        try:
            return queryset.filter(partner_id=UUID(value))
        except ValueError:
            return queryset.none()


@admin.register(Signal)
class SignalAdmin(UplineModelAdmin):
    plural = "Fraud signals"
    view_keys = READ
    intro = "What was noticed about whom. The same noticed again is one signal, and weighs no more."
    empty_text = "Nothing was noticed."
    list_display = ("words", "who", "points", "kind", "count", "counting", "last_seen")
    list_filter = ("kind", OfPartnerFilter, DayRangeFilter)
    list_select_related = ("partner__user",)
    search_prefixes = ("partner__code", "partner__user__email")
    search_help_text = "The beginning of a code or e-mail"
    fields = (
        "words",
        "who",
        "other",
        "kind",
        "points",
        "count",
        "counting",
        "review",
        "first_seen",
        "last_seen",
        "expired_at",
    )
    readonly_fields = ("who", "counting")

    @admin.display(description="partner")
    def who(self, row: Signal) -> str:
        return named(row.partner.user, row.partner.code)

    @admin.display(description="counts")
    def counting(self, row: Signal) -> str:
        if row.counts:
            return badge("pending", "Counts")
        return badge("inactive", "Forgotten" if row.expired_at else "Decided")

    def note_of(self, obj: Signal) -> str:
        return f"{obj.partner.user}, {obj.words}"

    def related_history(self, obj: Signal) -> list[tuple[str, Any]]:
        return [("fraud.review", obj.review_id)] if obj.review_id else []


@admin.register(Trace)
class TraceAdmin(UplineModelAdmin):
    plural = "Traces"
    view_keys = READ
    intro = "With what partners were seen, as prints: the same print is the same thing, and which it is nobody can tell from it."
    empty_text = "The first signup leaves one."
    list_display = ("kind", "print", "who", "first_seen", "last_seen")
    list_filter = ("kind", OfPartnerFilter)
    list_select_related = ("partner__user",)
    search_prefixes = ("key", "partner__code")
    search_help_text = "The beginning of a print or a code"
    exclude = ("key",)
    readonly_fields = ("print",)

    @admin.display(description="print")
    def print(self, row: Trace) -> str:
        return row.key[:12]

    @admin.display(description="partner")
    def who(self, row: Trace) -> str:
        return named(row.partner.user, row.partner.code)
