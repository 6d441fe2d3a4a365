"""A site's issuer of identities, and whom it has brought (P7)."""

from typing import Any

from django import forms
from django.contrib import admin

from apps.accounts.models import Identity, IdentityProvider
from apps.accounts.oidc import set_provider
from apps.core.backoffice import SetByForm, UplineModelAdmin


class ProviderForm(forms.Form):
    issuer = forms.CharField(max_length=255, help_text="As its tokens say it, such as https://example.eu.auth0.com/")
    audience = forms.CharField(max_length=255, help_text="What its tokens for us say in aud.")
    jwks_url = forms.CharField(
        label="Address of its keys", max_length=255, required=False,
        help_text="Empty: .well-known/jwks.json below the issuer.",
    )  # fmt: skip
    accepts_bearer = forms.BooleanField(label="Take its tokens as bearer tokens of the API too", required=False)
    is_active = forms.BooleanField(label="In use", required=False, initial=True)


@admin.register(IdentityProvider)
class IdentityProviderAdmin(SetByForm):
    plural = "Issuer"
    view_keys = ("permission.read", "permission.manage")
    add_keys = ("permission.update", "permission.manage")
    list_display = ("issuer", "audience", "accepts_bearer", "is_active", "changed_at")
    intro = "Whose tokens sign people in here, beside their own passwords."
    add_word = "Set the issuer"
    empty_text = "Members sign in with their passwords."

    set_form = ProviderForm

    def set_by(self, **values: Any) -> Any:
        return set_provider(**values)

    def set_intro(self, request: Any) -> str:
        return "OpenID Connect, RS256. Whoever runs it can sign in as whoever it brought."


@admin.register(Identity)
class IdentityAdmin(UplineModelAdmin):
    plural = "Brought by the issuer"
    view_keys = ("user.read",)
    list_display = ("user", "issuer", "subject", "created_at")
    list_select_related = ("user",)
    search_prefixes = ("subject", "user__email")
    search_help_text = "The beginning of a subject or an e-mail"
    intro = "What the issuer calls members of this site."
    empty_text = "Nobody has signed in by an issuer."
