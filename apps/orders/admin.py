"""Orders in the back office: read-only. Refunds go through the service, which tells the commissions."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest

from apps.core.money import format_money
from apps.orders.models import Customer, Order, OrderLine, Refund


class ReadOnly:
    """What services wrote, to look at."""

    show_full_result_count = False
    list_per_page = 50
    can_delete = False
    extra = 0

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class OrderLineInline(ReadOnly, admin.TabularInline):
    model = OrderLine
    fields = ("category", "sku", "name", "quantity", "total", "refunded")
    readonly_fields = fields

    @admin.display(description="amount")
    def total(self, line: OrderLine) -> str:
        return format_money(line.amount, line.order.currency)

    @admin.display(description="refunded")
    def refunded(self, line: OrderLine) -> str:
        return format_money(line.refunded_amount, line.order.currency)


class RefundInline(ReadOnly, admin.TabularInline):
    model = Refund
    fields = ("external_id", "total", "reason", "created_at")
    readonly_fields = fields

    @admin.display(description="amount")
    def total(self, refund: Refund) -> str:
        return format_money(refund.amount, refund.order.currency)


@admin.register(Order)
class OrderAdmin(ReadOnly, admin.ModelAdmin):
    list_display = ("number", "customer", "status", "total", "refunded", "paid_at", "commissioned_at")
    list_filter = ("status",)
    list_select_related = ("customer",)
    search_fields = ("external_id__exact", "customer__email__exact")
    search_help_text = "The shop's number or the whole e-mail."
    ordering = ("-id",)
    inlines = (OrderLineInline, RefundInline)
    fields = (
        "number", "customer", "status", "total", "refunded", "created_at", "paid_at", "recorded_at", "commissioned_at",
        "above",
    )  # fmt: skip
    readonly_fields = fields

    @admin.display(description="order")
    def number(self, order: Order) -> str:
        return str(order)

    @admin.display(description="amount", ordering="amount")
    def total(self, order: Order) -> str:
        return format_money(order.amount, order.currency)

    @admin.display(description="refunded")
    def refunded(self, order: Order) -> str:
        return format_money(order.refunded_amount, order.currency) if order.refunded_amount else ""

    @admin.display(description="upline when paid")
    def above(self, order: Order) -> str:
        return ", ".join(f"{step['level']}: {step['name']}" for step in order.upline) or "nobody"


@admin.register(Customer)
class CustomerAdmin(ReadOnly, admin.ModelAdmin):
    list_display = ("__str__", "external_id", "user", "partner", "attributed_at", "created_at")
    list_select_related = ("user", "partner")
    search_fields = ("email__exact", "external_id__exact")
    ordering = ("-id",)
