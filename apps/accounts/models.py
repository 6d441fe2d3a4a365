"""People and machines that call us. A user is global; what they are at a site is a Membership."""

from typing import Any, ClassVar
from uuid import UUID

from django.conf import settings
from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.db import models
from django.db.models.functions import Lower
from django.utils import timezone
from django.utils.crypto import salted_hmac

from apps.core.ids import uuid7
from apps.core.models import SiteForeignKey, SiteModel


class UserManager(BaseUserManager["User"]):
    def create_user(self, *, email: str, password: str | None, full_name: str = "") -> "User":
        """`email` is stored in lower case: lower() is not leakproof, a plain equality is."""
        user = self.model(email=email.strip().lower(), full_name=full_name.strip())
        user.set_password(password)
        user.save(force_insert=True)
        return user

    def get_by_natural_key(self, username: str | None) -> "User":
        return self.get(email=(username or "").strip().lower())

    def members(self) -> models.QuerySet["User"]:
        """Users of the present site. Lists for staff start here: the table itself is shared by all sites."""
        return self.filter(pk__in=Membership.objects.values("user_id"))


class User(AbstractBaseUser):
    """A person's login. `token_version` is in every access token: raising it ends them all at once."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    email = models.EmailField(unique=True)
    full_name = models.CharField(max_length=120, blank=True, default="")
    locale = models.CharField(max_length=10, blank=True, default="")
    is_active = models.BooleanField(default=True)
    token_version = models.PositiveIntegerField(default=0, editable=False)
    date_joined = models.DateTimeField(default=timezone.now, editable=False)

    objects: ClassVar[UserManager] = UserManager()

    USERNAME_FIELD = "email"
    EMAIL_FIELD = "email"
    actor_kind = "user"

    class Meta:
        constraints = [
            models.CheckConstraint(condition=models.Q(email=Lower("email")), name="accounts_user_email_lower"),
        ]

    def __str__(self) -> str:
        return self.full_name or self.email

    @property
    def actor_id(self) -> UUID:
        return self.pk

    @property
    def actor_name(self) -> str:
        return self.email

    def _get_session_auth_hash(self, secret: str | None = None) -> str:
        """Sessions end with the tokens: a new password and "sign out everywhere" raise the version. Costs no query,
        where Django's own, over the password, would load it on every request."""
        message = f"{self.pk}:{self.token_version}"
        return salted_hmac("upline.session", message, secret=secret, algorithm="sha256").hexdigest()

    # The admin asks these two; the answer is our roles' (apps.backoffice), never Django's groups.
    def has_perm(self, perm: str, obj: Any = None) -> bool:
        return False

    def has_module_perms(self, app_label: str) -> bool:
        return False


class Membership(SiteModel):
    """A user at this site. `enterprise` is the membership of the one whose sub-user this is."""

    class Kind(models.TextChoices):
        INDIVIDUAL = "individual", "Individual"
        ENTERPRISE = "enterprise", "Enterprise"
        SUB_USER = "sub_user", "Sub-user"
        STAFF = "staff", "Staff"

    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="memberships")
    user_type = models.CharField(max_length=10, choices=Kind, default=Kind.INDIVIDUAL)
    enterprise = SiteForeignKey("self", models.PROTECT, null=True, blank=True, editable=False, related_name="sub_users")
    is_active = models.BooleanField(default=True)
    # Of a sub-user: minor units in a month of the site's calendar, None for no limit, and what the enterprise lets them do.
    spending_limit = models.BigIntegerField(null=True, blank=True)
    allowed = models.JSONField(default=list, blank=True)
    made_login = models.BooleanField(default=False, editable=False)
    joined_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["site", "user"], name="accounts_membership_once"),
            models.CheckConstraint(
                condition=models.Q(spending_limit__isnull=True) | models.Q(spending_limit__gte=0),
                name="accounts_spending_limit_not_negative",
            ),
        ]
        indexes = [models.Index(fields=["site", "enterprise", "id"], name="accounts_sub_users")]

    def __str__(self) -> str:
        return str(self.user)


