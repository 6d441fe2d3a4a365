"""Which roles a user holds, where and until when (spec: api.md, Roles and departments)."""

from typing import Any
from uuid import UUID

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from apps.core.api.views import ApiView
from apps.core.errors import NotFound
from apps.rbac import selectors, services
from apps.rbac.access import access_of, requires
from apps.rbac.api import serializers
from apps.rbac.models import PlatformRole, Scope, UserRole

READ_KEYS = ("role.read", "rbac.user_roles.manage")
WRITE_KEYS = ("role.update", "rbac.user_roles.manage")
READ, WRITE = requires(*READ_KEYS, at="scoped"), requires(*WRITE_KEYS, at="scoped")


class UserRolesView(ApiView):
    """Every role a user holds here; not paged, since people hold few."""

    access = {"GET": READ, "POST": WRITE}
    serializer_class = serializers.Assignments

    def get(self, request: Request, pk: UUID) -> Response:
        user = selectors.find_user(pk, access_of(request), *READ_KEYS)
        return Response(self.get_serializer({"results": selectors.roles_given_to(user)}).data)

    @extend_schema(request=serializers.AssignmentRequest, responses={201: serializers.AssignmentRow})
    def post(self, request: Request, pk: UUID) -> Response:
        """Give a role. Nobody gives one with permissions they lack."""
        access = access_of(request)
        user = selectors.find_user(pk, access, *WRITE_KEYS)
        serializer = serializers.AssignmentRequest(data=request.data)
        serializer.is_valid(raise_exception=True)
        data: dict[str, Any] = serializer.validated_data
        role, scope = selectors.find_role(data["role"]), data.get("scope", {"kind": Scope.SITE})
        how = {"expires_at": data.get("expires_at"), "reason": data["reason"], "actor": request.user, "access": access}
        made: UserRole | PlatformRole
        if scope["kind"] == Scope.PLATFORM:
            made = services.grant_platform_role(user=user, role_key=role.key, **how)
        else:
            made = services.assign_role(
                user=user, role=role, scope=scope["kind"], scope_id=scope.get("id"), **how
            )  # fmt: skip
        return Response(row(made), status=201)


class UserRoleView(ApiView):
    """One role that a user holds."""

    access = {"PUT": WRITE, "DELETE": WRITE}
    serializer_class = serializers.AssignmentRow

    @extend_schema(request=serializers.AssignmentChange, responses=serializers.AssignmentRow)
    def put(self, request: Request, pk: UUID, user_role_id: UUID) -> Response:
        """Another role, scope or end. What is left out stays."""
        assignment = find(request, pk, user_role_id)
        serializer = serializers.AssignmentChange(data=request.data)
        serializer.is_valid(raise_exception=True)
        data: dict[str, Any] = serializer.validated_data
        scope = data.get("scope", {})
        changed = services.change_assignment(
            assignment=assignment, actor=request.user, access=access_of(request),
            role=selectors.find_role(data["role"]) if "role" in data else None,
            scope=scope.get("kind", ""), scope_id=scope.get("id"), expires_at=data.get("expires_at", ...),
            reason=data["reason"],
        )  # fmt: skip
        return Response(row(changed))

    @extend_schema(responses={204: None})
    def delete(self, request: Request, pk: UUID, user_role_id: UUID) -> Response:
        assignment = find(request, pk, user_role_id)
        services.revoke_role(assignment=assignment, actor=request.user, access=access_of(request))
        return Response(status=204)


def find(request: Request, pk: UUID, user_role_id: UUID) -> UserRole | PlatformRole:
    """Raises NotFound, for a user whose rows the caller doesn't see as well."""
    user = selectors.find_user(pk, access_of(request), *WRITE_KEYS)
    here = selectors.assignments().filter(user=user, pk=user_role_id).first()
    found = here or PlatformRole.objects.filter(user=user, pk=user_role_id).first()
    if found is None:
        raise NotFound()
    return found


def row(assignment: UserRole | PlatformRole) -> dict[str, Any]:
    shown = (
        selectors.given_everywhere([assignment])
        if isinstance(assignment, PlatformRole)
        else selectors.given([assignment])
    )
    return dict(serializers.AssignmentRow(shown[0]).data)
