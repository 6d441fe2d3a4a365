"""The department tree, and each department's own page: what it is, its positions, its people."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any
from uuid import UUID

from django import forms
from django.contrib import admin, messages
from django.contrib.auth import get_user_model
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import Count
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse

from apps.core.backoffice import UplineModelAdmin, named
from apps.core.errors import DomainError, Invalid
from apps.rbac import selectors, services
from apps.rbac.access import access_of
from apps.rbac.departments import below
from apps.rbac.models import Department, DepartmentMember, Position, Role
from apps.rbac.services.departments import CREATE_KEYS, UPDATE_KEYS, WantedPosition

READ_KEYS, DELETE_KEYS = ("department.read",), ("department.delete",)
SHOWN = 200  # members on a department's page; the list of members has them all


@dataclass
class Node:
    """A department in the tree."""

    department: Department
    members: int
    posts: int
    below: list["Node"] = field(default_factory=list)


class PersonField(forms.EmailField):
    """A member of the site, by e-mail, whom the caller works for."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(max_length=254, **kwargs)

    def clean(self, value: Any) -> Any:
        email = super().clean(value)
        if not email:
            return None
        users: Any = get_user_model()._default_manager
        found = self.access.narrow(users.members(), *UPDATE_KEYS, by="pk").filter(email=email.lower()).first()
        if found is None:
            raise forms.ValidationError("No member of this site that you work for has this e-mail.")
        return found

    access: Any = None


