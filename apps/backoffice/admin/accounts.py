"""Members of the site at work, their sign-ins, and the keys of its servers."""

from typing import Any

from django import forms
from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse

from apps.accounts import services
from apps.accounts.models import ApiKey, Membership, RefreshToken, User
from apps.core.backoffice import ReasonForm, UplineModelAdmin, attempt, attempt_with_reason, json_text, may, named
from apps.core.errors import DomainError
from apps.rbac import catalogue
from apps.rbac.access import access_of

STANDING = ("user.update", "user.manage")


@admin.register(User)
class UserAdmin(UplineModelAdmin):
    """Users are shared by all sites; this one sees its members."""

    plural = "Logins"
    view_keys = ("user.read",)
    list_display = ("email", "full_name", "is_active", "date_joined")
    search_prefixes = ("email",)
    search_help_text = "The beginning of an e-mail"
    intro = "The logins of this site's members. A login may belong to several sites."
    exclude = ("password", "token_version", "last_login")
    scope_by = "pk"

    def get_queryset(self, request: HttpRequest) -> QuerySet[User]:
        return self.seen(request, User.objects.members().order_by("-id"))


@admin.register(Membership)
class MembershipAdmin(UplineModelAdmin):
    plural = "Members"
    view_keys = ("user.read",)
    list_display = ("who", "user_type", "is_active", "joined_at")
    intro = "Who belongs to this site. A suspended member is shut out at their next request."
    search_help_text = "The beginning of an e-mail"
    action_form = ReasonForm
    list_select_related = ("user",)
    list_filter = ("user_type", "is_active")
    search_prefixes = ("user__email",)
    actions = ("suspend", "restore")
    scope_by = "user_id"

    def has_standing_permission(self, request: HttpRequest) -> bool:
        return self.may(request, *STANDING)

    @admin.action(description="Suspend", permissions=["standing"])
    def suspend(self, request: HttpRequest, queryset: QuerySet[Membership]) -> None:
        self._set(request, queryset, is_active=False)

    @admin.action(description="Restore", permissions=["standing"])
    def restore(self, request: HttpRequest, queryset: QuerySet[Membership]) -> None:
        self._set(request, queryset, is_active=True)

    def title_of(self, obj: Membership) -> str:
        return str(obj.user)

    @admin.display(description="member", ordering="user__email")
    def who(self, membership: Membership) -> str:
        return named(membership.user, membership.user.email)

    def offers(self, action: str, obj: Membership) -> bool:
        return obj.is_active == (action == "suspend")

    def _set(self, request: HttpRequest, queryset: QuerySet[Membership], *, is_active: bool) -> None:
        def act(row: Membership, reason: str) -> None:
            services.set_member_active(user=row.user, is_active=is_active, actor=request.user, reason=reason)

        queryset = self.theirs(request, queryset, *STANDING)
        done = "member{s} restored" if is_active else "member{s} suspended"
        attempt_with_reason(request, queryset.select_related("user"), act, done=done)


@admin.register(RefreshToken)
class RefreshTokenAdmin(UplineModelAdmin):
    """Sign-ins: when, from where, and whether they still hold."""

    plural = "Sign-ins"
    view_keys = ("user.manage", "permission.read")
    intro = "Sign-ins: when, from where, and whether they still hold."
    search_help_text = "The beginning of an e-mail"
    list_display = ("user", "created_at", "expires_at", "used_at", "revoked_at", "ip", "user_agent")
    list_select_related = ("user",)
    search_prefixes = ("user__email",)
    exclude = ("jti_hash",)


class ApiKeyForm(forms.Form):
    """What a new key is for. Its secret is made by the service."""

    name = forms.CharField(max_length=80, help_text="What holds it, such as the shop's server.")
    scopes = forms.MultipleChoiceField(widget=forms.CheckboxSelectMultiple, help_text="Give no more than it needs.")

    def __init__(self, *args: Any, held: list[str], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        choices = [(key, key) for key in (*catalogue.KEY_SCOPES, *held)]
        self.fields["scopes"].choices = choices  # type: ignore[attr-defined]


@admin.register(ApiKey)
class ApiKeyAdmin(UplineModelAdmin):
    plural = "API keys"
    view_keys = ("permission.read", "permission.manage")
    add_keys = ("permission.manage",)
    list_display = ("name", "prefix", "scopes_shown", "created_at", "last_used_at", "revoked_at")
    json_fields = ("scopes",)
    exclude = ("key_hash",)
    actions: Any = ("rotate", "revoke")
    intro = "By these the servers of shops sign in. A key is shown once, when it is made."
    add_word = "New key"
    empty_text = "A shop needs one before it can report orders."

    @admin.display(description="scopes")
    def scopes_shown(self, key: ApiKey) -> str:
        return json_text(key.scopes)

    def has_revoke_permission(self, request: HttpRequest) -> bool:
        return may(request, ("permission.manage",))

    def offers(self, action: str, obj: ApiKey) -> bool:
        return obj.revoked_at is None

    def add_view(self, request: HttpRequest, form_url: str = "", extra_context: Any = None) -> HttpResponse:
        """The answer to the form is the only page that ever shows the key."""
        if not self.has_add_permission(request):
            raise PermissionDenied
        access, actor = access_of(request), request.user
        held = [key for key in access.keys if access.at_site(key)]
        form = ApiKeyForm(request.POST or None, held=held)
        if request.method == "POST" and form.is_valid():
            try:
                with transaction.atomic():
                    key, raw = services.create_api_key(**form.cleaned_data, actor=actor, access=access)
                return self._show(request, [(key, raw)])
            except DomainError as error:
                form.add_error(error.field if error.field in form.fields else None, error.message)
        context = {**self.admin_site.each_context(request), "opts": self.opts, "title": self.add_word, "form": form}
        return TemplateResponse(request, "admin/tools/api_key.html", context)

    @admin.action(description="Rotate: a new secret, the old one ends now", permissions=["revoke"])
    def rotate(self, request: HttpRequest, queryset: QuerySet[ApiKey]) -> HttpResponse | None:
        made: list[tuple[ApiKey, str]] = []

        def act(key: ApiKey) -> None:
            raw = services.rotate_api_key(key=key, actor=request.user)
            made.append((key, raw))

        attempt(request, queryset, act, done="key{s} rotated")
        return self._show(request, made) if made else None

    def _show(self, request: HttpRequest, made: list[tuple[ApiKey, str]]) -> HttpResponse:
        context = {**self.admin_site.each_context(request), "opts": self.opts, "title": "Keep it now", "made": made}
        response = TemplateResponse(request, "admin/tools/api_key_shown.html", context)
        response["Cache-Control"] = "no-store"
        return response

    @admin.action(description="Revoke", permissions=["revoke"])
    def revoke(self, request: HttpRequest, queryset: QuerySet[ApiKey]) -> None:
        attempt(
            request, queryset, lambda key: services.revoke_api_key(key=key, actor=request.user), done="key{s} revoked"
        )
