"""Shapes of the API about roles and departments. Rules are the services'."""

import re
from typing import Any

from django.utils.text import slugify
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from apps.core.api.fields import IdField
from apps.rbac.models import Department, DepartmentMember, Role, Scope

ROLE_KEY, DEPARTMENT_CODE = r"^[a-z][a-z0-9_]{1,39}$", r"^[A-Z][A-Z0-9_]{1,39}$"
Strings = serializers.ListField(child=serializers.CharField())


class PermissionRow(serializers.Serializer[Any]):
    id = serializers.CharField(source="key")
    key = serializers.CharField()
    resource = serializers.CharField()
    action = serializers.CharField()
    name = serializers.CharField()


class RoleRow(serializers.ModelSerializer[Role]):
    """`permissions` is all that the role holds, `inherited` the part that comes from its parents."""

    parent_key = serializers.SerializerMethodField()
    department = serializers.SerializerMethodField()
    permissions = serializers.SerializerMethodField()
    inherited = serializers.SerializerMethodField()

    class Meta:
        model = Role
        fields = (
            "id", "key", "name", "description", "is_system", "parent_id", "parent_key", "department", "permissions", "inherited",
            "created_at",
        )  # fmt: skip
        read_only_fields = fields

    @extend_schema_field(serializers.CharField(allow_null=True))
    def get_parent_key(self, role: Role) -> str | None:
        return role.parent.key if role.parent is not None else None

    @extend_schema_field(serializers.CharField(allow_null=True))
    def get_department(self, role: Role) -> str | None:
        departments: dict[Any, str] = self.context["departments"]
        return departments.get(role.pk)

    @extend_schema_field(Strings)
    def get_permissions(self, role: Role) -> list[str]:
        return sorted(self.context["held"][role.pk].all)

    @extend_schema_field(Strings)
    def get_inherited(self, role: Role) -> list[str]:
        return sorted(self.context["held"][role.pk].inherited)


class PermissionKeys(serializers.Serializer[Any]):
    permissions = serializers.ListField(child=serializers.CharField(max_length=64), max_length=200)


class RoleChange(serializers.Serializer[Any]):
    name = serializers.CharField(max_length=80, required=False)
    description = serializers.CharField(max_length=200, required=False, allow_blank=True)
    parent_id = IdField(required=False, allow_null=True)
    permissions = serializers.ListField(child=serializers.CharField(max_length=64), max_length=200, required=False)


class RoleRequest(RoleChange):
    """Without `key` it follows from the name."""

    name = serializers.CharField(max_length=80)
    key = serializers.RegexField(ROLE_KEY, required=False)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        key = attrs.get("key") or slugify(attrs["name"]).replace("-", "_")[:40]
        if not re.match(ROLE_KEY, key):
            raise serializers.ValidationError({"key": "Give it a key: small letters, digits and _."}, code="required")
        return {**attrs, "key": key}


class MatrixRole(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    key = serializers.CharField()
    name = serializers.CharField()
    is_system = serializers.BooleanField()
    department = serializers.CharField(allow_null=True)


class MatrixPermission(serializers.Serializer[Any]):
    key = serializers.CharField()
    resource = serializers.CharField()
    action = serializers.CharField()
    name = serializers.CharField()


class MatrixCell(serializers.Serializer[Any]):
    role = IdField()
    permission = serializers.CharField()


class Matrix(serializers.Serializer[Any]):
    roles = MatrixRole(many=True)
    permissions = MatrixPermission(many=True)
    role_permissions = MatrixCell(many=True)


class ScopeValue(serializers.Serializer[Any]):
    kind = serializers.ChoiceField(choices=Scope.choices)
    id = IdField(required=False, allow_null=True)


class AssignmentRequest(serializers.Serializer[Any]):
    """`role` is a key or an id."""

    role = serializers.CharField(max_length=64)
    scope = ScopeValue(required=False)
    expires_at = serializers.DateTimeField(required=False, allow_null=True)
    reason = serializers.CharField(max_length=500, required=False, allow_blank=True, default="")


class AssignmentChange(AssignmentRequest):
    role = serializers.CharField(max_length=64, required=False)


class Who(serializers.Serializer[Any]):
    id = serializers.UUIDField(source="pk")
    name = serializers.CharField(source="__str__")


class ScopeShown(serializers.Serializer[Any]):
    kind = serializers.CharField(source="scope")
    id = serializers.UUIDField(source="scope_id", allow_null=True)
    name = serializers.CharField(source="scope_name", allow_null=True)


class PositionShown(serializers.Serializer[Any]):
    key = serializers.CharField()
    name = serializers.CharField()


class AssignmentRow(serializers.Serializer[Any]):
    """A role somebody holds. With `position` it comes with that, and is changed there."""

    id = serializers.UUIDField()
    user_id = serializers.UUIDField()
    role = serializers.CharField()
    role_id = serializers.UUIDField(allow_null=True)
    role_name = serializers.CharField()
    scope = ScopeShown(source="*")
    expires_at = serializers.DateTimeField(allow_null=True)
    created_at = serializers.DateTimeField()
    granted_by = Who(allow_null=True)
    position = PositionShown(allow_null=True)


class Assignments(serializers.Serializer[Any]):
    results = AssignmentRow(many=True)


class PositionValue(serializers.Serializer[Any]):
    """`role` is a key or an id when written, a key when read."""

    key = serializers.RegexField(ROLE_KEY)
    name = serializers.CharField(max_length=80)
    role = serializers.CharField(max_length=64)


class DepartmentRow(serializers.ModelSerializer[Department]):
    head = Who(allow_null=True)
    positions = serializers.SerializerMethodField()

    class Meta:
        model = Department
        fields = ("id", "code", "name", "purpose", "parent_id", "head", "positions")
        read_only_fields = fields

    @extend_schema_field(PositionValue(many=True))
    def get_positions(self, department: Department) -> list[dict[str, str]]:
        return [{"key": p.key, "name": p.name, "role": p.role.key} for p in department.positions.all()]


class DepartmentChange(serializers.Serializer[Any]):
    name = serializers.CharField(max_length=80, required=False)
    purpose = serializers.CharField(max_length=200, required=False, allow_blank=True)
    parent_id = IdField(required=False, allow_null=True)
    head_id = IdField(required=False, allow_null=True)
    positions = PositionValue(many=True, required=False)


class DepartmentRequest(DepartmentChange):
    code = serializers.RegexField(DEPARTMENT_CODE)
    name = serializers.CharField(max_length=80)


class MemberRow(serializers.ModelSerializer[DepartmentMember]):
    user = Who()
    position = PositionShown(allow_null=True)

    class Meta:
        model = DepartmentMember
        fields = ("id", "user_id", "user", "position", "created_at")
        read_only_fields = fields


class MemberPlace(serializers.Serializer[Any]):
    """`position` is the key of one of the department's positions; null is none."""

    position = serializers.CharField(max_length=40, allow_null=True)


class MemberRequest(serializers.Serializer[Any]):
    user_id = IdField()
    position = serializers.CharField(max_length=40, required=False, allow_null=True)
