"""Roles: the list, one of them with its permissions as boxes, and all of them as a matrix. Nothing is saved before a look at what
would change."""

from typing import Any
from uuid import UUID

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import Count, QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import path, reverse

from apps.audit.models import AuditEvent
from apps.backoffice import matrix
from apps.core.backoffice import Outcome, ReasonForm, UplineModelAdmin, attempt, decision
from apps.core.errors import DomainError
from apps.rbac import catalogue, selectors, services
from apps.rbac.access import access_of
from apps.rbac.models import Permission, Role
from apps.rbac.selectors import Held
from apps.rbac.services.inheritance import heirs_of, people_of
from apps.rbac.services.roles import own_keys

EDIT = ("role.update", "rbac.roles.manage")
CREATE = ("role.create", "rbac.roles.manage")
DELETE = ("role.delete", "rbac.roles.manage")
KINDS = {"": "All", "system": "System", "own": "This site’s"}


class RoleForm(forms.Form):
    """What a role is called and what it takes over from. Its permissions are boxes beside."""

    name = forms.CharField(max_length=80)
    description = forms.CharField(max_length=200, required=False)
    parent = forms.ModelChoiceField(
        Role.objects.none(), required=False, label="Takes over from", empty_label="No other role",
        help_text="It holds all that this role holds, now and later.",
    )  # fmt: skip

    def __init__(self, *args: Any, role: Role | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        mine = heirs_of(role.pk) if role is not None else set()
        self.fields["parent"].queryset = Role.objects.exclude(pk__in=mine).order_by("name")  # type: ignore[attr-defined]


class NewRoleForm(RoleForm):
    key = forms.RegexField(
        r"^[a-z][a-z0-9_]{1,39}$", help_text="By which the API knows it: small letters, digits and _. It stays."
    )

    field_order = ("name", "key", "description", "parent")


@admin.register(Role)
class RoleAdmin(UplineModelAdmin):
    intro = "What a role may do is fixed for system roles. Nobody grants a role with keys they lack themselves."
    search_help_text = "The beginning of a key"
    view_keys = ("role.read", "rbac.roles.manage")
    add_keys = CREATE
    change_keys = EDIT
    pages = (("Permission matrix", "admin:rbac_role_matrix"),)
    add_word = "New role"
    list_display = ("name", "key", "is_system", "parent", "held", "description")
    list_select_related = ("parent",)
    list_filter = ("is_system",)
    search_prefixes = ("key",)
    ordering = ("key",)
    action_form = ReasonForm
    actions = ("remove",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        rows: QuerySet[Any] = super().get_queryset(request)
        return rows.annotate(keys_held=Count("permissions__permission_id", distinct=True))

    def note_of(self, obj: Role) -> str:
        return f"{obj.key}, {obj.description}" if obj.description else obj.key

    @admin.display(description="permissions")
    def held(self, role: Any) -> int:
        return int(role.keys_held)

    def has_remove_permission(self, request: HttpRequest) -> bool:
        return self.may(request, *DELETE)

    @decision("Delete, with a reason", needs="remove", done="role{s} deleted", reason=True)
    def remove(self, request: HttpRequest, rows: QuerySet[Role], reason: str) -> Outcome:
        actor, access = request.user, access_of(request)
        plain = Role.objects.filter(pk__in=list(rows.values_list("pk", flat=True)))  # without the list's counts
        return attempt(plain, lambda role: services.delete_role(role=role, actor=actor, access=access, reason=reason))

    def get_urls(self) -> list[Any]:
        wrap = self.admin_site.admin_view
        return [
            path("matrix/", wrap(self.matrix_view), name="rbac_role_matrix"),
            path("<uuid:pk>/diff/", wrap(self.diff_view), name="rbac_role_diff"),
            *super().get_urls(),
        ]

    def matrix_view(self, request: HttpRequest) -> HttpResponse:
        """All roles in letters; below, the chosen one as boxes."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        kind = request.GET.get("kind", "")
        roles = list(Role.objects.select_related("parent").order_by("-is_system", "id"))
        shown = [role for role in roles if kind not in KINDS or not kind or role.is_system == (kind == "system")]
        held = selectors.held_by()
        chosen = self._chosen(request, roles)
        context = {
            "title": "Roles and permissions", "roles": roles, "shown": shown, "lines": matrix.lines(shown, held),
            "kinds": [(key, word, key == kind) for key, word in KINDS.items()], "kind": kind,
            "grants": sum(len(held[role.pk].all) for role in roles if role.pk in held), "keys": len(catalogue.ALL_KEYS),
            "may_add": self.has_add_permission(request),
            **(self._role_context(request, chosen) if chosen is not None else {}),
        }  # fmt: skip
        return self._page(request, "admin/rbac/matrix.html", context)

    def _chosen(self, request: HttpRequest, roles: list[Role]) -> Role | None:
        wanted = request.GET.get("role", "")
        return next((role for role in roles if str(role.pk) == wanted), None)

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        role = self._find(request, object_id)
        if not self.has_view_permission(request, role):
            raise PermissionDenied
        return self._page(request, "admin/rbac/role.html", {"title": role.name, **self._role_context(request, role)})

    def add_view(self, request: HttpRequest, form_url: str = "", extra_context: Any = None) -> HttpResponse:
        if not self.has_add_permission(request):
            raise PermissionDenied
        access = access_of(request)
        form = NewRoleForm(request.POST or None, initial={"parent": request.GET.get("parent")})
        ticked = set(request.POST.getlist("permissions"))
        if request.method == "POST" and form.is_valid():
            try:
                with transaction.atomic():
                    role = services.create_role(
                        **form.cleaned_data, permissions=ticked, actor=request.user, access=access
                    )
                messages.success(request, f"{role.name} is made. Nobody holds it yet.")
                return HttpResponseRedirect(self._url("change", role.pk))
            except DomainError as error:
                form.add_error(error.field if error.field in form.fields else None, error.message)
        context = {
            "title": self.add_word, "form": form, "boxes": matrix.boxes(Held(own=ticked), access), "columns": matrix.COLUMNS,
            "lacking": matrix.lacking(access),
        }  # fmt: skip
        return self._page(request, "admin/rbac/role_add.html", context)

    def diff_view(self, request: HttpRequest, pk: UUID) -> HttpResponse:
        """Twice the same form: first it shows what would change, then it changes that and nothing else."""
        role = self._find(request, str(pk))
        if not self.has_change_permission(request, role):
            raise PermissionDenied
        form = RoleForm(request.POST or None, role=role)
        if request.method != "POST" or not form.is_valid():
            if request.method == "POST":
                messages.error(request, "Give the role a name.")
            return HttpResponseRedirect(self._url("change", role.pk))
        access, seen = access_of(request), request.POST.get("seen", "")
        keys = matrix.wanted(request.POST.getlist("permissions"), own_keys(role), access)
        change = {**form.cleaned_data, "permissions": keys, "role": role, "actor": request.user, "access": access}
        reason = request.POST.get("reason", "").strip()[:500]
        try:
            if "confirm" in request.POST and reason:
                services.update_role(**change, reason=reason, expected=seen)
                messages.success(request, f"{form.cleaned_data['name']} is changed, from everybody’s next click on.")
                return HttpResponseRedirect(self._url("change", role.pk))
            diff = services.preview_role(**change)
        except DomainError as error:
            messages.error(request, error.message)
            return HttpResponseRedirect(self._url("change", role.pk))
        if seen != services.fingerprint(role):
            messages.error(request, "Somebody has changed this role since you looked. Nothing was saved: look again.")
            return HttpResponseRedirect(self._url("change", role.pk))
        context = {
            "title": f"Change {role.name}", "role": role, "diff": diff, "form": form, "keys": sorted(keys), "seen": seen,
            "renamed": _facts_changed(role, form.cleaned_data), "no_reason": "confirm" in request.POST,
            "names": {key: catalogue.title(key) for key in (*diff.added, *diff.removed)},
        }  # fmt: skip
        return self._page(request, "admin/rbac/role_diff.html", context)

    def _role_context(self, request: HttpRequest, role: Role) -> dict[str, Any]:
        """One role as boxes, and what there is to know about it."""
        held = selectors.held_by([role.pk]).get(role.pk, Held())
        fixed = role.is_system or not self.has_change_permission(request, role)
        event = AuditEvent.objects.filter(target_type="rbac.role", target_id=str(role.pk)).order_by("-id").first()
        return {
            "role": role, "boxes": matrix.boxes(held, access_of(request), fixed=fixed), "columns": matrix.COLUMNS,
            "fixed": fixed, "seen": services.fingerprint(role), "inherited": len(held.inherited),
            "form": RoleForm(
                initial={"name": role.name, "description": role.description, "parent": role.parent_id}, role=role,
            ),
            "lacking": [] if fixed else matrix.lacking(access_of(request)), "people": people_of(role.pk), "event": event,
            "department": selectors.departments_of_roles([role.pk]).get(role.pk), "held_count": len(held.all),
            "may_remove": self.has_remove_permission(request) and not role.is_system,
            "may_add": self.has_add_permission(request),
        }  # fmt: skip

    def _find(self, request: HttpRequest, object_id: str) -> Role:
        role = self.get_object(request, object_id)
        if role is None:
            raise Http404
        found: Role = role
        return found

    def _url(self, view: str, *args: Any) -> str:
        return reverse(f"admin:rbac_role_{view}", args=args)

    def _page(self, request: HttpRequest, template: str, context: dict[str, Any]) -> TemplateResponse:
        return TemplateResponse(
            request, template, {**self.admin_site.each_context(request), "opts": self.opts, **context}
        )


def _facts_changed(role: Role, wanted: dict[str, Any]) -> list[tuple[str, str, str]]:
    """(what, before, after) of all but the permissions."""
    above = wanted["parent"]
    rows = [
        ("Name", role.name, wanted["name"]),
        ("Description", role.description, wanted["description"]),
        ("Takes over from", str(role.parent or ""), str(above or "")),
    ]
    return [row for row in rows if row[1] != row[2]]


@admin.register(Permission)
class PermissionAdmin(UplineModelAdmin):
    intro = "Keys say what, the scope of an assignment says whose. No key implies another."
    search_help_text = "The beginning of a key"
    view_keys = ("permission.read", "rbac.permissions.manage")
    list_display = ("key", "name", "resource", "action")
    list_filter = ("resource", "action")
    search_prefixes = ("key",)
    ordering = ("key",)
