"""Members of the site at work, their sign-ins, and the keys of its servers."""

from typing import Any

from django import forms
from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import Count, OuterRef, QuerySet, Subquery
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import reverse

from apps.accounts import services
from apps.accounts.models import (
    ApiKey,
    CryptoAddress,
    Membership,
    RecoveryCode,
    RefreshToken,
    SignIn,
    TwoFactorDevice,
    User,
)
from apps.backoffice.selectors import person
from apps.core.backoffice import (
    Outcome,
    ReasonForm,
    UplineModelAdmin,
    attempt,
    decision,
    json_text,
    may,
    named,
    tell,
)
from apps.core.errors import DomainError
from apps.core.tenancy import reading_across
from apps.rbac import catalogue
from apps.rbac.access import access_of
from apps.rbac.models import UserRole

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
    actions = ("suspend", "restore", "unlock", "sign_out")
    change_form_template = "admin/tools/person.html"
    scope_by = "user_id"
    fields = ("user", "email", "user_type", "enterprise", "spending_limit", "is_active", "joined_at")
    money_fields = ("spending_limit",)
    readonly_fields = ("email",)

    def has_standing_permission(self, request: HttpRequest) -> bool:
        return self.may(request, *STANDING)

    @decision("Suspend", needs="standing", done="member{s} suspended", keys=STANDING, reason=True)
    def suspend(self, request: HttpRequest, rows: QuerySet[Membership], reason: str) -> Outcome:
        return _set_active(request, rows, reason, is_active=False)

    @decision("Restore", needs="standing", done="member{s} restored", keys=STANDING, reason=True)
    def restore(self, request: HttpRequest, rows: QuerySet[Membership], reason: str) -> Outcome:
        return _set_active(request, rows, reason, is_active=True)

    @decision("Unlock the sign-in", needs="standing", done="sign-in{s} unlocked", keys=STANDING, reason=True)
    def unlock(self, request: HttpRequest, rows: QuerySet[Membership], reason: str) -> Outcome:
        actor: Any = request.user

        def act(row: Membership) -> None:
            services.unlock_sign_in(user=row.user, actor=actor, reason=reason)

        return attempt(rows.select_related("user"), act)

    @decision("Sign out everywhere here", needs="standing", done="member{s} signed out", keys=STANDING, reason=True)
    def sign_out(self, request: HttpRequest, rows: QuerySet[Membership], reason: str) -> Outcome:
        actor: Any = request.user

        def act(row: Membership) -> None:
            services.sign_out_user(user=row.user, actor=actor, reason=reason)

        return attempt(rows.select_related("user"), act)

    def _row_context(self, request: HttpRequest, obj: Membership) -> dict[str, Any]:
        """While all sites are read, the row by itself: what a person is, they are at one site."""
        context = super()._row_context(request, obj)
        if reading_across():
            return context
        give = self.admin_site.get_model_admin(UserRole).has_add_permission(request)
        url = reverse("admin:rbac_userrole_add") if give else ""
        return {**context, "person": person(request, obj), "give_role_url": url}

    def title_of(self, obj: Membership) -> str:
        return str(obj.user)

    def note_of(self, obj: Membership) -> str:
        return f"{obj.user.email}, {obj.get_user_type_display().lower()}"

    def related_history(self, obj: Membership) -> list[tuple[str, Any]]:
        return [("accounts.user", obj.user_id)]

    @admin.display(description="e-mail")
    def email(self, membership: Membership) -> str:
        return membership.user.email

    @admin.display(description="member", ordering="user__email")
    def who(self, membership: Membership) -> str:
        return named(membership.user, membership.user.email)

    def offers(self, action: str, obj: Membership) -> bool:
        if action == "unlock":
            return bool(services.locked_seconds(obj.user))
        return action == "sign_out" or obj.is_active == (action == "suspend")


def _set_active(request: HttpRequest, rows: QuerySet[Membership], reason: str, *, is_active: bool) -> Outcome:
    actor: Any = request.user

    def act(row: Membership) -> None:
        services.set_member_active(user=row.user, is_active=is_active, actor=actor, reason=reason)

    return attempt(rows.select_related("user"), act)


@admin.register(SignIn)
class SignInAdmin(UplineModelAdmin):
    plural = "Sign-ins"
    view_keys = ("user.manage", "permission.read")
    intro = "Apps and browsers that signed in here, and whether they still are. One that is ended is out at its next request."
    search_help_text = "The beginning of an e-mail"
    list_display = ("who", "kind", "device", "ip", "created_at", "last_used_at", "revoked_at")
    list_filter = ("kind",)
    list_select_related = ("user",)
    search_prefixes = ("user__email",)
    action_form = ReasonForm
    actions = ("sign_out",)

    @admin.display(description="member", ordering="user__email")
    def who(self, sign_in: SignIn) -> str:
        return named(sign_in.user, sign_in.user.email)

    def has_end_permission(self, request: HttpRequest) -> bool:
        return may(request, ("user.update", "user.manage"))

    def offers(self, action: str, obj: SignIn) -> bool:
        return obj.revoked_at is None

    @decision("Sign out, with everything else of theirs here", needs="end", done="member{s} signed out", reason=True)
    def sign_out(self, request: HttpRequest, rows: QuerySet[SignIn], reason: str) -> Outcome:
        actor: Any = request.user
        people = User.objects.filter(pk__in=rows.values("user_id"))
        return attempt(people, lambda user: services.sign_out_user(user=user, actor=actor, reason=reason))


