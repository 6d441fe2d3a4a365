"""What was noticed about partners, and the traces by which two of them are told to be one (W14).

Nothing here is an e-mail, address, device or card as it was typed: only what an HMAC under the site's own key makes of it
(services/keys.py), and words in which the evidence is masked.
"""

from django.db import models
from django.db.models import Q
from django.utils import timezone

from apps.core.models import SiteForeignKey, SiteModel
from apps.referrals.models import Partner


class Kind(models.TextChoices):
    """What each is about is in services/detecting.py."""

    PAYMENT_FINGERPRINT = "payment_fingerprint", "Same card"
    SPONSOR_DEVICE = "sponsor_device", "Device of the sponsor"
    DISPOSABLE_EMAIL = "disposable_email", "Throwaway e-mail"
    ALIASED_EMAIL = "aliased_email", "One mailbox, several accounts"
    SIGNUP_BURST = "signup_burst", "Many signups at once"
    FAST_SIGNUP = "fast_signup", "Signup right after the click"
    CIRCULAR_SPONSORSHIP = "circular_sponsorship", "Sponsoring in a circle"
    SHARED_ADDRESS = "shared_address", "Many accounts on one network"
    SHARED_PAYOUT_METHOD = "shared_payout_method", "Same payout method"
    BONUS_DEVICE = "bonus_device", "Many bonuses from one device"


class Trace(SiteModel):
    """That a partner was seen with something: a mailbox, device, address, network, card or payout method. Forgotten with age."""

    class Kind(models.TextChoices):
        MAILBOX = "mailbox", "Mailbox"
        DEVICE = "device", "Device"
        ADDRESS = "address", "Address"
        NETWORK = "network", "Network"
        CARD = "card", "Card"
        PAYOUT = "payout", "Payout method"

    partner = SiteForeignKey(Partner, models.PROTECT, related_name="+")
    kind = models.CharField(max_length=8, choices=Kind)
    key = models.CharField(max_length=64)
    first_seen = models.DateTimeField()
    last_seen = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["site", "partner", "kind", "key"], name="fraud_trace_once"),
        ]
        indexes = [
            models.Index(fields=["site", "kind", "key", "last_seen"], name="fraud_trace_key"),
            models.Index(fields=["site", "last_seen"], name="fraud_trace_age"),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} of {self.partner_id}"


class Signal(SiteModel):
    """One thing noticed about a partner. Noticed again it is the same row, seen later or with more people, and weighs no more.

    `points` are those of the settings when it was noticed. It counts until somebody has decided a review that it was part of
    (`review`), or its personal parts are forgotten (`expired_at`): then `evidence_key`, `other` and the words are gone.
    """

    partner = SiteForeignKey(Partner, models.PROTECT, related_name="signals")
    kind = models.CharField(max_length=20, choices=Kind)
    points = models.PositiveSmallIntegerField()
    evidence_key = models.CharField(max_length=64, blank=True, default="")
    words = models.CharField(max_length=200)
    other = SiteForeignKey(Partner, models.PROTECT, null=True, related_name="+")
    count = models.PositiveIntegerField(default=1)
    first_seen = models.DateTimeField(default=timezone.now)
    last_seen = models.DateTimeField(default=timezone.now)
    review = SiteForeignKey("fraud.Review", models.PROTECT, null=True, related_name="signals")
    expired_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["site", "partner", "kind", "evidence_key"],
                condition=Q(expired_at=None),
                name="fraud_signal_once",
            ),
            models.CheckConstraint(
                condition=Q(expired_at=None) | Q(evidence_key="", other=None), name="fraud_signal_forgotten"
            ),
        ]
        indexes = [
            models.Index(
                fields=["site", "partner"], name="fraud_signal_counts", condition=Q(review=None, expired_at=None)
            ),
            models.Index(fields=["site", "kind", "id"], name="fraud_signal_kind"),
            models.Index(fields=["site", "last_seen"], name="fraud_signal_age", condition=Q(expired_at=None)),
        ]

    def __str__(self) -> str:
        return self.get_kind_display()

    @property
    def counts(self) -> bool:
        """Is it part of the partner's score?"""
        return self.review_id is None and self.expired_at is None
