"""Roles and who holds them."""

from typing import Any

from django.contrib import admin
from django.db.models import Count, QuerySet
from django.http import HttpRequest

from apps.core.backoffice import UplineModelAdmin
from apps.rbac.models import Permission, PlatformRole, Role, RolePermission, UserRole


class PermissionInline(admin.TabularInline):
    model = RolePermission
    extra = 0
    can_delete = False

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return True

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(Role)
class RoleAdmin(UplineModelAdmin):
    intro = "What a role may do is fixed for system roles. Nobody grants a role with keys they lack themselves."
    search_help_text = "The beginning of a key"
    view_keys = ("role.read", "rbac.roles.manage")
    list_display = ("name", "key", "is_system", "parent", "held", "description")
    list_select_related = ("parent",)
    list_filter = ("is_system",)
    search_prefixes = ("key",)
    ordering = ("key",)
    inlines = (PermissionInline,)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        rows: QuerySet[Any] = super().get_queryset(request)
        return rows.annotate(keys_held=Count("permissions__permission_id", distinct=True))

    @admin.display(description="permissions")
    def held(self, role: Any) -> int:
        return int(role.keys_held)


@admin.register(Permission)
class PermissionAdmin(UplineModelAdmin):
    intro = "Keys say what, the scope of an assignment says whose. No key implies another."
    search_help_text = "The beginning of a key"
    view_keys = ("permission.read", "rbac.permissions.manage")
    list_display = ("key", "name", "resource", "action")
    list_filter = ("resource", "action")
    search_prefixes = ("key",)
    ordering = ("key",)


@admin.register(UserRole)
class UserRoleAdmin(UplineModelAdmin):
    plural = "Roles given"
    intro = "Who holds which role here, and who gave it to them."
    search_help_text = "The beginning of an e-mail"
    view_keys = ("role.read", "rbac.user_roles.manage")
    list_display = ("user", "role", "scope", "granted_by", "expires_at", "created_at")
    list_select_related = ("user", "role", "granted_by")
    list_filter = ("scope",)
    search_prefixes = ("user__email",)
    scope_by = "user_id"

    def title_of(self, obj: UserRole) -> str:
        return f"{obj.role.name}: {obj.user}"


@admin.register(PlatformRole)
class PlatformRoleAdmin(UplineModelAdmin):
    """Every site's staff may see who has the run of all of them."""

    intro = "Who has the run of all sites."

    view_keys = ("role.read",)
    list_display = ("user", "role_key", "expires_at", "created_at")
    list_select_related = ("user",)