class TwoFactorDevice(models.Model):
    """What makes a person's codes. Global like the user, one each, reached only as "mine"; it counts once it is confirmed.

    `secret` is encrypted for this row alone. `last_step` is the time step of the last code that was accepted: a code counts once.
    """

    sealed_columns: ClassVar[tuple[str, ...]] = ("secret",)

    user = models.OneToOneField(settings.AUTH_USER_MODEL, models.CASCADE, primary_key=True, related_name="+")
    secret = models.CharField(max_length=200)
    last_step = models.BigIntegerField(default=0)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    confirmed_at = models.DateTimeField(null=True, editable=False)

    class Meta:
        verbose_name = "two-factor device"

    def __str__(self) -> str:
        return f"Two-factor of {self.user_id}"

    def sealed_place(self, column: str) -> str:
        """The table is shared by all sites, so the person takes the site's place."""
        return f"accounts_twofactordevice/{column}/{self.pk}"


class RecoveryCode(models.Model):
    """Stands in for a code of a lost device, once. Eighty random bits, so a plain hash is as good as a slow one."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="+")
    code_hash = models.CharField(max_length=64)
    used_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["user", "code_hash"], name="accounts_recovery_code_once")]

    def __str__(self) -> str:
        return str(self.pk)


class CryptoAddressSet(models.QuerySet["CryptoAddress"]):
    def of(self, user_id: UUID) -> "CryptoAddressSet":
        """One person's, newest first. The table is shared by all sites, so every read starts here."""
        return self.filter(user_id=user_id, removed_at=None).order_by("-id")


class CryptoAddress(models.Model):
    """Where a person wants tokens and coins (P15). Global like the user, and reached only as "mine".

    `address` is encrypted for this row alone, `label` is what people may see of it, `fingerprint` tells doubles.
    """

    class Network(models.TextChoices):
        ETHEREUM = "ethereum", "Ethereum"
        POLYGON = "polygon", "Polygon"
        BNB = "bnb", "BNB Chain"
        BITCOIN = "bitcoin", "Bitcoin"
        TRON = "tron", "Tron"
        SOLANA = "solana", "Solana"

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="+")
    network = models.CharField(max_length=16, choices=Network)
    label = models.CharField(max_length=80)
    address = models.TextField()
    fingerprint = models.CharField(max_length=64)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    removed_at = models.DateTimeField(null=True)

    sealed_columns: ClassVar[tuple[str, ...]] = ("address",)
    objects = CryptoAddressSet.as_manager()

    class Meta:
        verbose_name = "crypto address"
        verbose_name_plural = "crypto addresses"
        constraints = [
            models.UniqueConstraint(
                fields=["user", "network", "fingerprint"],
                condition=models.Q(removed_at=None),
                name="accounts_crypto_address_once",
            )
        ]

    def __str__(self) -> str:
        return self.label

    def sealed_place(self, column: str) -> str:
        """The table is shared by all sites, so the person takes the site's place."""
        return f"accounts_cryptoaddress/{column}/{self.user_id}/{self.pk}"


# Marks in a user agent, the telling ones first: each browser also names those it resembles.
_BROWSERS = (
    ("Edg/", "Edge"), ("OPR/", "Opera"), ("SamsungBrowser/", "Samsung Internet"), ("Firefox/", "Firefox"), ("Chrome/", "Chrome"),
    ("Safari/", "Safari"),
)  # fmt: skip
_SYSTEMS = (
    ("iPhone", "iPhone"), ("iPad", "iPad"), ("Android", "Android"), ("Windows", "Windows"), ("Mac OS X", "Mac"),
    ("CrOS", "Chromebook"), ("Linux", "Linux"),
)  # fmt: skip


