"""Activities in the back office: what was done and what it brought in, what each costs, and the forms there are."""

from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import Count, QuerySet, Sum
from django.forms import CharField, FileField, Form, ModelForm
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import path, reverse

from apps.accounts.models import Membership
from apps.activities import selectors, services
from apps.activities.models import Activity, ActivityType, FormDocument, Kind
from apps.core.backoffice import Outcome, UplineModelAdmin, attempt, badge, decision, money, named
from apps.core.backoffice.charts import Columns, columns
from apps.core.errors import DomainError
from apps.core.money import exponent
from apps.core.tenancy import reading_across
from apps.sites.calendar import PERIODS
from apps.sites.selectors import currency_of_site, current_site, midnight

MOST_ENTERPRISES, CHARTED = 50, 14


@admin.register(Activity)
class ActivityAdmin(UplineModelAdmin):
    plural = "Activity monitor"
    view_keys = ("analytics.read", "billing.read")
    list_display = ("number", "who", "what", "state", "progress", "cost_shown", "created_at")
    list_filter = ("type", "status")
    list_select_related = ("user",)
    search_prefixes = ("user__email",)
    search_help_text = "The beginning of an e-mail"
    intro = "What members did that costs money. A failed one has been refunded."
    empty_text = "The first report or download stands here."
    money_fields = ("cost",)
    json_fields = ("params",)
    pages = (("Activity figures", "admin:activities_figures"),)
    scope_by = "user_id"
    cost_shown = money("cost")

    @admin.display(description="activity")
    def number(self, row: Activity) -> str:
        return str(row)

    @admin.display(description="who")
    def who(self, row: Activity) -> str:
        return named(row.user, row.user.email)

    @admin.display(description="what")
    def what(self, row: Activity) -> str:
        return f"{row.get_type_display()}: {row.summary}"

    @admin.display(description="status", ordering="status")
    def state(self, row: Activity) -> str:
        return badge(row.tone, row.get_status_display())

    @admin.display(description="rows")
    def progress(self, row: Activity) -> str:
        if row.status == Activity.Status.RUNNING:
            return f"{row.rows_done:,} of {row.rows_total:,}"
        return f"{row.rows_total:,}" if row.rows_total else "–"

    def get_urls(self) -> list[Any]:
        figures = self.admin_site.admin_view(self.figures)
        return [path("figures/", figures, name="activities_figures"), *super().get_urls()]

    def figures(self, request: HttpRequest) -> HttpResponse:
        """By day, month or year, by kind, and by enterprise with its sub-users."""
        access: Any = getattr(request, "access", None)
        if reading_across() or access is None or not any(access.at_site(key) for key in self.view_keys):
            raise PermissionDenied
        period = request.GET.get("period", "day")
        period = period if period in PERIODS else "day"
        told = selectors.statistics(Activity.objects.all(), period=period)
        context = {
            **self.admin_site.each_context(request), "title": "Activity figures", "opts": self.opts, "told": told,
            "period": period, "unit": PERIODS[period], "periods": PERIODS.values(), "units": _named(told), "chart": _chart(told),
            "enterprises": _enterprises(told),
            "types": [(Kind(key).label, figures) for key, figures in told["by_type"].items()],
        }  # fmt: skip
        return TemplateResponse(request, "admin/activities_figures.html", context)


def _chart(told: dict[str, Any]) -> Columns:
    """What each unit brought in; of days the last 14."""
    unit = PERIODS[told["period"]]
    rows = [(unit.named(row["date"]), unit.short(row["date"]), row["amount"]) for row in told["series"][-CHARTED:]]
    return columns(rows, unit=10 ** exponent(told["currency"]))


