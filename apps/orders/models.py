"""What people bought, and what of it was given back (X10, X14). Money is minor units of the site's currency."""

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils import timezone

from apps.catalogue.models import Product
from apps.core.errors import Conflict
from apps.core.models import SiteForeignKey, SiteModel
from apps.referrals.models import Click, Partner


class Customer(SiteModel):
    """Who buys: a member of the site, or a guest whom only the shop knows.

    `partner` is credited with a guest's purchases: set by the first attributed order, for ever. A member pays their own upline.
    """

    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+")
    external_id = models.CharField(max_length=128, null=True)
    email = models.EmailField(blank=True, default="")
    partner = SiteForeignKey(Partner, models.PROTECT, null=True, related_name="customers")
    click = SiteForeignKey(Click, models.PROTECT, null=True, related_name="+")
    attributed_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["site", "user"], name="orders_customer_user"),
            models.UniqueConstraint(fields=["site", "external_id"], name="orders_customer_external"),
            models.UniqueConstraint(fields=["site", "email"], condition=~Q(email=""), name="orders_customer_email"),
            models.CheckConstraint(
                condition=Q(user__isnull=False) | Q(external_id__isnull=False) | ~Q(email=""),
                name="orders_customer_known",
            ),
            models.CheckConstraint(
                condition=Q(partner=None, attributed_at=None) | Q(partner__isnull=False, attributed_at__isnull=False),
                name="orders_customer_attributed",
            ),
        ]
        indexes = [models.Index(fields=["site", "partner"], name="orders_customer_partner")]

    def __str__(self) -> str:
        return self.email or self.external_id or str(self.user_id)


