"""Who sends what leaves on chains; keys go in and never come out."""

from typing import Any

from django import forms
from django.conf import settings
from django.contrib import admin

from apps.accounts.models import CryptoAddress
from apps.core.backoffice import SetByForm
from apps.custody import services
from apps.custody.models import CustodyAccount


class CustodyForm(forms.Form):
    """Keys that are left empty stay as they are."""

    gateway = forms.ChoiceField(choices=[(name, name.title()) for name in settings.UPLINE_CUSTODY_GATEWAYS])
    symbol = forms.CharField(label="Token", max_length=16, help_text="Such as UPT")
    asset_id = forms.CharField(label="Asset", max_length=64, help_text="The custodian's name of it")
    network = forms.ChoiceField(choices=CryptoAddress.Network.choices)
    decimals = forms.IntegerField(min_value=0, max_value=18, initial=18)
    vault_id = forms.CharField(label="Vault account", max_length=64)
    workspace_id = forms.CharField(label="Workspace", max_length=64, help_text="Whose events are believed")
    api_key = forms.CharField(
        label="API key", max_length=255, required=False, widget=forms.PasswordInput(attrs={"autocomplete": "off"})
    )
    private_key = forms.CharField(required=False, widget=forms.Textarea(attrs={"rows": 4, "autocomplete": "off"}))
    webhook_key = forms.CharField(
        label="Webhook key of the old protocol", required=False, widget=forms.Textarea(attrs={"rows": 4})
    )
    is_active = forms.BooleanField(label="Send tokens", required=False, initial=True)


@admin.register(CustodyAccount)
class CustodyAccountAdmin(SetByForm):
    plural = "Custodian"
    view_keys = ("billing.read", "permission.read")
    # Whoever names the account decides where tokens come from: as grave as saying what people may do.
    add_keys = ("permission.update", "permission.manage")
    exclude = ("api_key", "private_key", "webhook_key")
    list_display = ("symbol", "asset_id", "network", "decimals", "vault_id", "gateway", "is_active", "changed_at")
    intro = "Who sends this site's tokens and crypto payouts. Keys are kept encrypted and never shown again."
    add_word = "Set the custodian"
    empty_text = "Without one no tokens can be sent."

    set_form = CustodyForm

    def set_by(self, **values: Any) -> Any:
        return services.set_custody_account(**values)

    def set_intro(self, request: Any) -> str:
        return f"At the custodian, send events to {request.build_absolute_uri(f'/webhooks/fireblocks/{request.site.code}')}"
