"""Who holds which role, where and until when: given by a form, taken back with a reason."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from django import forms
from django.contrib import admin, messages
from django.contrib.auth import get_user_model
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone

from apps.core.backoffice import Outcome, ReasonForm, UplineModelAdmin, attempt, badge, decision, named
from apps.core.errors import DomainError
from apps.rbac import scopes, selectors, services
from apps.rbac.access import Access, access_of
from apps.rbac.models import Department, PlatformRole, Role, Scope, UserRole

KEYS = ("role.update", "rbac.user_roles.manage")


class AssignForm(forms.Form):
    """Who, what, where and until when. Rules are the services'."""

    user = forms.EmailField(label="E-mail", max_length=254, help_text="Of a member of this site.")
    role = forms.ModelChoiceField(
        Role.objects.order_by("name"), empty_label="Choose a role", help_text="You can give what you hold yourself."
    )
    scope = forms.ChoiceField(label="For whose rows", choices=())
    department = forms.ModelChoiceField(
        Department.objects.none(), required=False, empty_label="No department",
        help_text="For one department: its members and those of the departments below it.",
    )  # fmt: skip
    enterprise = forms.EmailField(
        required=False,
        max_length=254,
        help_text="For one enterprise: the e-mail of its login. Its sub-users are covered.",
    )
    expires_at = forms.DateTimeField(
        label="Ends", required=False, help_text="In the site's time. Empty: until it is taken back.",
        widget=forms.DateTimeInput(attrs={"type": "datetime-local"}),
    )  # fmt: skip
    reason = forms.CharField(max_length=500, help_text="Kept in the audit.")

    def __init__(self, *args: Any, access: Access, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.access = access
        self.fields["department"].queryset = selectors.departments_seen(access, *KEYS)  # type: ignore[attr-defined]
        kinds = [choice for choice in Scope.choices if choice[0] != Scope.PLATFORM or access.platform]
        self.fields["scope"].choices = sorted(kinds, key=lambda kind: kind[0] != Scope.SITE)  # type: ignore[attr-defined]

    def clean_user(self) -> Any:
        users: Any = get_user_model()._default_manager
        found = (
            self.access.narrow(users.members(), *KEYS, by="pk").filter(email=self.cleaned_data["user"].lower()).first()
        )
        if found is None:
            raise forms.ValidationError("No member of this site that you work for has this e-mail.")
        return found

    def clean(self) -> dict[str, Any]:
        """The target belongs to the scope: one without the other is a slip."""
        data: dict[str, Any] = super().clean() or {}
        kind, target = data.get("scope"), None
        if kind == Scope.DEPARTMENT:
            target = data["department"].pk if data.get("department") else None
            if target is None:
                self.add_error("department", "Choose the department.")
        elif kind == Scope.ENTERPRISE:
            target = self._enterprise(data.get("enterprise", ""))
            if target is None:
                self.add_error("enterprise", "No enterprise of this site has this e-mail.")
        elif data.get("department") or data.get("enterprise"):
            self.add_error("scope", "You named a department or enterprise: choose that scope, or leave it empty.")
        return {**data, "scope_id": target}

    def _enterprise(self, email: str) -> UUID | None:
        users: Any = get_user_model()._default_manager
        found = users.members().filter(email=email.lower()).first() if email else None
        return found.pk if found is not None and scopes.exists(Scope.ENTERPRISE, found.pk) else None


@admin.register(UserRole)
class UserRoleAdmin(UplineModelAdmin):
    plural = "Roles given"
    intro = "Who holds which role here, for whose rows, and who gave it to them."
    search_help_text = "The beginning of an e-mail"
    view_keys = ("role.read", "rbac.user_roles.manage")
    add_keys = KEYS
    add_word = "Give a role"
    scope_by = "user_id"
    list_display = ("who", "role", "where", "until", "position", "granted_by", "created_at")
    list_select_related = ("user", "role", "granted_by", "member__position")
    list_filter = ("scope",)
    search_prefixes = ("user__email",)
    action_form = ReasonForm
    actions = ("revoke",)
    exclude = ("scope_id", "member")
    readonly_fields = ("where", "position")

    def has_add_permission(self, request: HttpRequest) -> bool:
        return self.may(request, *KEYS)

    def has_revoke_permission(self, request: HttpRequest) -> bool:
        return self.may(request, *KEYS)

    def get_changelist_instance(self, request: HttpRequest) -> Any:
        changelist = super().get_changelist_instance(request)
        changelist.result_list = list(changelist.result_list)
        self.prepare(changelist.result_list)
        return changelist

    def prepare(self, rows: Sequence[Any]) -> None:
        """The names of departments and enterprises in a query for each kind, instead of one per row."""
        for row, shown in zip(rows, selectors.given(rows), strict=True):
            row.scope_name = shown.scope_name

    @admin.display(description="holder", ordering="user__email")
    def who(self, row: UserRole) -> str:
        return named(row.user, row.user.email)

    @admin.display(description="for", ordering="scope")
    def where(self, row: Any) -> str:
        if row.scope_id is None:
            return str(row.get_scope_display())
        name = row.scope_name if hasattr(row, "scope_name") else selectors.given([row])[0].scope_name
        return str(name or row.get_scope_display())

    @admin.display(description="until", ordering="expires_at")
    def until(self, row: UserRole) -> Any:
        if row.expires_at is not None and row.expires_at <= timezone.now():
            return badge("inactive", "Ended")
        return row.expires_at

    @admin.display(description="by position")
    def position(self, row: UserRole) -> Any:
        return (row.member.position if row.member is not None else None) or "–"

    def title_of(self, obj: UserRole) -> str:
        return f"{obj.role.name}: {obj.user}"

    def offers(self, action: str, obj: UserRole) -> bool:
        return obj.member_id is None

    @decision("Take back, with a reason", needs="revoke", done="role{s} taken back", keys=KEYS, reason=True)
    def revoke(self, request: HttpRequest, rows: QuerySet[UserRole], reason: str) -> Outcome:
        return _revoke(request, rows.select_related("role", "user"), reason)

    def add_view(self, request: HttpRequest, form_url: str = "", extra_context: Any = None) -> HttpResponse:
        if not self.has_add_permission(request):
            raise PermissionDenied
        form = AssignForm(
            request.POST or None, access=access_of(request), initial={"user": request.GET.get("user", "")}
        )
        if request.method == "POST" and form.is_valid():
            try:
                with transaction.atomic():
                    return self._give(request, form.cleaned_data)
            except DomainError as error:
                form.add_error(error.field if error.field in form.fields else None, error.message)
        context = {**self.admin_site.each_context(request), "opts": self.opts, "title": self.add_word, "form": form}
        return TemplateResponse(request, "admin/rbac/assign.html", context)

    def _give(self, request: HttpRequest, wanted: dict[str, Any]) -> HttpResponse:
        user, role = wanted["user"], wanted["role"]
        how = {
            "actor": request.user, "access": access_of(request), "expires_at": wanted["expires_at"], "reason": wanted["reason"],
        }  # fmt: skip
        if wanted["scope"] == Scope.PLATFORM:
            services.grant_platform_role(user=user, role_key=role.key, **how)
        else:
            services.assign_role(user=user, role=role, scope=wanted["scope"], scope_id=wanted["scope_id"], **how)
        messages.success(request, f"{user} holds {role.name} from their next click on.")
        return HttpResponseRedirect(reverse("admin:rbac_userrole_changelist"))


@admin.register(PlatformRole)
class PlatformRoleAdmin(UplineModelAdmin):
    """Every site's staff may see who has the run of all of them."""

    intro = "Who has the run of all sites. Only they give and take such a role."
    plural = "Roles at every site"

    view_keys = ("role.read",)
    list_display = ("user", "role_key", "expires_at", "granted_by", "created_at")
    list_select_related = ("user", "granted_by")
    action_form = ReasonForm
    actions = ("revoke",)

    def has_revoke_permission(self, request: HttpRequest) -> bool:
        return self.may(request, *KEYS) and access_of(request).platform

    @decision("Take back, with a reason", needs="revoke", done="role{s} taken back", reason=True)
    def revoke(self, request: HttpRequest, rows: QuerySet[PlatformRole], reason: str) -> Outcome:
        return _revoke(request, rows, reason)


def _revoke(request: HttpRequest, rows: QuerySet[Any], reason: str) -> Outcome:
    actor, access = request.user, access_of(request)
    return attempt(rows, lambda row: services.revoke_role(assignment=row, actor=actor, access=access, reason=reason))