class Order(SiteModel):
    """One purchase. `upline` is who stood above the buyer when Upline recorded the payment; it never changes.

    `recorded_at` decides which plan and upline apply; `paid_at` is what the shop says and only dates it. An order of our own
    checkout keeps the units it took until `expires_at`, or for good once it is paid.
    """

    class Source(models.TextChoices):
        EXTERNAL = "external", "Reported by the shop"
        CHECKOUT = "checkout", "Bought here"

    class Status(models.TextChoices):
        PENDING = "pending", "Waits for payment"
        PAID = "paid", "Paid"
        PARTIALLY_REFUNDED = "partially_refunded", "Partly refunded"
        REFUNDED = "refunded", "Refunded"
        FAILED = "failed", "Payment failed"
        CANCELLED = "cancelled", "Cancelled"

    # What the database allows too (migration 0003). A refused card may be tried again until the order lapses.
    TRANSITIONS: ClassVar[dict[str, tuple[str, ...]]] = {
        Status.PENDING: (Status.PAID, Status.FAILED, Status.CANCELLED),
        Status.FAILED: (Status.PAID, Status.CANCELLED),
        Status.PAID: (Status.PARTIALLY_REFUNDED, Status.REFUNDED),
        Status.PARTIALLY_REFUNDED: (Status.REFUNDED,),
    }
    PAYABLE: ClassVar[tuple[str, ...]] = (Status.PENDING, Status.FAILED)
    REFUNDABLE: ClassVar[tuple[str, ...]] = (Status.PAID, Status.PARTIALLY_REFUNDED)

    customer = SiteForeignKey(Customer, models.PROTECT, related_name="orders")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+")
    source = models.CharField(max_length=8, choices=Source, default=Source.EXTERNAL)
    external_id = models.CharField(max_length=128, null=True)
    fingerprint = models.CharField(max_length=64, blank=True, default="")
    amount = models.BigIntegerField()
    refunded_amount = models.BigIntegerField(default=0)
    currency = models.CharField(max_length=3)
    status = models.CharField(max_length=18, choices=Status, default=Status.PENDING)
    upline = models.JSONField(default=list)
    created_at = models.DateTimeField(default=timezone.now)
    expires_at = models.DateTimeField(null=True)
    paid_at = models.DateTimeField(null=True)
    recorded_at = models.DateTimeField(null=True)
    commissioned_at = models.DateTimeField(null=True)
    activated = models.BooleanField(default=False, help_text="It made its buyer an active partner.")
    disputed_at = models.DateTimeField(null=True, help_text="Since when a bank disputes its payment.")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["site", "external_id"], name="orders_external_once"),
            models.CheckConstraint(condition=Q(amount__gte=1), name="orders_amount_positive"),
            models.CheckConstraint(
                condition=Q(refunded_amount__gte=0, refunded_amount__lte=F("amount")),
                name="orders_refunded_within_amount",
            ),
            models.CheckConstraint(
                condition=Q(status__in=["pending", "failed", "cancelled"])
                | Q(paid_at__isnull=False, recorded_at__isnull=False),
                name="orders_paid_is_recorded",
            ),
        ]
        indexes = [
            models.Index(fields=["site", "customer", "id"], name="orders_order_customer"),
            models.Index(fields=["site", "status", "id"], name="orders_order_status"),
            models.Index(fields=["site", "created_at"], name="orders_order_created"),
            # What the sweep of lapsed orders looks for; few rows at any time.
            models.Index(
                fields=["site", "expires_at"],
                name="orders_order_expires",
                condition=Q(status__in=["pending", "failed"], expires_at__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return self.external_id or str(self.pk)

    @property
    def rest(self) -> int:
        """What has not been refunded."""
        return self.amount - self.refunded_amount

    def advance(self, *, to: str) -> None:
        """Raises Conflict (invalid_state) on a jump the table doesn't have."""
        if to not in self.TRANSITIONS.get(self.status, ()):
            raise Conflict("invalid_state", f"An order can't go from {self.status} to {to}.")
        self.status = to


class OrderLine(SiteModel):
    """`amount` is the line's total, not a unit's price, and so are `tokens`. Lines of an order are in the order of their ids.

    What a shop reported has no product of ours. `reserved` is the units it took from stock. A line with a `period` makes its
    buyer a service, or renews the one in `renews`; `cycle` counts the payments for that service, this one included, from 1.
    """

    order = SiteForeignKey(Order, models.PROTECT, related_name="lines")
    product = SiteForeignKey(Product, models.PROTECT, null=True, related_name="+")
    category = models.CharField(max_length=64)
    sku = models.CharField(max_length=64, blank=True, default="")
    name = models.CharField(max_length=200, blank=True, default="")
    quantity = models.PositiveIntegerField(default=1)
    tokens = models.DecimalField(max_digits=38, decimal_places=18, null=True)
    amount = models.BigIntegerField()
    refunded_amount = models.BigIntegerField(default=0)
    reserved = models.PositiveIntegerField(default=0)
    period = models.CharField(max_length=5, choices=Product.Period, blank=True, default=Product.Period.ONCE)
    renews = SiteForeignKey("Service", models.PROTECT, null=True, related_name="renewals")
    cycle = models.PositiveIntegerField(default=1)

    class Meta:
        ordering = ["id"]
        constraints = [
            models.CheckConstraint(condition=Q(amount__gte=1), name="orders_line_amount_positive"),
            models.CheckConstraint(condition=Q(quantity__gte=1), name="orders_line_quantity_positive"),
            models.CheckConstraint(
                condition=Q(refunded_amount__gte=0, refunded_amount__lte=F("amount")),
                name="orders_line_refunded_within",
            ),
        ]
        indexes = [models.Index(fields=["site", "order"], name="orders_line_order")]

    def __str__(self) -> str:
        return f"{self.quantity} × {self.name or self.sku or self.category}"

    @property
    def rest(self) -> int:
        return self.amount - self.refunded_amount


class Invoice(SiteModel):
    """The paper of a paid order that was bought here. Numbers of a site have no gap, and a row never changes: who sold and who
    bought stand in it as they were then. What goes back later is shown with it, from the order's refunds.
    """

    order = SiteForeignKey(Order, models.PROTECT, related_name="invoices")
    number = models.PositiveIntegerField()
    seller = models.CharField(max_length=80)
    seller_details = models.TextField(blank=True, default="")
    buyer_name = models.CharField(max_length=200, blank=True, default="")
    buyer_email = models.CharField(max_length=254, blank=True, default="")
    issued_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["site", "order"], name="orders_invoice_once"),
            models.UniqueConstraint(fields=["site", "number"], name="orders_invoice_number_once"),
            models.CheckConstraint(condition=Q(number__gte=1), name="orders_invoice_number_positive"),
        ]

    def __str__(self) -> str:
        return self.shown(self.number)

    @staticmethod
    def shown(number: int) -> str:
        return f"INV-{number:06d}"


class Service(SiteModel):
    """What a buyer owns for a time: a server, a plan (H10). A payment makes it, further ones renew it.

    `ends_at` is what has been paid for. Cancelled it is not renewed any more; the refund in full of what made it cancels it too.
    """

    class Status(models.TextChoices):
        ACTIVE = "active", "Active"
        CANCELLED = "cancelled", "Cancelled"
        EXPIRED = "expired", "Expired"

    # What the database allows too (migration 0003). A late renewal revives what has expired.
    TRANSITIONS: ClassVar[dict[str, tuple[str, ...]]] = {
        Status.ACTIVE: (Status.CANCELLED, Status.EXPIRED),
        Status.EXPIRED: (Status.ACTIVE, Status.CANCELLED),
    }

    line = SiteForeignKey(OrderLine, models.PROTECT, related_name="services")
    customer = SiteForeignKey(Customer, models.PROTECT, related_name="services")
    product = SiteForeignKey(Product, models.PROTECT, null=True, related_name="+")
    category = models.CharField(max_length=64)
    sku = models.CharField(max_length=64, blank=True, default="")
    name = models.CharField(max_length=200, blank=True, default="")
    quantity = models.PositiveIntegerField(default=1)
    period = models.CharField(max_length=5, choices=Product.Period)
    status = models.CharField(max_length=9, choices=Status, default=Status.ACTIVE)
    cycles = models.PositiveIntegerField(default=1, help_text="How often it has been paid for.")
    started_at = models.DateTimeField(default=timezone.now)
    ends_at = models.DateTimeField()
    cancelled_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["site", "line"], name="orders_service_once"),
            models.CheckConstraint(condition=Q(period__in=["month", "year"]), name="orders_service_period"),
            models.CheckConstraint(
                condition=Q(status="cancelled", cancelled_at__isnull=False) | ~Q(status="cancelled"),
                name="orders_service_cancelled_when",
            ),
        ]
        indexes = [
            models.Index(fields=["site", "customer", "id"], name="orders_service_customer"),
            models.Index(fields=["site", "status", "ends_at"], name="orders_service_ends"),
        ]

    def __str__(self) -> str:
        return self.name or self.sku or self.category

    def advance(self, *, to: str) -> None:
        """Raises Conflict (invalid_state) on a jump the table doesn't have."""
        if to not in self.TRANSITIONS.get(self.status, ()):
            raise Conflict("invalid_state", f"A service that is {self.status} can't become {to}.")
        self.status = to


class Refund(SiteModel):
    """Money given back for an order, once per id of the shop's."""

    order = SiteForeignKey(Order, models.PROTECT, related_name="refunds")
    external_id = models.CharField(max_length=128)
    fingerprint = models.CharField(max_length=64)
    amount = models.BigIntegerField()
    reason = models.CharField(max_length=500, blank=True, default="")
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["site", "order", "external_id"], name="orders_refund_once"),
            models.CheckConstraint(condition=Q(amount__gte=1), name="orders_refund_positive"),
        ]

    def __str__(self) -> str:
        return self.external_id


class RefundLine(SiteModel):
    """What of a refund falls on which line."""

    refund = SiteForeignKey(Refund, models.PROTECT, related_name="lines")
    line = SiteForeignKey(OrderLine, models.PROTECT, related_name="refunds")
    amount = models.BigIntegerField()

    class Meta:
        ordering = ["line_id"]
        constraints = [
            models.UniqueConstraint(fields=["site", "refund", "line"], name="orders_refund_line_once"),
            models.CheckConstraint(condition=Q(amount__gte=1), name="orders_refund_line_positive"),
        ]

    def __str__(self) -> str:
        return f"{self.line_id}: {self.amount}"
