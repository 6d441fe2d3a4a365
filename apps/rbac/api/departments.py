"""Departments, their positions and their members (spec: api.md, Roles and departments)."""

from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from apps.core.api.views import ApiView, ListView
from apps.core.errors import Invalid, NotFound
from apps.rbac import selectors, services
from apps.rbac.access import access_of, requires
from apps.rbac.api import serializers
from apps.rbac.models import Department, DepartmentMember, Position
from apps.rbac.services.departments import CREATE_KEYS, UPDATE_KEYS, WantedPosition

READ_KEYS, DELETE_KEYS = ("department.read",), ("department.delete",)
READ, CREATE = requires(*READ_KEYS, at="scoped"), requires(*CREATE_KEYS, at="scoped")
UPDATE, DELETE = requires(*UPDATE_KEYS, at="scoped"), requires(*DELETE_KEYS, at="scoped")


class DepartmentListView(ListView):
    """The departments the caller works for, with their positions."""

    access = {"GET": READ, "POST": CREATE}
    serializer_class = serializers.DepartmentRow
    queryset = Department.objects.none()

    def get_queryset(self) -> QuerySet[Department]:
        return selectors.with_positions(selectors.departments_seen(access_of(self.request), *READ_KEYS))

    @extend_schema(request=serializers.DepartmentRequest, responses={201: serializers.DepartmentRow})
    def post(self, request: Request) -> Response:
        """Make one. Who works for a department makes new ones below it only."""
        serializer = serializers.DepartmentRequest(data=request.data)
        serializer.is_valid(raise_exception=True)
        changes = {"purpose": "", **_resolved(request, serializer.validated_data, CREATE_KEYS)}
        department = services.create_department(actor=request.user, access=access_of(request), **changes)
        return Response(row(department), status=201)


class DepartmentView(ApiView):
    """One department."""

    access = {"GET": READ, "PUT": UPDATE, "DELETE": DELETE}
    serializer_class = serializers.DepartmentRow

    def get(self, request: Request, pk: UUID) -> Response:
        department = selectors.find_department(pk, access_of(request), *READ_KEYS)
        return Response(row(department))

    @extend_schema(request=serializers.DepartmentChange)
    def put(self, request: Request, pk: UUID) -> Response:
        """Change it. What is left out stays; `positions` replaces all of them."""
        department = selectors.find_department(pk, access_of(request), *UPDATE_KEYS)
        serializer = serializers.DepartmentChange(data=request.data)
        serializer.is_valid(raise_exception=True)
        changes = _resolved(request, serializer.validated_data, UPDATE_KEYS)
        department = services.update_department(
            department=department, actor=request.user, access=access_of(request), **changes
        )
        return Response(row(department))

    @extend_schema(responses={204: None})
    def delete(self, request: Request, pk: UUID) -> Response:
        department = selectors.find_department(pk, access_of(request), *DELETE_KEYS)
        services.delete_department(department=department, actor=request.user)
        return Response(status=204)


class MemberListView(ListView):
    """Who is in a department."""

    access = {"GET": READ, "POST": UPDATE}
    serializer_class = serializers.MemberRow
    queryset = DepartmentMember.objects.none()

    def get_queryset(self) -> QuerySet[DepartmentMember]:
        department = selectors.find_department(self.kwargs["pk"], access_of(self.request), *READ_KEYS)
        return DepartmentMember.objects.filter(department=department).select_related("user", "position")

    @extend_schema(request=serializers.MemberRequest, responses={201: serializers.MemberRow})
    def post(self, request: Request, pk: UUID) -> Response:
        """Take somebody in. Their position gives them its role."""
        access = access_of(request)
        department = selectors.find_department(pk, access, *UPDATE_KEYS)
        serializer = serializers.MemberRequest(data=request.data)
        serializer.is_valid(raise_exception=True)
        data: dict[str, Any] = serializer.validated_data
        member = services.add_member(
            department=department, user=selectors.find_user(data["user_id"], access, *UPDATE_KEYS),
            position=_position(department, data.get("position")), actor=request.user, access=access,
        )  # fmt: skip
        return Response(serializers.MemberRow(member).data, status=201)


class MemberView(ApiView):
    """One person's place in a department."""

    access = {"PATCH": UPDATE, "DELETE": UPDATE}
    serializer_class = serializers.MemberRow

    @extend_schema(request=serializers.MemberPlace)
    def patch(self, request: Request, pk: UUID, member_id: UUID) -> Response:
        """Into another position, or none."""
        member = _member(request, pk, member_id)
        serializer = serializers.MemberPlace(data=request.data)
        serializer.is_valid(raise_exception=True)
        position = _position(member.department, serializer.validated_data["position"])
        member = services.place_member(
            member=member, position=position, actor=request.user, access=access_of(request)
        )  # fmt: skip
        return Response(self.get_serializer(member).data)

    @extend_schema(responses={204: None})
    def delete(self, request: Request, pk: UUID, member_id: UUID) -> Response:
        """Let them go, and the role of their position with them."""
        member = _member(request, pk, member_id)
        services.remove_member(member=member, actor=request.user, access=access_of(request))
        return Response(status=204)


def row(department: Department) -> dict[str, Any]:
    shown = selectors.with_positions(Department.objects.all()).get(pk=department.pk)
    return dict(serializers.DepartmentRow(shown).data)


def _member(request: Request, pk: UUID, member_id: UUID) -> DepartmentMember:
    department = selectors.find_department(pk, access_of(request), *UPDATE_KEYS)
    rows = DepartmentMember.objects.select_related("department", "user", "position")
    found = rows.filter(department=department, pk=member_id).first()
    if found is None:
        raise NotFound()
    return found


def _position(department: Department, key: str | None) -> Position | None:
    if key is None:
        return None
    found = Position.objects.select_related("role").filter(department=department, key=key).first()
    if found is None:
        raise Invalid("position_unknown", "This department has no such position.", field="position")
    return found


def _resolved(request: Request, data: dict[str, Any], keys: tuple[str, ...]) -> dict[str, Any]:
    """Ids as what they name, as far as the caller works for it. Raises NotFound."""
    changes, access = dict(data), access_of(request)
    if "parent_id" in changes:
        parent_id = changes.pop("parent_id")
        changes["parent"] = selectors.find_department(parent_id, access, *keys) if parent_id else None
    if "head_id" in changes:
        head_id = changes.pop("head_id")
        changes["head"] = selectors.find_user(head_id, access, *keys) if head_id else None
    if "positions" in changes:
        changes["positions"] = [
            WantedPosition(item["key"], item["name"], selectors.find_role(item["role"]))
            for item in changes["positions"]
        ]
    return changes
