"""What came in, went back and is disputed, to read; and the site's account at Stripe, whose secrets go in and never come out."""

from typing import Any

from django import forms
from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse

from apps.core.backoffice import UplineModelAdmin, money
from apps.core.errors import DomainError
from apps.core.money import format_money
from apps.payments.models import Dispute, Payment, PaymentRefund, StripeAccount
from apps.payments.services import set_stripe_account

READ = ("order.read", "billing.read")


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
    view_keys = READ
    list_filter = ("status",)
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
    list_display = ("created_at", "payment", "amount_shown", "status", "external_id", "reason", "settled_at")
    empty_text = "Refunds made here or at Stripe appear by themselves."


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
    is_active = forms.BooleanField(label="Take payments", required=False, initial=True)


@admin.register(StripeAccount)
class StripeAccountAdmin(UplineModelAdmin):
    plural = "Stripe"
    view_keys = ("billing.read", "permission.read")
    # Whoever names the account decides where buyers' money goes: as grave as saying what people may do.
    add_keys = ("permission.update", "permission.manage")
    exclude = ("secret_key", "webhook_secrets")
    list_display = ("account_id", "publishable_key", "livemode", "is_active", "changed_at")
    intro = "How this site takes money. Secrets are kept encrypted and never shown again."
    add_word = "Set the account"
    empty_text = "Without an account nothing can be bought here."

    def add_view(self, request: HttpRequest, form_url: str = "", extra_context: Any = None) -> HttpResponse:
        """Makes the account, or changes the one there is."""
        if not self.has_add_permission(request):
            raise PermissionDenied
        site: Any = self.admin_site
        asked: HttpResponse | None = site.prove(request, what=self.add_word) if request.method == "POST" else None
        if asked is not None:
            return asked
        account = StripeAccount.objects.first()
        initial = {"account_id": account.account_id, "publishable_key": account.publishable_key,
                   "is_active": account.is_active} if account else {}  # fmt: skip
        form = StripeAccountForm(request.POST or None, initial=initial)
        if request.method == "POST" and form.is_valid():
            actor: Any = request.user
            try:
                with transaction.atomic():
                    set_stripe_account(actor=actor, **form.cleaned_data)
                return HttpResponseRedirect(reverse("admin:payments_stripeaccount_changelist"))
            except DomainError as error:
                form.add_error(error.field if error.field in form.fields else None, error.message)
        door = request.build_absolute_uri(f"/webhooks/stripe/{getattr(request, 'site').code}")  # noqa: B009
        context = {
            **self.admin_site.each_context(request), "opts": self.opts, "plural": self.plural, "title": self.add_word,
            "form": form, "submit": "Save", "intro": f"At Stripe, send events to {door}",
        }  # fmt: skip
        return TemplateResponse(request, "admin/tools/form.html", context)