def _named(told: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    """(what a unit is called, its figures), newest first; empty ones are left out."""
    unit = PERIODS[told["period"]]
    return [(unit.named(row["date"]), row) for row in reversed(told["series"]) if row["count"]]


def _enterprises(told: dict[str, Any]) -> list[dict[str, Any]]:
    """Those that spent most in the range, with their sub-users. Two queries."""
    rows = Activity.objects.exclude(status=Activity.Status.FAILED).order_by()
    rows = rows.filter(created_at__gte=midnight(told["first"]))
    sums = {pk: (n, total) for pk, n, total in rows.values_list("payer_id").annotate(n=Count("pk"), total=Sum("cost"))}
    members = Membership.objects.filter(user_type=Membership.Kind.ENTERPRISE).select_related("user")
    found = [
        {
            "name": str(row.user), "email": row.user.email, "pk": row.pk, "sub_users": row.n, "is_active": row.is_active,
            "count": sums.get(row.user_id, (0, 0))[0], "amount": sums.get(row.user_id, (0, 0))[1],
        }
        for row in members.annotate(n=Count("sub_users"))
    ]  # fmt: skip
    return sorted(found, key=lambda row: (-row["amount"], row["email"]))[:MOST_ENTERPRISES]


@admin.register(ActivityType)
class ActivityTypeAdmin(UplineModelAdmin):
    plural = "Activity costs"
    view_keys = ("billing.read", "analytics.read")
    change_keys = ("billing.update",)
    editable = ("cost", "is_active")
    money_fields = ("cost",)
    list_display = ("named", "cost_shown", "state")
    intro = "What one act costs at this site. A change counts from the next act on, and is in the audit."
    cost_shown = money("cost")

    def currency_of(self, row: Any) -> str:
        return currency_of_site(row) if row is not None and reading_across() else current_site().currency

    @admin.display(description="activity")
    def named(self, row: ActivityType) -> str:
        return str(row)

    @admin.display(description="offered", ordering="is_active")
    def state(self, row: ActivityType) -> str:
        return badge("paid", "Offered") if row.is_active else badge("rejected", "Not offered")

    def save_model(self, request: Any, obj: ActivityType, form: ModelForm, change: bool) -> None:
        services.set_type(key=obj.key, cost=obj.cost, is_active=obj.is_active, actor=request.user)


class FormUpload(Form):
    title = CharField(max_length=120)
    file = FileField(help_text="PDF, DOCX, XLSX or ODT, up to 5 MB")


@admin.register(FormDocument)
class FormDocumentAdmin(UplineModelAdmin):
    plural = "Forms"
    view_keys = ("billing.read", "analytics.read")
    add_keys = ("billing.update",)
    list_display = ("title", "filename", "kilobytes", "state", "created_at")
    list_filter = ("is_active",)
    search_prefixes = ("title",)
    search_help_text = "The beginning of a title"
    exclude = ("content",)
    intro = "What members download as forms. A new version is a new form; take the old one off."
    empty_text = "Without one there is nothing to download."
    add_word = "Add a form"
    actions = ("take_off", "put_on")

    def get_queryset(self, request: HttpRequest) -> QuerySet[FormDocument]:
        return super().get_queryset(request).defer("content")

    @admin.display(description="size", ordering="size")
    def kilobytes(self, row: FormDocument) -> str:
        return f"{max(1, row.size // 1024):,} KB"

    @admin.display(description="offered", ordering="is_active")
    def state(self, row: FormDocument) -> str:
        return badge("paid", "Offered") if row.is_active else badge("rejected", "Taken off")

    def has_update_permission(self, request: HttpRequest) -> bool:
        return self.may(request, *self.add_keys)

    @decision("Take off", needs="update", done="form{s} taken off", keys=("billing.update",))
    def take_off(self, request: HttpRequest, rows: QuerySet[FormDocument], reason: str) -> Outcome:
        return self._switch(request, rows, on=False)

    @decision("Offer again", needs="update", done="form{s} offered", keys=("billing.update",))
    def put_on(self, request: HttpRequest, rows: QuerySet[FormDocument], reason: str) -> Outcome:
        return self._switch(request, rows, on=True)

    def _switch(self, request: HttpRequest, rows: QuerySet[FormDocument], *, on: bool) -> Outcome:
        actor: Any = request.user
        return attempt(rows, lambda form: services.set_form_active(form=form, is_active=on, actor=actor))

    def offers(self, action: str, obj: FormDocument) -> bool:
        return obj.is_active if action == "take_off" else not obj.is_active

    def add_view(self, request: HttpRequest, form_url: str = "", extra_context: Any = None) -> HttpResponse:
        if not self.has_add_permission(request):
            raise PermissionDenied
        form = FormUpload(request.POST or None, request.FILES or None)
        if request.method == "POST" and form.is_valid():
            sent, actor = form.cleaned_data["file"], request.user
            try:
                # Read no further than what would be refused anyway.
                content = sent.read(services.MOST_FORM_BYTES + 1)
                services.add_form(title=form.cleaned_data["title"], filename=sent.name, content=content, actor=actor)  # type: ignore[arg-type]
                return HttpResponseRedirect(reverse("admin:activities_formdocument_changelist"))
            except DomainError as error:
                form.add_error(error.field if error.field in form.fields else None, error.message)
        intro = "Members see its title and pay to download it."
        return self.form_page(request, form, title=self.add_word, submit="Add", intro=intro)
