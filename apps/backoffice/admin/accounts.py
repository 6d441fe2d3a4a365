"""Members of the site at work, their sign-ins, and the keys of its servers."""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from apps.accounts import services
from apps.accounts.models import ApiKey, Membership, RefreshToken, User
from apps.core.backoffice import UplineModelAdmin, attempt, may


@admin.register(User)
class UserAdmin(UplineModelAdmin):
    """Users are shared by all sites; this one sees its members."""

    view_keys = ("user.read",)
    list_display = ("email", "full_name", "is_active", "date_joined")
    search_prefixes = ("email",)
    search_help_text = "The beginning of an e-mail."
    exclude = ("password", "token_version", "last_login")

    def get_queryset(self, request: HttpRequest) -> QuerySet[User]:
        return User.objects.members().order_by("-id")


@admin.register(Membership)
class MembershipAdmin(UplineModelAdmin):
    view_keys = ("user.read",)
    list_display = ("user", "user_type", "is_active", "joined_at")
    list_select_related = ("user",)
    list_filter = ("user_type", "is_active")
    search_prefixes = ("user__email",)
    actions = ("suspend", "restore")

    def has_standing_permission(self, request: HttpRequest) -> bool:
        return may(request, ("user.update", "user.manage"))

    @admin.action(description="Suspend", permissions=["standing"])
    def suspend(self, request: HttpRequest, queryset: QuerySet[Membership]) -> None:
        self._set(request, queryset, is_active=False)

    @admin.action(description="Restore", permissions=["standing"])
    def restore(self, request: HttpRequest, queryset: QuerySet[Membership]) -> None:
        self._set(request, queryset, is_active=True)

    def _set(self, request: HttpRequest, queryset: QuerySet[Membership], *, is_active: bool) -> None:
        def act(row: Membership) -> None:
            services.set_member_active(user=row.user, is_active=is_active, actor=request.user, reason="Back office")

        done = "members restored" if is_active else "members suspended"
        attempt(request, queryset.select_related("user"), act, done=done)


@admin.register(RefreshToken)
class RefreshTokenAdmin(UplineModelAdmin):
    """Sign-ins: when, from where, and whether they still hold."""

    view_keys = ("user.manage", "permission.read")
    list_display = ("user", "created_at", "expires_at", "used_at", "revoked_at", "ip", "user_agent")
    list_select_related = ("user",)
    search_prefixes = ("user__email",)
    exclude = ("jti_hash",)


@admin.register(ApiKey)
class ApiKeyAdmin(UplineModelAdmin):
    view_keys = ("permission.read", "permission.manage")
    list_display = ("name", "prefix", "scopes", "created_at", "last_used_at", "revoked_at")
    exclude = ("key_hash",)
    actions: Any = ("revoke",)

    def has_revoke_permission(self, request: HttpRequest) -> bool:
        return may(request, ("permission.manage",))

    @admin.action(description="Revoke", permissions=["revoke"])
    def revoke(self, request: HttpRequest, queryset: QuerySet[ApiKey]) -> None:
        attempt(
            request, queryset, lambda key: services.revoke_api_key(key=key, actor=request.user), done="keys revoked"
        )
