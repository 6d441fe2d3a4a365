"""Orders in the back office: to look at, and to refund. The service tells the commissions."""

from typing import Any
from uuid import UUID

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import path, reverse
from django.utils.html import format_html

from apps.core.backoffice import Outcome, ReasonForm, UplineModelAdmin, attempt, badge, decision, money, named
from apps.core.ids import uuid7
from apps.core.money import format_money
from apps.core.tenancy import reading_across
from apps.orders import services
from apps.orders.invoice_pdf import invoice_file
from apps.orders.models import Customer, Invoice, Order, OrderLine, Refund, Service
from apps.payments import services as payments

# What the design kit calls the states of an order.
_TONE = {
    "pending": "pending", "paid": "paid", "partially_refunded": "processing", "refunded": "reversed", "failed": "rejected",
    "cancelled": "rejected",
}  # fmt: skip


class _Facts(admin.TabularInline):
    """Rows that belong to an order, and are never edited."""

    extra = 0
    can_delete = False

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return True  # whoever sees the order

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class OrderLineInline(_Facts):
    model = OrderLine
    verbose_name_plural = "lines"
    fields = ("category", "sku", "name", "quantity", "total", "refunded", "period")
    readonly_fields = ("total", "refunded")

    @admin.display(description="amount")
    def total(self, line: OrderLine) -> str:
        return format_money(line.amount, line.order.currency)

    @admin.display(description="refunded")
    def refunded(self, line: OrderLine) -> str:
        return format_money(line.refunded_amount, line.order.currency)


class RefundInline(_Facts):
    model = Refund
    fields = ("external_id", "total", "reason", "created_at")
    readonly_fields = ("total",)

    @admin.display(description="amount")
    def total(self, refund: Refund) -> str:
        return format_money(refund.amount, refund.order.currency)


@admin.register(Order)
class OrderAdmin(UplineModelAdmin):
    view_keys = ("order.read", "order.update")
    list_display = ("number", "buyer", "state", "amount_shown", "refunded_shown", "paid_at", "commissioned_at")
    list_filter = ("status", "source")
    list_select_related = ("customer", "user")
    search_prefixes = ("external_id", "customer__email")
    search_help_text = "The beginning of the shop's number or an e-mail"
    action_form = ReasonForm
    intro = "What was bought here and what shops have reported, newest first."
    empty_text = "Somebody buys here, or a shop reports the first one over the API, with one of the site's keys."
    actions = ("refund_rest",)
    scope_by = "customer__user_id"
    inlines = (OrderLineInline, RefundInline)
    fields = (
        "number", "buyer", "customer", "source", "state", "amount_shown", "refunded_shown", "sent_back", "created_at",
        "expires_at", "paid_at", "recorded_at", "commissioned_at", "disputed_at", "activated", "above",
    )  # fmt: skip
    readonly_fields = ("number", "buyer", "state", "amount_shown", "refunded_shown", "sent_back", "above")
    amount_shown = money("amount")
    refunded_shown = money("refunded_amount", label="refunded")

    @admin.display(description="order")
    def number(self, order: Order) -> str:
        return str(order)

    @admin.display(description="buyer", ordering="customer__email")
    def buyer(self, order: Order) -> str:
        return _person(order.customer, order.user)

    @admin.display(description="status", ordering="status")
    def state(self, order: Order) -> str:
        return badge(_TONE[order.status], order.get_status_display())

    @admin.display(description="upline when paid")
    def above(self, order: Order) -> str:
        return ", ".join(f"{step['level']}: {step['name']}" for step in order.upline) or "nobody"

    @admin.display(description="sent back by the bank")
    def sent_back(self, order: Order) -> str:
        """Of what was refunded, what the buyer is still owed."""
        bought_here = order.source == Order.Source.CHECKOUT
        owed = payments.owed(services.open_payment_of(order)) if bought_here else 0
        if not owed:
            return "nothing"
        url = f"{reverse('admin:payments_paymentrefund_changelist')}?owed__exact=1"
        shown = format_money(owed, order.currency)
        return format_html('{}, still owed to the buyer: <a href="{}">send it again</a>', shown, url)

    def note_of(self, obj: Order) -> str:
        return f"{format_money(obj.amount, obj.currency)} by {obj.user or obj.customer}"

    def has_refund_permission(self, request: HttpRequest) -> bool:
        return self.may(request, "order.update")

    @decision(
        "Refund all that is left", needs="refund", done="order{s} refunded", keys=("order.update",), reason=True,
        moves_money=True,
    )  # fmt: skip
    def refund_rest(self, request: HttpRequest, rows: QuerySet[Order], reason: str) -> Outcome:
        actor: Any = request.user

        def act(order: Order) -> None:
            at_stripe = order.source == Order.Source.CHECKOUT
            refund: Any = services.ask_refund if at_stripe else services.refund_order
            refund(order=order, external_id=f"office-{uuid7()}", reason=reason, actor=actor)

        return attempt(rows, act)

    def offers(self, action: str, obj: Order) -> bool:
        return obj.status in Order.REFUNDABLE