@admin.register(TwoFactorDevice)
class TwoFactorDeviceAdmin(UplineModelAdmin):
    """Devices are shared by all sites, like the logins; this one sees its members'."""

    plural = "Two-factor"
    view_keys = ("user.read",)
    intro = "Whose sign-in takes a code too. Reset it for who lost phone and recovery codes, and only when you are sure of them."
    search_help_text = "The beginning of an e-mail"
    empty_text = "Members switch it on by themselves, on their Security page."
    list_display = ("who", "confirmed_at", "codes_left")
    list_select_related = ("user",)
    search_prefixes = ("user__email",)
    exclude = ("secret", "last_step")
    ordering = ("-user",)
    action_form = ReasonForm
    actions = ("reset",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        left = RecoveryCode.objects.filter(user=OuterRef("pk"), used_at=None).values("user").annotate(n=Count("id"))
        rows = TwoFactorDevice.objects.filter(pk__in=Membership.objects.values("user_id"), confirmed_at__isnull=False)
        return rows.annotate(left=Subquery(left.values("n"))).order_by(*self.ordering)

    def title_of(self, obj: TwoFactorDevice) -> str:
        return f"Two-factor of {obj.user}"

    @admin.display(description="member", ordering="user__email")
    def who(self, device: TwoFactorDevice) -> str:
        return named(device.user, device.user.email)

    @admin.display(description="recovery codes left")
    def codes_left(self, device: Any) -> int:
        return device.left or 0

    def has_reset_permission(self, request: HttpRequest) -> bool:
        return may(request, ("user.manage",))

    @decision("Reset: the password alone signs in again", needs="reset", done="reset", reason=True)
    def reset(self, request: HttpRequest, rows: QuerySet[TwoFactorDevice], reason: str) -> Outcome:
        access = access_of(request)
        actor: Any = request.user

        def act(device: TwoFactorDevice) -> None:
            services.reset_two_factor(user=device.user, actor=actor, access=access, reason=reason)

        return attempt(rows.select_related("user"), act)


@admin.register(CryptoAddress)
class CryptoAddressAdmin(UplineModelAdmin):
    """Addresses are shared by all sites, like the logins; this one sees its members', masked."""

    view_keys = ("payout.read", "payout.manage")
    intro = "Where members want tokens, masked. The newest of a network counts; an address goes with its person to each site."
    search_help_text = "The beginning of an e-mail"
    empty_text = "Members add one on their Payouts page."
    list_display = ("who", "network", "label", "created_at", "removed_at")
    list_select_related = ("user",)
    list_filter = ("network",)
    search_prefixes = ("user__email",)
    exclude = ("address", "fingerprint")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return CryptoAddress.objects.filter(user__in=Membership.objects.values("user_id")).order_by(*self.ordering)

    @admin.display(description="member", ordering="user__email")
    def who(self, address: CryptoAddress) -> str:
        return named(address.user, address.user.email)


@admin.register(RefreshToken)
class RefreshTokenAdmin(UplineModelAdmin):
    """What apps renew their access with, each once."""

    plural = "Tokens"
    view_keys = ("user.manage", "permission.read")
    intro = "By these apps stay signed in; each is used once, and a second use ends the sign-in."
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
        if (asked := self.proof(request, self.add_word)) is not None:  # a key may move money, and is never asked itself
            return asked
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
        access = access_of(request)

        def act(key: ApiKey) -> None:
            raw = services.rotate_api_key(key=key, actor=request.user, access=access)
            made.append((key, raw))

        tell(request, attempt(queryset, act), done="key{s} rotated")
        return self._show(request, made) if made else None

    rotate.moves_money = True  # type: ignore[attr-defined]  # asks for a proof: what the key does is not asked again

    def _show(self, request: HttpRequest, made: list[tuple[ApiKey, str]]) -> HttpResponse:
        context = {**self.admin_site.each_context(request), "opts": self.opts, "title": "Keep it now", "made": made}
        response = TemplateResponse(request, "admin/tools/api_key_shown.html", context)
        response["Cache-Control"] = "no-store"
        return response

    @decision("Revoke", needs="revoke", done="key{s} revoked")
    def revoke(self, request: HttpRequest, rows: QuerySet[ApiKey], reason: str) -> Outcome:
        return attempt(rows, lambda key: services.revoke_api_key(key=key, actor=request.user))
