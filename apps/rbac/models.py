"""Roles, what they hold, and who holds them where (H2, H3, A1)."""

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
    """A named set of permissions at a site. The eleven system roles exist at every site and never change."""

    key = models.CharField(max_length=40, validators=[RegexValidator(r"^[a-z][a-z0-9_]{1,39}$")])
    name = models.CharField(max_length=80)
    description = models.CharField(max_length=200, blank=True, default="")
    is_system = models.BooleanField(default=False, editable=False)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        ordering = ["key"]
        constraints = [models.UniqueConstraint(fields=["site", "key"], name="rbac_role_key")]

    def __str__(self) -> str:
        return self.name


class RolePermission(SiteModel):
    role = SiteForeignKey(Role, models.CASCADE, related_name="permissions")
    permission = models.ForeignKey(Permission, models.PROTECT, related_name="+")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["site", "role", "permission"], name="rbac_role_permission_once")]

    def __str__(self) -> str:
        return self.permission_id


class Scope(models.TextChoices):
    OWN = "own", "Own rows and own downline"
    ENTERPRISE = "enterprise", "One enterprise"
    DEPARTMENT = "department", "One department"
    SITE = "site", "This site"
    PLATFORM = "platform", "Every site"


class UserRole(SiteModel):
    """A role given to a user at this site. `scope_id` names the department or enterprise of those scopes."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    role = SiteForeignKey(Role, models.PROTECT, related_name="assignments")
    scope = models.CharField(max_length=10, choices=Scope, default=Scope.SITE)
    scope_id = models.UUIDField(null=True, blank=True)
    expires_at = models.DateTimeField(null=True, blank=True)
    granted_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+")
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["site", "user", "role", "scope", "scope_id"], name="rbac_user_role_once", nulls_distinct=False
            ),
            models.CheckConstraint(condition=~models.Q(scope="platform"), name="rbac_user_role_not_platform"),
        ]
        indexes = [models.Index(fields=["site", "user"], name="rbac_user_role_user")]

    def __str__(self) -> str:
        return f"{self.role_id} {self.scope}"


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
        return f"{self.role_key} everywhere"
