"""Roles, what they hold, and the matrix (spec: api.md, Roles and departments)."""

from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from apps.core.api.pagination import SignedCursorPagination
from apps.core.api.views import ApiView, ListView
from apps.core.errors import NotFound
from apps.rbac import selectors, services
from apps.rbac.access import access_of, requires
from apps.rbac.api import serializers
from apps.rbac.models import Permission, Role

READ = requires("role.read", "rbac.roles.manage")
CREATE = requires("role.create", "rbac.roles.manage")
UPDATE = requires("role.update", "rbac.roles.manage")
DELETE = requires("role.delete", "rbac.roles.manage")
PERMISSIONS = requires("role.update", "rbac.permissions.manage")


class RoleView(ApiView):
    """One role with all it holds."""

    access = {"GET": READ, "PUT": UPDATE, "DELETE": DELETE}
    serializer_class = serializers.RoleRow

    def get(self, request: Request, pk: UUID) -> Response:
        return Response(row(find(pk)))

    @extend_schema(request=serializers.RoleChange)
    def put(self, request: Request, pk: UUID) -> Response:
        """Change a role of the site's own. What is left out stays."""
        role = find(pk)
        serializer = serializers.RoleChange(data=request.data)
        serializer.is_valid(raise_exception=True)
        changes = _with_parent(serializer.validated_data)
        role = services.update_role(role=role, actor=request.user, access=access_of(request), **changes)
        return Response(row(role))

    @extend_schema(responses={204: None})
    def delete(self, request: Request, pk: UUID) -> Response:
        services.delete_role(role=find(pk), actor=request.user, access=access_of(request))
        return Response(status=204)


class RoleListView(ListView):
    """The site's roles, its own and the eleven of the system."""

    access = {"GET": READ, "POST": CREATE}
    serializer_class = serializers.RoleRow
    queryset = Role.objects.none()

    def get_queryset(self) -> QuerySet[Role]:
        return Role.objects.select_related("parent")

    def shown(self, page: Any, site: Any = None) -> Any:
        return serializers.RoleRow(page, many=True, context=_context(page)).data

    @extend_schema(request=serializers.RoleRequest, responses={201: serializers.RoleRow})
    def post(self, request: Request) -> Response:
        """Make a role of the site's own."""
        serializer = serializers.RoleRequest(data=request.data)
        serializer.is_valid(raise_exception=True)
        data = {"description": "", "permissions": [], **_with_parent(serializer.validated_data)}
        role = services.create_role(actor=request.user, access=access_of(request), **data)
        return Response(row(role), status=201)


class MatrixView(ApiView):
    """Every role, every permission, and which role holds which."""

    access = {"GET": READ}
    serializer_class = serializers.Matrix

    def get(self, request: Request) -> Response:
        return Response(self.get_serializer(selectors.matrix()).data)


class RolePermissionsView(ApiView):
    """Add permissions to a role."""

    access = {"POST": PERMISSIONS}
    serializer_class = serializers.PermissionKeys

    @extend_schema(responses=serializers.RoleRow)
    def post(self, request: Request, pk: UUID) -> Response:
        role, keys = find(pk), self.validated(request)["permissions"]
        role = services.give_permissions(role=role, permissions=keys, actor=request.user, access=access_of(request))
        return Response(row(role))


class RolePermissionView(ApiView):
    """Take one permission from a role."""

    access = {"DELETE": PERMISSIONS}
    serializer_class = serializers.RoleRow

    @extend_schema(responses={204: None})
    def delete(self, request: Request, pk: UUID, key: str) -> Response:
        services.take_permission(role=find(pk), permission=key, actor=request.user, access=access_of(request))
        return Response(status=204)


class ByKey(SignedCursorPagination):
    ordering = "key"


class PermissionListView(ListView):
    """Every permission there is. Keys say what, the scope of an assignment says whose."""

    access = {"GET": requires("permission.read", "role.read", "rbac.permissions.manage", "rbac.roles.manage")}
    serializer_class = serializers.PermissionRow
    pagination_class = ByKey
    queryset = Permission.objects.none()

    def get_queryset(self) -> QuerySet[Permission]:
        return Permission.objects.all()


def find(pk: UUID) -> Role:
    """Raises NotFound, the same for one of another site."""
    role = Role.objects.select_related("parent").filter(pk=pk).first()
    if role is None:
        raise NotFound()
    return role


def row(role: Role) -> dict[str, Any]:
    return dict(serializers.RoleRow(role, context=_context([role])).data)


def _context(roles: list[Role]) -> dict[str, Any]:
    ids = [role.pk for role in roles]
    return {"held": selectors.held_by(ids), "departments": selectors.departments_of_roles(ids)}


def _with_parent(data: dict[str, Any]) -> dict[str, Any]:
    """`parent_id` as the role it names. Raises NotFound."""
    changes = dict(data)
    if "parent_id" in changes:
        parent_id = changes.pop("parent_id")
        parent = Role.objects.filter(pk=parent_id).first() if parent_id is not None else None
        if parent is None and parent_id is not None:
            raise NotFound(message="No role here has this id.", field="parent_id")
        changes["parent"] = parent
    return changes