class SignIn(SiteModel):
    """One sign-in at this site, by an app or a browser. An app's tokens and a browser's session name it; ended here, both end at
    their next request. `version` is the user's token_version then: a sign-in of an older one has ended already."""

    class Kind(models.TextChoices):
        API = "api", "App"
        BROWSER = "browser", "Browser"

    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="+")
    kind = models.CharField(max_length=7, choices=Kind)
    version = models.PositiveIntegerField()
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    authenticated_at = models.DateTimeField(default=timezone.now)
    last_used_at = models.DateTimeField(default=timezone.now)
    expires_at = models.DateTimeField()
    revoked_at = models.DateTimeField(null=True)
    ip = models.CharField(max_length=45, blank=True, default="")
    user_agent = models.CharField(max_length=200, blank=True, default="")

    class Meta:
        verbose_name = "sign-in"
        indexes = [
            models.Index(fields=["site", "user", "id"], name="accounts_sign_in_user"),
            # Who else came from an address.
            models.Index(fields=["site", "ip", "user"], name="accounts_sign_in_ip"),
        ]

    def __str__(self) -> str:
        return f"{self.device}, {self.ip}" if self.ip else self.device

    @property
    def device(self) -> str:
        """What people would call it: "Firefox on Windows"; an app by the beginning of its name."""
        agent = self.user_agent
        browser = next((name for mark, name in _BROWSERS if mark in agent), "")
        system = next((name for mark, name in _SYSTEMS if mark in agent), "")
        if not browser:
            return agent.partition("/")[0].strip()[:40] or f"Unknown {self.get_kind_display().lower()}"
        return f"{browser} on {system}" if system else browser


class RefreshToken(SiteModel):
    """One refresh token, by hash. Used once; its successors share `family`, the sign-in, and a replay kills them all (R19)."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="+")
    family = models.UUIDField()
    jti_hash = models.CharField(max_length=64)
    created_at = models.DateTimeField(default=timezone.now)
    expires_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True)
    revoked_at = models.DateTimeField(null=True)
    ip = models.CharField(max_length=45, blank=True, default="")
    user_agent = models.CharField(max_length=200, blank=True, default="")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["site", "jti_hash"], name="accounts_refresh_once")]
        indexes = [
            models.Index(fields=["site", "family"], name="accounts_refresh_family"),
            models.Index(fields=["site", "user", "created_at"], name="accounts_refresh_user"),
        ]

    def __str__(self) -> str:
        return str(self.family)


class ApiKey(SiteModel):
    """A server's credential at this site (X14). Only the hash is kept; `prefix` tells staff which one it is."""

    name = models.CharField(max_length=80)
    prefix = models.CharField(max_length=12)
    key_hash = models.CharField(max_length=64)
    scopes = models.JSONField(default=list)
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+")
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    last_used_at = models.DateTimeField(null=True, editable=False)
    revoked_at = models.DateTimeField(null=True, editable=False)

    actor_kind = "api_key"
    is_authenticated = True
    is_anonymous = False
    is_active = True

    class Meta:
        constraints = [models.UniqueConstraint(fields=["site", "key_hash"], name="accounts_api_key_once")]

    def __str__(self) -> str:
        return f"{self.name} ({self.prefix}…)"

    @property
    def actor_id(self) -> UUID:
        return self.pk

    @property
    def actor_name(self) -> str:
        return str(self)


class IdentityProvider(SiteModel):
    """Whose tokens this site takes (P7). `issuer` and `audience` are what a token must say, to the letter."""

    issuer = models.URLField(max_length=255)
    audience = models.CharField(max_length=255)
    jwks_url = models.URLField("address of its keys", max_length=255, blank=True, default="")
    accepts_bearer = models.BooleanField(
        "takes its tokens as they are", default=False, help_text="As bearer tokens of the API, not only to sign in."
    )
    is_active = models.BooleanField(default=True)
    changed_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["site"], name="accounts_provider_once")]

    def __str__(self) -> str:
        return self.issuer

    @property
    def keys_url(self) -> str:
        return self.jwks_url or f"{self.issuer.rstrip('/')}/.well-known/jwks.json"


class Identity(SiteModel):
    """What a user is called by this site's issuer."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="identities")
    issuer = models.CharField(max_length=255)
    subject = models.CharField(max_length=255)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        verbose_name_plural = "identities"
        constraints = [models.UniqueConstraint(fields=["site", "issuer", "subject"], name="accounts_identity_once")]
        indexes = [models.Index(fields=["site", "user"], name="accounts_identity_user")]

    def __str__(self) -> str:
        return f"{self.subject} of {self.issuer}"
