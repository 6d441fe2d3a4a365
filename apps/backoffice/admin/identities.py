"""A site's issuer of identities, and whom it has brought (P7)."""

from typing import Any

from django import forms
from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse

from apps.accounts.models import Identity, IdentityProvider
from apps.accounts.oidc import set_provider
from apps.core.backoffice import UplineModelAdmin
from apps.core.errors import DomainError


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
class IdentityProviderAdmin(UplineModelAdmin):
    plural = "Issuer"
    view_keys = ("permission.read", "permission.manage")
    add_keys = ("permission.update", "permission.manage")
    list_display = ("issuer", "audience", "accepts_bearer", "is_active", "changed_at")
    intro = "Whose tokens sign people in here, beside their own passwords."
    add_word = "Set the issuer"
    empty_text = "Members sign in with their passwords."

    def add_view(self, request: HttpRequest, form_url: str = "", extra_context: Any = None) -> HttpResponse:
        """Names the issuer, or changes the one there is: who may come in is decided by who lately proved who they are."""
        if not self.has_add_permission(request):
            raise PermissionDenied
        site: Any = self.admin_site
        asked: HttpResponse | None = site.prove(request, what=self.add_word) if request.method == "POST" else None
        if asked is not None:
            return asked
        row = IdentityProvider.objects.first()
        names = ProviderForm.base_fields
        form = ProviderForm(request.POST or None, initial={name: getattr(row, name) for name in names} if row else None)
        if request.method == "POST" and form.is_valid():
            actor: Any = request.user
            try:
                with transaction.atomic():
                    set_provider(actor=actor, **form.cleaned_data)
                return HttpResponseRedirect(reverse("admin:accounts_identityprovider_changelist"))
            except DomainError as error:
                form.add_error(error.field if error.field in form.fields else None, error.message)
        context = {
            **self.admin_site.each_context(request), "opts": self.opts, "plural": self.plural, "title": self.add_word,
            "form": form, "submit": "Save", "intro": "OpenID Connect, RS256. Whoever runs it can sign in as whoever it brought.",
        }  # fmt: skip
        return TemplateResponse(request, "admin/tools/form.html", context)


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
