"""The catalogue in the back office: what is on sale, for how much, and how much of it is left."""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.forms import CharField, IntegerField, ModelForm
from django.http import HttpRequest

from apps.catalogue.models import Product
from apps.catalogue.services import change_units, create_product, update_product
from apps.catalogue.services.products import FIELDS
from apps.core.backoffice import ExactField, Outcome, UplineModelAdmin, attempt, badge, decision, money
from apps.core.tenancy import reading_across
from apps.sites.selectors import currency_of_site, current_site


class ProductForm(ModelForm):
    """Units are raised or lowered and never set: buyers are taking some while the page is open."""

    tokens = ExactField(places=18, digits=38, required=False, help_text="Tokens owed for one unit. Empty: none.")
    units = IntegerField(
        label="Units to add",
        required=False,
        help_text="Below zero takes some away.",
    )
    reason = CharField(max_length=500, required=False, help_text="Why the units change.")

    def clean(self) -> dict[str, Any]:
        given: dict[str, Any] = super().clean() or {}
        if given.get("units") and not given.get("reason"):
            self.add_error("reason", "Say why the units change.")
        return given


@admin.register(Product)
class ProductAdmin(UplineModelAdmin):
    view_keys = ("order.read",)
    add_keys = ("order.create",)
    change_keys = ("order.update",)
    form = ProductForm
    editable = FIELDS
    money_fields = ("price",)
    list_display = ("name", "sku", "category", "price_shown", "left", "state", "period")
    list_filter = ("is_active", "period")
    search_prefixes = ("sku", "name", "category")
    search_help_text = "The beginning of a name, sku or category"
    intro = "What this site sells. An order keeps the price it was placed at."
    empty_text = "Add the first one: it is on sale at once."
    add_word = "Add a product"
    actions = ("take_off", "put_on")
    price_shown = money("price")

    def currency_of(self, row: Any) -> str:
        return currency_of_site(row) if row is not None and reading_across() else current_site().currency

    @admin.display(description="units left", ordering="inventory")
    def left(self, product: Product) -> str:
        return "unlimited" if product.inventory is None else f"{product.inventory:,}"

    @admin.display(description="on sale", ordering="is_active")
    def state(self, product: Product) -> str:
        if not product.is_active:
            return badge("rejected", "Not on sale")
        return badge("pending", "Sold out") if product.inventory == 0 else badge("paid", "On sale")

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        """A new one says how many there are; later they are raised and lowered."""
        names = [name for name in super().get_fields(request, obj) if name not in ("units", "reason")]
        if obj is None or not self.has_change_permission(request, obj):
            return names
        return [*names, "units", "reason"] if obj.inventory is not None else names

    def has_update_permission(self, request: HttpRequest) -> bool:
        return self.may(request, "order.update")

    @decision("Take off sale", needs="update", done="product{s} taken off sale", keys=("order.update",))
    def take_off(self, request: HttpRequest, rows: QuerySet[Product], reason: str) -> Outcome:
        return self._switch(request, rows, on=False)

    @decision("Put on sale", needs="update", done="product{s} put on sale", keys=("order.update",))
    def put_on(self, request: HttpRequest, rows: QuerySet[Product], reason: str) -> Outcome:
        return self._switch(request, rows, on=True)

    def _switch(self, request: HttpRequest, rows: QuerySet[Product], *, on: bool) -> Outcome:
        actor: Any = request.user
        return attempt(rows, lambda product: update_product(product=product, changes={"is_active": on}, actor=actor))

    def offers(self, action: str, obj: Product) -> bool:
        return obj.is_active if action == "take_off" else not obj.is_active

    def save_model(self, request: Any, obj: Any, form: ModelForm, change: bool) -> None:
        """By the services, which take the row as it is now and not as it was when the page was opened."""
        given, actor = form.cleaned_data, request.user
        if not change:
            values = {name: given[name] for name in (*FIELDS, "sku", "inventory") if name in given}
            obj.pk = create_product(values=values, actor=actor).pk
            return
        product = update_product(
            product=obj, changes={name: given[name] for name in form.changed_data if name in FIELDS}, actor=actor
        )  # fmt: skip
        if given.get("units"):
            change_units(product=product, by=given["units"], reason=given["reason"], actor=actor)
