"""Whom a site trusts with what it sends on chains."""

from typing import ClassVar

from django.core.validators import MaxValueValidator, RegexValidator
from django.db import models
from django.db.models import Q
from django.utils import timezone

from apps.accounts.models import CryptoAddress
from apps.core.models import SiteModel


class CustodyAccount(SiteModel):
    """Who sends this site's tokens and crypto payouts, and which token. Its keys are encrypted for this row, never shown again.

    `workspace_id` is the custodian's name of whose events we believe; `webhook_key` a public key for those of its old protocol.
    """

    sealed_columns: ClassVar[tuple[str, ...]] = ("api_key", "private_key", "webhook_key")

    gateway = models.CharField(max_length=32, default="fireblocks")
    api_key = models.TextField()
    private_key = models.TextField()
    webhook_key = models.TextField(blank=True, default="")
    workspace_id = models.CharField(max_length=64)
    vault_id = models.CharField(max_length=64)
    asset_id = models.CharField(max_length=64, validators=[RegexValidator(r"^[A-Za-z0-9_.-]+$")])
    symbol = models.CharField(max_length=16, validators=[RegexValidator(r"^[A-Z0-9]{1,16}$")])
    network = models.CharField(max_length=16, choices=CryptoAddress.Network)
    decimals = models.PositiveSmallIntegerField(default=18, validators=[MaxValueValidator(18)])
    is_active = models.BooleanField(default=True)
    changed_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        db_table = "allocations_custodyaccount"  # where it was made: sealed columns are bound to their table's name
        constraints = [
            models.UniqueConstraint(fields=["site"], name="allocations_custody_once"),
            models.CheckConstraint(condition=Q(decimals__lte=18), name="allocations_custody_decimals"),
        ]

    def __str__(self) -> str:
        return f"{self.symbol} on {self.get_network_display()}"