class DepartmentForm(forms.Form):
    name = forms.CharField(max_length=80)
    purpose = forms.CharField(max_length=200, required=False)
    parent = forms.ModelChoiceField(
        Department.objects.none(), required=False, label="Stands below", empty_label="No other department"
    )
    head = PersonField(required=False, label="Head", help_text="The e-mail of a member of this site.")

    def __init__(self, *args: Any, request: HttpRequest, department: Department | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        access = access_of(request)
        fields: Any = self.fields
        fields["head"].access = access
        choices = selectors.departments_seen(access, *(UPDATE_KEYS if department else CREATE_KEYS))
        fields["parent"].queryset = choices.exclude(pk__in=below([department.pk]) if department else ())


class NewDepartmentForm(DepartmentForm):
    code = forms.RegexField(r"^[A-Z][A-Z0-9_]{1,39}$", help_text="Capital letters, digits and _, such as FIELD_SALES.")

    field_order = ("name", "code", "purpose", "parent", "head")


class MemberForm(forms.Form):
    person = PersonField(label="E-mail")
    position = forms.ModelChoiceField(
        Position.objects.none(), required=False, empty_label="No position", help_text="It gives its role."
    )
    reason = forms.CharField(max_length=500)

    def __init__(self, *args: Any, request: HttpRequest, department: Department, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        fields: Any = self.fields
        fields["person"].access = access_of(request)
        fields["position"].queryset = Position.objects.filter(department=department).select_related("role")


class PositionForm(forms.Form):
    name = forms.CharField(max_length=80, label="Position")
    key = forms.RegexField(r"^[a-z][a-z0-9_]{1,39}$", help_text="Small letters, digits and _.")
    role = forms.ModelChoiceField(
        Role.objects.order_by("name"), empty_label="Choose a role", help_text="Held by whoever is in the position."
    )


@admin.register(Department)
class DepartmentAdmin(UplineModelAdmin):
    across = False  # its page is the tree of one site
    intro = "Who works where, and in which position. A position gives its role, and takes it back."
    view_keys = READ_KEYS
    add_keys = CREATE_KEYS
    change_keys = UPDATE_KEYS
    add_word = "New department"
    ordering = ("code",)

    scoped = True  # those who work for one department come in too; `seen` says which they see

    def seen(self, request: HttpRequest, rows: Any) -> Any:
        access = getattr(request, "access", None)
        ids = access.departments(*READ_KEYS, *UPDATE_KEYS) if access is not None else set()
        return rows if ids is None else rows.filter(pk__in=ids)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return self.may(request, *CREATE_KEYS)

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        if not self.has_view_permission(request):
            raise PermissionDenied
        asked = request.GET.get("q", "").strip().lower()
        nodes = self._nodes(request)
        found = [n for n in nodes if asked in n.department.name.lower() or asked in n.department.code.lower()]
        context = {
            "title": "Departments", "intro": self.intro, "asked": asked, "total": len(nodes), "add_word": self.add_word,
            "roots": found if asked else _tree(nodes), "has_add_permission": self.has_add_permission(request),
            "people": sum(node.members for node in nodes),
        }  # fmt: skip
        return self._page(request, "admin/rbac/departments.html", context)

    def _nodes(self, request: HttpRequest) -> list[Node]:
        """Three queries, whatever there is."""
        members = _counts(DepartmentMember)
        posts = _counts(Position)
        rows = self.get_queryset(request).select_related("head").order_by("name")
        return [Node(row, members.get(row.pk, 0), posts.get(row.pk, 0)) for row in rows]

    def add_view(self, request: HttpRequest, form_url: str = "", extra_context: Any = None) -> HttpResponse:
        if not self.has_add_permission(request):
            raise PermissionDenied
        form = NewDepartmentForm(request.POST or None, request=request, initial={"parent": request.GET.get("parent")})
        if request.method == "POST" and form.is_valid():
            try:
                with transaction.atomic():
                    made = services.create_department(
                        **form.cleaned_data, actor=request.user, access=access_of(request)
                    )
                messages.success(request, f"{made.name} is there. Give it positions and people.")
                return HttpResponseRedirect(_address(made.pk))
            except DomainError as error:
                name = {"parent_id": "parent", "head_id": "head"}.get(error.field or "", error.field)
                form.add_error(name if name in form.fields else None, error.message)
        return self._page(request, "admin/rbac/department_add.html", {"title": self.add_word, "form": form})

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        """One page, several forms: `do` says which was sent."""
        department: Any = self.get_object(request, object_id)
        if department is None:
            raise Http404
        access = access_of(request)
        reach = access.departments(*UPDATE_KEYS)
        may_change = reach is None or department.pk in reach
        if request.method == "POST":
            return self._act(request, department, may_change)
        return self._page(request, "admin/rbac/department.html", self._context(request, department, may_change))

    def _act(self, request: HttpRequest, department: Department, may_change: bool) -> HttpResponse:
        what, _, target = request.POST.get("do", "").partition(":")
        acts: dict[str, Callable[[HttpRequest, Department, str], str]] = {
            "save": self._save, "add_member": self._add_member, "place": self._place, "remove": self._remove,
            "add_position": self._add_position, "change_position": self._change_position,
            "remove_position": self._remove_position,
        }  # fmt: skip
        if what == "delete":
            return self._delete(request, department)
        if not may_change or what not in acts:
            raise PermissionDenied
        try:
            with transaction.atomic():
                done = acts[what](request, department, target)
            messages.success(request, done)
        except DomainError as error:
            messages.error(request, error.message)
        return HttpResponseRedirect(_address(department.pk))

    def _save(self, request: HttpRequest, department: Department, target: str) -> str:
        wanted = _cleaned(DepartmentForm(request.POST, request=request, department=department))
        services.update_department(department=department, **wanted, actor=request.user, access=access_of(request))
        return f"{wanted['name']} is changed."

    def _add_member(self, request: HttpRequest, department: Department, target: str) -> str:
        wanted = _cleaned(MemberForm(request.POST, request=request, department=department))
        services.add_member(
            department=department, user=wanted["person"], position=wanted["position"], reason=wanted["reason"],
            actor=request.user, access=access_of(request),
        )  # fmt: skip
        return f"{wanted['person']} is in {department.name}."

    def _place(self, request: HttpRequest, department: Department, target: str) -> str:
        member, key = _member(department, target), request.POST.get("position", "")
        position = (
            Position.objects.select_related("role").filter(department=department, key=key).first() if key else None
        )
        services.place_member(
            member=member, position=position, actor=request.user, access=access_of(request), reason=_reason(request)
        )
        return f"{member.user} is {position.name if position else 'in no position'} from their next click on."

    def _remove(self, request: HttpRequest, department: Department, target: str) -> str:
        member = _member(department, target)
        services.remove_member(member=member, actor=request.user, access=access_of(request), reason=_reason(request))
        return f"{member.user} has left {department.name}."

    def _add_position(self, request: HttpRequest, department: Department, target: str) -> str:
        wanted = _cleaned(PositionForm(request.POST))
        self._set_positions(request, department, [*_positions(department), WantedPosition(**wanted)])
        return f"{department.name} has a {wanted['name']}."

    def _change_position(self, request: HttpRequest, department: Department, target: str) -> str:
        role = selectors.find_role(request.POST.get("role", ""))
        wanted = [replace(item, role=role) if item.key == target else item for item in _positions(department)]
        self._set_positions(request, department, wanted)
        return f"The position gives {role.name}, to whoever is in it as well."

    def _remove_position(self, request: HttpRequest, department: Department, target: str) -> str:
        self._set_positions(request, department, [item for item in _positions(department) if item.key != target])
        return "The position is gone."

    def _set_positions(self, request: HttpRequest, department: Department, wanted: list[WantedPosition]) -> None:
        services.update_department(
            department=department, positions=wanted, actor=request.user, access=access_of(request)
        )

    def _delete(self, request: HttpRequest, department: Department) -> HttpResponse:
        reach = access_of(request).departments(*DELETE_KEYS)
        if reach is not None and department.pk not in reach:
            raise PermissionDenied
        try:
            with transaction.atomic():
                services.delete_department(department=department, actor=request.user, reason=_reason(request))
            messages.success(request, f"{department.name} is gone.")
            return HttpResponseRedirect(reverse("admin:rbac_department_changelist"))
        except DomainError as error:
            messages.error(request, error.message)
            return HttpResponseRedirect(_address(department.pk))

    def _context(self, request: HttpRequest, department: Department, may_change: bool) -> dict[str, Any]:
        members = DepartmentMember.objects.filter(department=department)
        positions = Position.objects.filter(department=department).select_related("role")
        reach = access_of(request).departments(*DELETE_KEYS)
        initial = {
            "name": department.name, "purpose": department.purpose, "parent": department.parent_id,
            "head": department.head.email if department.head is not None else "",
        }  # fmt: skip
        return {
            "title": department.name, "department": department, "may_change": may_change,
            "may_delete": reach is None or department.pk in reach,
            "positions": positions.annotate(people=Count("members")),
            "members": members.select_related("user", "position").order_by("-id")[:SHOWN], "count": members.count(),
            "roles": Role.objects.order_by("name"),
            "children": Department.objects.filter(parent=department).order_by("name"),
            "form": DepartmentForm(initial=initial, request=request, department=department),
            "member_form": MemberForm(request=request, department=department, auto_id="id_member_%s"),
            "position_form": PositionForm(auto_id="id_position_%s"),
        }  # fmt: skip

    def _page(self, request: HttpRequest, template: str, context: dict[str, Any]) -> TemplateResponse:
        return TemplateResponse(
            request, template, {**self.admin_site.each_context(request), "opts": self.opts, **context}
        )


def _tree(nodes: list[Node]) -> list[Node]:
    """Those that stand at the top of what the viewer sees, with the others below them."""
    by_id = {node.department.pk: node for node in nodes}
    roots: list[Node] = []
    for node in nodes:
        above = by_id.get(node.department.parent_id) if node.department.parent_id else None
        (above.below if above is not None else roots).append(node)
    return roots


def _counts(model: Any) -> dict[UUID, int]:
    return dict(model.objects.order_by().values_list("department_id").annotate(count=Count("pk")))


def _address(pk: UUID) -> str:
    return reverse("admin:rbac_department_change", args=[pk])


def _cleaned(form: forms.Form) -> dict[str, Any]:
    """Raises Invalid with the first thing that is wrong: the page shows it above its forms."""
    if not form.is_valid():
        name, errors = next(iter(form.errors.items()))
        label = form.fields[name].label or name.capitalize() if name in form.fields else ""
        raise Invalid("invalid", f"{label}: {errors[0]}" if label else str(errors[0]), field=name)
    return form.cleaned_data


def _reason(request: HttpRequest) -> str:
    """Raises Invalid: whoever is moved can be told why."""
    reason = request.POST.get("reason", "").strip()[:500]
    if not reason:
        raise Invalid("invalid", "Say why: write the reason beside the button.", field="reason")
    return reason


def _member(department: Department, target: str) -> DepartmentMember:
    try:
        pk = UUID(target)
    except ValueError as error:
        raise Http404 from error
    found = DepartmentMember.objects.select_related("user").filter(department=department, pk=pk).first()
    if found is None:
        raise Http404
    return found


def _positions(department: Department) -> list[WantedPosition]:
    rows = Position.objects.filter(department=department).select_related("role")
    return [WantedPosition(row.key, row.name, row.role) for row in rows]


@admin.register(DepartmentMember)
class DepartmentMemberAdmin(UplineModelAdmin):
    plural = "Department members"
    view_keys = READ_KEYS
    scope_by = "user_id"
    intro = "Everybody who is in a department. They are taken in and let go on its page."
    empty_text = "Open a department to take somebody in."
    list_display = ("who", "department", "position", "created_at")
    list_select_related = ("user", "department", "position")
    list_filter = ("department",)
    search_prefixes = ("user__email",)
    search_help_text = "The beginning of an e-mail"

    @admin.display(description="member", ordering="user__email")
    def who(self, member: DepartmentMember) -> str:
        return named(member.user, member.user.email)


@admin.register(Position)
class PositionAdmin(UplineModelAdmin):
    view_keys = READ_KEYS
    intro = "Every position of every department, and the role it gives. They are changed on the department's page."
    list_display = ("name", "department", "role", "key")
    list_select_related = ("department", "role")
    list_filter = ("department",)
    search_prefixes = ("name", "key")
    search_help_text = "The beginning of a name or key"
    ordering = ("department__code", "id")
