"""What came in, went back and is disputed, to read; and the site's account at Stripe, whose secrets go in and never come out."""

from typing import Any, ClassVar

from django import forms
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from apps.core.backoffice import Outcome, SetByForm, UplineModelAdmin, attempt, badge, decision, money
from apps.core.money import format_money
from apps.payments.models import Dispute, Payment, PaymentRefund, StripeAccount
from apps.payments.services import retry_refund, set_stripe_account

READ = ("order.read", "billing.read")
_REFUND_TONE = {"requested": "processing", "succeeded": "paid", "failed": "rejected"}


@admin.register(Payment)
class PaymentAdmin(UplineModelAdmin):
    intro = "What people were asked to pay through Stripe, and what became of it."
    search_help_text = "The beginning of Stripe's id or of an e-mail"
    view_keys = READ
    list_display = (
        "named",
        "amount_shown",
        "status",
        "refunded_shown",
        "purpose",
        "user",
        "created_at",
        "succeeded_at",
    )
    list_filter = ("status", "purpose")
    list_select_related = ("user",)
    search_prefixes = ("provider_id", "charge_id", "user__email")
    money_fields = ("amount", "refunded_amount", "charge_refunded")
    amount_shown, refunded_shown = money("amount"), money("refunded_amount", label="given back")
    empty_text = "The first order that is bought here brings one."

    def title_of(self, obj: Payment) -> str:
        return f"{format_money(obj.amount, obj.currency)}, {obj.description or obj.purpose}"

    @admin.display(description="payment")
    def named(self, payment: Payment) -> str:
        return str(payment)


class OfPayment(UplineModelAdmin):
    view_keys: ClassVar[tuple[str, ...]] = READ
    list_filter: ClassVar[tuple[str, ...]] = ("status",)
    list_select_related = ("payment",)
    search_prefixes = ("provider_id",)
    search_help_text = "The beginning of Stripe's id"
    money_fields = ("amount",)
    amount_shown = money("amount")

    def currency_of(self, row: Any) -> str:
        return str(row.payment.currency)


@admin.register(PaymentRefund)
class PaymentRefundAdmin(OfPayment):
    intro = "What goes back through Stripe. One that is still being made is asked for again by itself."
    list_display = (
        "created_at", "payment", "amount_shown", "state", "failure", "external_id", "reason", "settled_at",
    )  # fmt: skip
    view_keys = (*READ, "order.update")
    list_filter = ("status", "owed")
    empty_text = "Refunds made here or at Stripe appear by themselves."
    actions = ("send_again",)

    @admin.display(description="status", ordering="status")
    def state(self, refund: PaymentRefund) -> str:
        """One that the bank sent back and that is owed is not over."""
        if refund.owed:
            return badge("pending", "Sent back by the bank")
        return badge(_REFUND_TONE[refund.status], refund.get_status_display())

    def note_of(self, obj: PaymentRefund) -> str:
        return format_money(obj.amount, obj.payment.currency)

    def has_send_again_permission(self, request: HttpRequest) -> bool:
        return self.may(request, "order.update")

    @decision("Send the refund again", needs="send_again", done="refund{s} on the way again", moves_money=True)
    def send_again(self, request: HttpRequest, rows: QuerySet[PaymentRefund], reason: str) -> Outcome:
        actor: Any = request.user
        return attempt(rows, lambda refund: retry_refund(refund=refund, actor=actor))

    def offers(self, action: str, obj: PaymentRefund) -> bool:
        return obj.owed


@admin.register(Dispute)
class DisputeAdmin(OfPayment):
    intro = "A bank wants money back for a cardholder. Nothing of the sale is approved until it is decided; answer at Stripe."
    list_display = ("opened_at", "payment", "amount_shown", "status", "reason", "closed_at")
    empty_text = "Nobody has disputed a payment."


class StripeAccountForm(forms.Form):
    """What is left empty stays as it is."""

    account_id = forms.CharField(label="Account", max_length=64, required=False, help_text="acct_…")
    publishable_key = forms.CharField(max_length=255, required=False, help_text="pk_test_… or pk_live_…")
    secret_key = forms.CharField(
        max_length=255, required=False, widget=forms.PasswordInput(attrs={"autocomplete": "off"}),
        help_text="sk_… or a restricted key rk_…",
    )  # fmt: skip
    webhook_secret = forms.CharField(
        label="Signing secret of the webhook", max_length=255, required=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "off"}), help_text="whsec_… The one before goes on working.",
    )  # fmt: skip
    connect_secret = forms.CharField(
        label="Signing secret for connected accounts", max_length=255, required=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "off"}),
        help_text="whsec_… of a second endpoint, for partners who are paid by Stripe.",
    )  # fmt: skip
    is_active = forms.BooleanField(label="Take payments", required=False, initial=True)


@admin.register(StripeAccount)
class StripeAccountAdmin(SetByForm):
    plural = "Stripe"
    view_keys = ("billing.read", "permission.read")
    # Whoever names the account decides where buyers' money goes: as grave as saying what people may do.
    add_keys = ("permission.update", "permission.manage")
    exclude = StripeAccount.sealed_columns
    list_display = ("account_id", "publishable_key", "livemode", "is_active", "changed_at", "retired_at")
    intro = "How this site takes money. Secrets are kept encrypted and never shown again."
    add_word = "Set the account"
    empty_text = "Without an account nothing can be bought here."

    set_form = StripeAccountForm

    def set_by(self, **values: Any) -> Any:
        return set_stripe_account(**values)

    def set_intro(self, request: Any) -> str:
        return f"At Stripe, send events to {request.build_absolute_uri(f'/webhooks/stripe/{request.site.code}')}"