def _person(customer: Customer, user: Any) -> str:
    """A member by name, a guest by what the shop knows them as."""
    return named(user, user.email) if user is not None else str(customer)


@admin.register(Invoice)
class InvoiceAdmin(UplineModelAdmin):
    view_keys = ("order.read", "invoice.manage")
    intro = "One for each paid order that was bought here, numbered without a gap. What goes back later is shown on it."
    empty_text = "The first order that is paid here brings one."
    list_display = ("number_shown", "issued_at", "buyer", "order", "amount", "paper")
    list_select_related = ("order__customer", "order__user")
    search_prefixes = ("buyer_email", "order__customer__email")
    search_help_text = "The beginning of an e-mail"
    readonly_fields = ("number_shown", "amount", "paper")
    exclude = ("number",)

    @admin.display(description="invoice", ordering="number")
    def number_shown(self, row: Invoice) -> str:
        return str(row)

    @admin.display(description="buyer", ordering="buyer_email")
    def buyer(self, row: Invoice) -> str:
        return named(row.buyer_name, row.buyer_email) if row.buyer_name else row.buyer_email

    @admin.display(description="amount")
    def amount(self, row: Invoice) -> str:
        return format_money(row.order.amount, row.order.currency)

    @admin.display(description="PDF")
    def paper(self, row: Invoice) -> str:
        if reading_across():
            return ""  # its days are those of one site
        return format_html('<a href="{}">Download</a>', reverse("admin:orders_invoice_pdf", args=[row.pk]))

    def get_urls(self) -> list[Any]:
        view = self.admin_site.admin_view(self.download)
        return [path("<uuid:pk>/pdf/", view, name="orders_invoice_pdf"), *super().get_urls()]

    def download(self, request: HttpRequest, pk: UUID) -> HttpResponse:
        if not self.has_view_permission(request) or reading_across():
            raise PermissionDenied
        return invoice_file(get_object_or_404(self.get_queryset(request).select_related("order"), pk=pk))


@admin.register(Customer)
class CustomerAdmin(UplineModelAdmin):
    view_keys = ("order.read",)
    intro = "Who buys: members, and guests whom only the shop knows."
    search_help_text = "The beginning of an e-mail or the shop's id"
    list_display = ("who", "external_id", "partner", "attributed_at", "created_at")
    list_select_related = ("user", "partner")
    search_prefixes = ("email", "external_id")

    def title_of(self, obj: Customer) -> str:
        return str(obj.user or obj)

    def note_of(self, obj: Customer) -> str:
        return obj.email or obj.external_id or str(obj.pk)

    @admin.display(description="customer", ordering="email")
    def who(self, customer: Customer) -> str:
        return _person(customer, customer.user)


_SERVICE_TONE = {"active": "active", "cancelled": "rejected", "expired": "pending"}


@admin.register(Service)
class ServiceAdmin(UplineModelAdmin):
    view_keys = ("order.read", "server.read", "order.update", "server.update")
    intro = "What buyers own for a time: made by a payment, renewed by further ones."
    empty_text = "The first paid order of a product with a period makes one."
    list_display = ("title", "owner", "category", "period", "state", "started_at", "ends_at", "cycles")
    list_filter = ("status", "period")
    list_select_related = ("customer", "customer__user")
    search_prefixes = ("sku", "category", "customer__email")
    search_help_text = "The beginning of a sku, category or e-mail"
    scope_by = "customer__user_id"
    action_form = ReasonForm
    actions = ("cancel",)

    @admin.display(description="service")
    def title(self, service: Service) -> str:
        return str(service)

    @admin.display(description="owner")
    def owner(self, service: Service) -> str:
        return _person(service.customer, service.customer.user)

    @admin.display(description="status", ordering="status")
    def state(self, service: Service) -> str:
        return badge(_SERVICE_TONE[service.status], service.get_status_display())

    def has_cancel_permission(self, request: HttpRequest) -> bool:
        return self.may(request, "order.update", "server.update")

    @decision(
        "Cancel", needs="cancel", done="service{s} cancelled", keys=("order.update", "server.update"), reason=True
    )  # fmt: skip
    def cancel(self, request: HttpRequest, rows: QuerySet[Service], reason: str) -> Outcome:
        actor: Any = request.user
        return attempt(rows, lambda service: services.cancel_service(service=service, actor=actor, reason=reason))

    def offers(self, action: str, obj: Service) -> bool:
        return obj.status != Service.Status.CANCELLED
