"""Departments, roles, what they hold, and who holds them where (H1-H3, A1)."""

from typing import Any, ClassVar

from django.conf import settings
from django.core.validators import RegexValidator
from django.db import models
from django.utils import timezone

from apps.core.ids import uuid7
from apps.core.models import SiteForeignKey, SiteModel


class Permission(models.Model):
    """One key of the catalogue, shared by all sites; written by `seed` from apps.rbac.catalogue."""

    key = models.CharField(primary_key=True, max_length=64)
    resource = models.CharField(max_length=48)
    action = models.CharField(max_length=24)
    name = models.CharField(max_length=80)

    class Meta:
        ordering = ["key"]

    def __str__(self) -> str:
        return self.key


class Role(SiteModel):
    """A named set of permissions at a site. The eleven system roles exist at every site and never change.

    A role holds what is given to it and all that its `parent` holds.
    """

    key = models.CharField(max_length=40, validators=[RegexValidator(r"^[a-z][a-z0-9_]{1,39}$")])
    name = models.CharField(max_length=80)
    description = models.CharField(max_length=200, blank=True, default="")
    parent = SiteForeignKey("self", models.PROTECT, null=True, blank=True, related_name="children")
    is_system = models.BooleanField(default=False, editable=False)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        ordering = ["key"]
        constraints = [models.UniqueConstraint(fields=["site", "key"], name="rbac_role_key")]

    def __str__(self) -> str:
        return self.name


class RolePermission(SiteModel):
    """A key that a role holds. What comes from its parents is stored as well, as `inherited` rows that
    `services.inheritance` keeps: whoever asks what a role holds need not know that there are parents (ADR 0008)."""

    role = SiteForeignKey(Role, models.CASCADE, related_name="permissions")
    permission = models.ForeignKey(Permission, models.PROTECT, related_name="+")
    inherited = models.BooleanField(default=False, db_default=False, editable=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["site", "role", "permission", "inherited"], name="rbac_role_permission_once"
            )
        ]

    def __str__(self) -> str:
        return self.permission_id


class Scope(models.TextChoices):
    OWN = "own", "Own rows and own downline"
    ENTERPRISE = "enterprise", "One enterprise"
    DEPARTMENT = "department", "One department"
    SITE = "site", "This site"
    PLATFORM = "platform", "Every site"


class Department(SiteModel):
    """A part of the site's organisation. `head` is one of the site's members."""

    code = models.CharField(max_length=40, validators=[RegexValidator(r"^[A-Z][A-Z0-9_]{1,39}$")])
    name = models.CharField(max_length=80)
    purpose = models.CharField(max_length=200, blank=True, default="")
    parent = SiteForeignKey("self", models.PROTECT, null=True, blank=True, related_name="children")
    head = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+")
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        ordering = ["code"]
        constraints = [models.UniqueConstraint(fields=["site", "code"], name="rbac_department_code")]

    def __str__(self) -> str:
        return self.name


class Position(SiteModel):
    """A post in a department. Whoever is in it holds its role at the site."""

    department = SiteForeignKey(Department, models.PROTECT, related_name="positions")
    key = models.CharField(max_length=40, validators=[RegexValidator(r"^[a-z][a-z0-9_]{1,39}$")])
    name = models.CharField(max_length=80)
    role = SiteForeignKey(Role, models.PROTECT, related_name="positions")

    class Meta:
        ordering = ["id"]
        constraints = [models.UniqueConstraint(fields=["site", "department", "key"], name="rbac_position_key")]

    def __str__(self) -> str:
        return self.name


class DepartmentMember(SiteModel):
    """A user in a department, perhaps in one of its positions."""

    department = SiteForeignKey(Department, models.PROTECT, related_name="members")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    position = SiteForeignKey(Position, models.PROTECT, null=True, blank=True, related_name="members")
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["site", "department", "user"], name="rbac_member_once")]
        indexes = [models.Index(fields=["site", "user"], name="rbac_member_user")]

    def __str__(self) -> str:
        return str(self.user)


class UserRoleQuerySet(models.QuerySet["UserRole"]):
    def current(self) -> "UserRoleQuerySet":
        """Without those that have ended."""
        return self.filter(models.Q(expires_at=None) | models.Q(expires_at__gt=timezone.now()))


class UserRole(SiteModel):
    """A role given to a user at this site. `scope_id` names the department or enterprise of those scopes; an enterprise is
    named by its user. With `member` it came with a position, and goes with it."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    role = SiteForeignKey(Role, models.PROTECT, related_name="assignments")
    scope = models.CharField(max_length=10, choices=Scope, default=Scope.SITE)
    scope_id = models.UUIDField(null=True, blank=True)
    member = SiteForeignKey(DepartmentMember, models.PROTECT, null=True, blank=True, related_name="assignments")
    expires_at = models.DateTimeField(null=True, blank=True)
    granted_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+")
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    objects: ClassVar[Any] = UserRoleQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["site", "user", "role", "scope", "scope_id", "member"],
                name="rbac_user_role_once",
                nulls_distinct=False,
            ),
            models.CheckConstraint(condition=~models.Q(scope="platform"), name="rbac_user_role_not_platform"),
        ]
        indexes = [models.Index(fields=["site", "user"], name="rbac_user_role_user")]

    def __str__(self) -> str:
        return f"{self.role}: {self.user}"


class PlatformRole(models.Model):
    """A role held at every site. A table of its own, because no site owns the row; so far only super admins have one."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    role_key = models.CharField(max_length=40)
    expires_at = models.DateTimeField(null=True, blank=True)
    granted_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+")
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["user", "role_key"], name="rbac_platform_role_once")]

    def __str__(self) -> str:
        return f"{self.role_key} everywhere: {self.user}"
