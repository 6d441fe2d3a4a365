"""The site at work, and what its operator has decided."""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.forms import CharField, ModelForm
from django.http import HttpRequest, HttpResponse

from apps.core.backoffice import UplineModelAdmin, money
from apps.core.tenancy import reading_across, site_of
from apps.sites.models import Site, SiteDomain, SiteSettings
from apps.sites.selectors import currency_of_site, current_site
from apps.sites.services import SITE_FIELDS, change_settings, change_site, lowers_security

SECURITY = ("staff_two_factor", "step_up_minutes", "four_eyes", "method_cooldown_hours")
# What the Settings page shows, in groups.
GROUPS = (
    ("Becoming a partner", ("activation", "activation_fee", "qualifying_categories", "revoke_activation_on_refund")),
    ("Attribution", ("attribution", "attribution_days", "landing_url", "shop_origins")),
    ("Selling", ("order_minutes", "invoice_details")),
    ("Members", ("broker_accounts",)),
    ("Wallet", ("deposit_minimum", "deposit_maximum", "low_balance")),
    ("Bonuses", ("bonus_daily_cap", "bonus_device_limit", "bonus_device_hours", "first_bid_category")),
    (
        "Payouts",
        (
            "payout_minimum",
            "payout_cooldown_hours",
            "payout_schedule",
            "payout_day",
            "payout_net_days",
            "payout_without_method",
            "payout_asset",
            "payout_network",
            "tax_year_month",
        ),
    ),
    ("Security", SECURITY),
)


class DomainInline(admin.TabularInline):
    model = SiteDomain
    verbose_name_plural = "addresses"
    extra = 0

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return True

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class OwnSite(UplineModelAdmin):
    """Tenants share these tables: only the site at work is shown."""

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        rows: QuerySet[Any] = super().get_queryset(request)
        if reading_across():
            return rows
        return rows.filter(pk=request.site.pk) if getattr(request, "site", None) else rows.none()


@admin.register(Site)
class SiteAdmin(OwnSite):
    across = True
    view_keys = ("analytics.read", "role.read")
    change_keys = ("role.manage",)
    editable = SITE_FIELDS
    list_display = ("code", "name", "currency", "time_zone", "is_active")
    ordering = ("code",)
    inlines = (DomainInline,)
    intro = "The site you work at."

    def save_model(self, request: Any, obj: Any, form: ModelForm, change: bool) -> None:
        changes = {name: form.cleaned_data[name] for name in form.changed_data if name in self.editable}
        change_site(changes=changes, actor=request.user)


class SettingsForm(ModelForm):
    reason = CharField(max_length=500, required=False, help_text="Needed for what makes the site less secure.")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "invoice_details" in self.fields:
            self.fields["invoice_details"].widget.attrs["rows"] = 4

    def clean(self) -> dict[str, Any]:
        """The service refuses it too; here what was typed stays on the page."""
        given: dict[str, Any] = super().clean() or {}
        if not given.get("reason") and lowers_security(self.initial, given):
            self.add_error("reason", "This makes the site less secure. Say why.")
        return given


@admin.register(SiteSettings)
class SiteSettingsAdmin(UplineModelAdmin):
    plural = "Settings"
    view_keys = ("analytics.read", "role.read")
    change_keys = ("affiliate.update",)
    security_keys = ("permission.update", "permission.manage")
    form = SettingsForm
    editable = tuple(name for _, names in GROUPS for name in names)
    list_display = ("named", "activation", "attribution", "attribution_days", "minimum")
    money_fields = ("activation_fee", "payout_minimum", "deposit_minimum", "deposit_maximum", "low_balance")
    json_fields = ("qualifying_categories", "shop_origins")
    intro = "What the operator has decided. Every change is in the audit."

    def currency_of(self, row: Any) -> str:
        return currency_of_site(row)

    @admin.display(description="settings")
    def named(self, row: SiteSettings) -> str:
        return f"Settings of {site_of(row.site_id).name if reading_across() else current_site().name}"

    def title_of(self, obj: SiteSettings) -> str:
        return self.named(obj)

    minimum = money("payout_minimum", label="smallest payout")

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        """Who runs the program does not take down its walls: that is for those who say what people may do."""
        fixed = super().get_readonly_fields(request, obj)
        return fixed if self.may(request, *self.security_keys) else [*fixed, *SECURITY]

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        shown = {self._name(field): field for field in self.get_fields(request, obj)}
        groups = [(title, {"fields": [shown[name] for name in names if name in shown]}) for title, names in GROUPS]
        if self.has_change_permission(request, obj):
            groups.append(("Why", {"fields": ["reason"]}))
        return groups

    @staticmethod
    def _name(field: Any) -> str:
        return field if isinstance(field, str) else str(field.__name__).removesuffix("_shown")

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        """Changed by who has lately proved who they are: the walls before money are settings too."""
        site: Any = self.admin_site
        changes = request.method == "POST" and self.has_change_permission(request)
        asked: HttpResponse | None = site.prove(request, what="Settings") if changes else None
        if asked is not None:
            return asked
        page: HttpResponse = super().change_view(request, object_id, form_url, extra_context)
        return page

    def save_model(self, request: Any, obj: Any, form: ModelForm, change: bool) -> None:
        """By the service, which takes the row as it is now and not as it was when the page was opened."""
        changes = {name: form.cleaned_data[name] for name in form.changed_data if name in self.editable}
        change_settings(changes=changes, actor=request.user, reason=form.cleaned_data.get("reason", ""))
