"""Which click and code a signup or a sale is credited to (H7)."""

from django.db import models
from django.db.models import Q
from django.utils import timezone

from apps.core.models import SiteForeignKey, SiteModel
from apps.referrals.models.partner import Partner


class CampaignLink(SiteModel):
    """A named link of a partner, so that they see which of their places brings people."""

    partner = SiteForeignKey(Partner, models.PROTECT, related_name="links")
    name = models.CharField(max_length=80)
    slug = models.CharField(max_length=8, editable=False)
    is_active = models.BooleanField(default=True)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["site", "slug"], name="referrals_link_slug"),
            models.UniqueConstraint(fields=["site", "partner", "name"], name="referrals_link_name"),
        ]

    def __str__(self) -> str:
        return self.name


class Click(SiteModel):
    """Somebody followed a partner's link. Never changed; the browser is kept as a hash, which is enough to compare."""

    partner = SiteForeignKey(Partner, models.PROTECT, related_name="clicks")
    link = SiteForeignKey(CampaignLink, models.PROTECT, null=True, related_name="clicks")
    created_at = models.DateTimeField(default=timezone.now)
    ip = models.CharField(max_length=45, blank=True, default="")
    user_agent_hash = models.CharField(max_length=32, blank=True, default="")
    device_id = models.CharField(max_length=100, blank=True, default="")
    url = models.CharField(max_length=1000, blank=True, default="")
    referrer = models.CharField(max_length=1000, blank=True, default="")

    class Meta:
        indexes = [
            models.Index(fields=["site", "partner", "created_at"], name="referrals_click_partner"),
            models.Index(
                fields=["site", "device_id", "created_at"], name="referrals_click_device", condition=~Q(device_id="")
            ),
        ]

    def __str__(self) -> str:
        return f"{self.partner_id} {self.created_at:%Y-%m-%d %H:%M}"


class Conversion(SiteModel):
    """What a touch led to: a member (`subject_id` is their partner) or a buyer without login (a customer)."""

    class Kind(models.TextChoices):
        SIGNUP = "signup", "Signed up"
        BUYER = "buyer", "Bought"

    class Source(models.TextChoices):
        CODE = "code", "Referral code"
        CLICK = "click", "Click"
        COOKIE = "cookie", "Cookie"

    kind = models.CharField(max_length=6, choices=Kind)
    source = models.CharField(max_length=6, choices=Source)
    partner = SiteForeignKey(Partner, models.PROTECT, related_name="conversions")
    click = SiteForeignKey(Click, models.PROTECT, null=True, related_name="conversions")
    link = SiteForeignKey(CampaignLink, models.PROTECT, null=True, related_name="conversions")
    subject_id = models.UUIDField()
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["site", "kind", "subject_id"], name="referrals_conversion_once"),
        ]
        indexes = [models.Index(fields=["site", "partner", "kind"], name="referrals_conversion_partner")]

    def __str__(self) -> str:
        return f"{self.kind} by {self.source}"
