"""Settings that hold everywhere. What differs by place is in local.py, test.py and production.py."""

from pathlib import Path
from typing import Any

import environ
from csp.constants import NONE, SELF

BASE_DIR = Path(__file__).resolve().parent.parent.parent
env = environ.Env()

INSTALLED_APPS = [
    "django.contrib.contenttypes",
    "django.contrib.auth",
    "apps.core",
    "apps.audit",
    "apps.sites",
    "apps.rbac",
    "apps.accounts",
    "apps.catalogue",
    "apps.payments",
    "apps.custody",
    "apps.wallet",
    "apps.referrals",
    "apps.orders",
    "apps.brokers",
    "apps.activities",
    "apps.commissions",
    "apps.payouts",
    "apps.allocations",
    "apps.bonuses",
    "apps.fraud",
    "apps.notifications",
    "apps.reports",
    "apps.onboarding",
    "apps.backoffice",
    "apps.backoffice.apps.UplineAdminConfig",
    "apps.dashboard",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.humanize",
    "corsheaders",
    "csp",
    "treebeard",
    "rest_framework",
    "django_filters",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "django_celery_beat",
]

MIDDLEWARE = [
    "apps.core.middleware.RequestIdMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "apps.sites.middleware.SiteCorsMiddleware",
    "apps.core.middleware.PolicyMiddleware",
    # Within these two: a shop's page must be able to read what went wrong, and an error has the policy too.
    "apps.core.middleware.ErrorShapeMiddleware",
    "apps.sites.middleware.SiteMiddleware",
    "apps.accounts.middleware.IssuerTokenMiddleware",
    "apps.accounts.middleware.IdempotencyMiddleware",
    "apps.sites.middleware.SiteTransactionMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "apps.accounts.middleware.SignInMiddleware",
    "apps.accounts.middleware.SessionSiteMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]

ROOT_URLCONF = "config.urls"
WSGI_APPLICATION = "config.wsgi.application"
APPEND_SLASH = False
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
DATABASE_ROUTERS = ["apps.core.routers.RoleRouter"]
AUTH_USER_MODEL = "accounts.User"

TEMPLATES: list[dict[str, Any]] = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "apps.sites.context_processors.site",
            ],
        },
    }
]

# --- identity -----------------------------------------------------------------------------------------------------------
AUTHENTICATION_BACKENDS = ["apps.accounts.backends.MembershipBackend"]
PASSWORD_HASHERS = ["apps.accounts.hashers.Argon2Hasher"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 8}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.NumericPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
]
LOGIN_URL = "dashboard:signin"
LOGIN_REDIRECT_URL = "dashboard:overview"
PASSWORD_RESET_TIMEOUT = 3600
ACCESS_TOKEN_SECONDS = 15 * 60
REFRESH_TOKEN_SECONDS = 14 * 24 * 3600

# Host-only, and never sent along from another site of the installation.
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
CSRF_COOKIE_SAMESITE = "Lax"
CSRF_FAILURE_VIEW = "apps.core.views.csrf_failure"

# --- REST ---------------------------------------------------------------------------------------------------------------
REST_FRAMEWORK: dict[str, Any] = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "apps.accounts.authentication.BearerAuthentication",
        "apps.accounts.authentication.ApiKeyAuthentication",
        "apps.accounts.authentication.SiteSessionAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["apps.rbac.access.DeclaredAccess"],
    "DEFAULT_THROTTLE_CLASSES": ["apps.core.api.throttling.AnonymousThrottle"],
    "DEFAULT_PAGINATION_CLASS": "apps.core.api.pagination.SignedCursorPagination",
    "DEFAULT_PARSER_CLASSES": ["apps.core.api.parsers.StrictJSONParser"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_SCHEMA_CLASS": "apps.core.api.schema.UplineSchema",
    "EXCEPTION_HANDLER": "apps.core.api.errors.exception_handler",
    "UNAUTHENTICATED_USER": "django.contrib.auth.models.AnonymousUser",
    "TEST_REQUEST_DEFAULT_FORMAT": "json",
    "URL_FORMAT_OVERRIDE": None,
    "NUM_PROXIES": env.int("UPLINE_NUM_PROXIES", default=0),
}
SIMPLE_JWT: dict[str, Any] = {"USER_ID_CLAIM": "user_id", "ALGORITHM": "HS256", "UPDATE_LAST_LOGIN": False}
SPECTACULAR_SETTINGS: dict[str, Any] = {
    "TITLE": "Upline API",
    "DESCRIPTION": "Referral, commission, wallet and payout programs. Money is an integer count of minor units.",
    "VERSION": "1.0.0",
    "OAS_VERSION": "3.1.0",
    "SERVE_INCLUDE_SCHEMA": False,
    "SERVE_AUTHENTICATION": [],
    "SERVE_PERMISSIONS": ["rest_framework.permissions.AllowAny"],
    "SCHEMA_PATH_PREFIX": "/api/v1",
    "COMPONENT_SPLIT_REQUEST": True,
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "ENUM_GENERATE_CHOICE_DESCRIPTION": False,
    "POSTPROCESSING_HOOKS": [
        "drf_spectacular.hooks.postprocess_schema_enums",
        "apps.core.api.schema.share",
    ],
    "ENUM_NAME_OVERRIDES": {
        "PayoutStatus": "apps.payouts.models.Payout.Status",
        "PayoutBatchStatus": "apps.payouts.models.PayoutBatch.Status",
        "PayoutBatchItemStatus": "apps.payouts.models.PayoutBatchItem.Status",
        "AllocationStatus": "apps.allocations.models.Allocation.Status",
        "BonusStatus": "apps.bonuses.models.Bonus.Status",
        "FreezeStatus": "apps.fraud.models.Freeze.Status",
        "FreezeItemKind": "apps.fraud.models.FreezeItem.Kind",
        "FreezeEffect": "apps.fraud.models.FreezeItem.Effect",
        "FraudReviewStatus": "apps.fraud.models.Review.Status",
        "FraudReviewLevel": "apps.fraud.models.Review.Level",
        "FraudSignalKind": "apps.fraud.models.Kind",
        "BonusRuleType": "apps.bonuses.models.BonusRule.Type",
        "ActivityKind": "apps.activities.models.Kind",
        "BonusRuleKind": "apps.bonuses.models.BonusRule.Kind",
        "BonusSource": "apps.bonuses.models.Source",
        "DepositStatus": "apps.wallet.models.Deposit.Status",
        "PayoutMethodKind": "apps.payouts.models.PayoutMethod.Kind",
        "PartnerStatus": "apps.referrals.models.Partner.Status",
        "PartnerKind": "apps.referrals.models.Partner.Kind",
        "OrderSource": "apps.orders.models.Order.Source",
        "OrderStatus": "apps.orders.models.Order.Status",
        "ServiceStatus": "apps.orders.models.Service.Status",
        "ServicePeriod": "apps.catalogue.models.SERVICE_PERIODS",
    },
}
DATA_UPLOAD_MAX_MEMORY_SIZE = 1024 * 1024
CORS_ALLOW_HEADERS = [
    "accept", "authorization", "content-type", "idempotency-key", "x-csrftoken", "x-request-id", "x-site-code",
]  # fmt: skip
CORS_EXPOSE_HEADERS = ["X-Request-ID", "Idempotent-Replayed", "Retry-After"]
CORS_URLS_REGEX = r"^/api/"

# --- what the browser may do ---------------------------------------------------------------------------------------------
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF, "https://js.stripe.com"],
        "style-src": [SELF],
        "img-src": [SELF, "data:"],
        "font-src": [SELF],
        "connect-src": [SELF, "https://api.stripe.com"],
        "frame-src": ["https://js.stripe.com", "https://hooks.stripe.com"],  # the second asks the cardholder's bank
        "form-action": [SELF],
        "base-uri": [NONE],
        "frame-ancestors": [NONE],
        "manifest-src": [SELF],
    }
}
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CONTENT_TYPE_NOSNIFF = True
X_FRAME_OPTIONS = "DENY"

# --- queues -------------------------------------------------------------------------------------------------------------
CELERY_TASK_SERIALIZER = "json"
CELERY_RESULT_SERIALIZER = "json"
CELERY_ACCEPT_CONTENT = ["json"]
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_TASK_TIME_LIMIT = 300
CELERY_TASK_SOFT_TIME_LIMIT = 280
CELERY_TASK_PUBLISH_RETRY = False
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_TIMEZONE = "UTC"
CELERY_DB_REUSE_MAX = 500
CELERY_BEAT_SCHEDULER = "django_celery_beat.schedulers:DatabaseScheduler"
CELERY_BROKER_TRANSPORT_OPTIONS = {
    # Longer than any task may run. The outbox sweep, not redelivery, answers for lateness.
    "visibility_timeout": 600,
    "unacked_restore_interval": 2,
    "unacked_restore_throttle": 1,
    "socket_connect_timeout": 2,
    "socket_timeout": 10,
    # Queueing never waits for a dead broker: kombu would try for six seconds, in the middle of a request. Workers reconnect by
    # CELERY_BROKER_CONNECTION_MAX_RETRIES, which is another matter.
    "max_retries": 0,
}
CELERY_BEAT_SCHEDULE: dict[str, dict[str, Any]] = {
    "outbox-sweep": {"task": "apps.core.tasks.sweep_outbox", "schedule": 5.0},
    "forget-idempotency-keys": {"task": "apps.core.tasks.forget_idempotency_keys", "schedule": 3600.0},
    "forget-sign-ins": {"task": "apps.accounts.tasks.forget_sign_ins", "schedule": 24 * 3600.0},
    "forget-fraud-evidence": {"task": "apps.fraud.tasks.forget_evidence", "schedule": 24 * 3600.0},
    "fold-referral-stats": {"task": "apps.referrals.tasks.fold_stats", "schedule": 3.0},
    "apply-tree-moves": {"task": "apps.referrals.tasks.apply_due_moves", "schedule": 30.0},
    "seal-chains": {"task": "apps.core.tasks.seal_chains", "schedule": 10.0},
    "renew-books": {"task": "apps.backoffice.tasks.renew_books", "schedule": 120.0},
    "anchor-chains": {"task": "apps.core.tasks.anchor_chains", "schedule": 300.0},
    "refunds-to-send": {"task": "apps.payments.tasks.send_refunds", "schedule": 15.0},
    "orders-to-lapse": {"task": "apps.orders.tasks.lapse_orders", "schedule": 30.0},
    "deposits-to-lapse": {"task": "apps.wallet.tasks.lapse_deposits", "schedule": 300.0},
    "services-to-expire": {"task": "apps.orders.tasks.expire_services", "schedule": 60.0},
    "connected-accounts": {"task": "apps.payouts.tasks.check_accounts", "schedule": 60.0},
    "transfers-due": {"task": "apps.allocations.tasks.sweep_transfers", "schedule": 10.0},
    "payouts-due": {"task": "apps.payouts.tasks.sweep_payouts", "schedule": 10.0},
    "payout-batches-due": {"task": "apps.payouts.tasks.propose_due_batches", "schedule": 900.0},
    "payouts-to-reconcile": {"task": "apps.payouts.tasks.reconcile_sites", "schedule": 24 * 3600.0},
    "activities-to-finish": {"task": "apps.activities.tasks.finish_activities", "schedule": 20.0},
    "forget-activity-files": {"task": "apps.activities.tasks.forget_files", "schedule": 24 * 3600.0},
    "mail-to-send": {"task": "apps.notifications.tasks.sweep_mail", "schedule": 10.0},
    "digests": {"task": "apps.notifications.tasks.make_digests", "schedule": 600.0},
    "commissions-due": {"task": "apps.commissions.tasks.approve_due_commissions", "schedule": 15.0},
}

# --- language, time, files ----------------------------------------------------------------------------------------------
LANGUAGE_CODE = "en"
TIME_ZONE = "UTC"
USE_TZ = True
USE_I18N = True
FORMAT_MODULE_PATH = ["config.formats"]
STATIC_URL = "/static/"
STATIC_ROOT = BASE_DIR / "staticfiles"
STATICFILES_DIRS = [BASE_DIR / "static"]

# --- Upline -------------------------------------------------------------------------------------------------------------
UPLINE_THROTTLE = True
# An account is locked for `seconds` after so many failed sign-ins, whatever the addresses.
UPLINE_LOCKOUT = {
    "failures": env.int("UPLINE_LOCKOUT_FAILURES", default=30),
    "within_seconds": env.int("UPLINE_LOCKOUT_WITHIN_SECONDS", default=3600),
    "seconds": env.int("UPLINE_LOCKOUT_SECONDS", default=900),
}
UPLINE_PREPARED = env("UPLINE_PREPARED", default="on") != "off"
UPLINE_PLATFORM_HOSTS = env.list("UPLINE_PLATFORM_HOSTS", default=["localhost", "127.0.0.1"])
UPLINE_BASE_URL = env("UPLINE_BASE_URL", default="")
# Whether an issuer of identities may be a machine of our own and http: where people try things out, never in production.
UPLINE_LOCAL_ISSUERS = False
# Another address than Stripe's own is a fake, for tests and the demo; its pay page stands in for the card form:
# <pay url><client secret>?return_url=<back to us>.
STRIPE_API_BASE = env("STRIPE_API_BASE", default="https://api.stripe.com")
UPLINE_STRIPE_PAY_URL = env("UPLINE_STRIPE_PAY_URL", default="")
# Who sends tokens: name → class (apps.custody.gateways). Other addresses than Fireblocks' own are a fake's.
UPLINE_CUSTODY_GATEWAYS = {"fireblocks": "apps.custody.gateways.fireblocks.Fireblocks"}
# What pays partners: name → class (apps.payouts.gateways), the first that pays a method's kind is the one that does.
UPLINE_PAYOUT_GATEWAYS = {
    "manual": "apps.payouts.gateways.by_hand.Manual",
    "stripe_connect": "apps.payouts.gateways.stripe_connect.StripeConnect",
    "fireblocks": "apps.payouts.gateways.fireblocks.Fireblocks",
    "wallet": "apps.payouts.gateways.by_hand.Wallet",
}
FIREBLOCKS_API_BASE = env("FIREBLOCKS_API_BASE", default="https://api.fireblocks.io")
FIREBLOCKS_JWKS_URL = env("FIREBLOCKS_JWKS_URL", default="https://keys.fireblocks.io/.well-known/jwks.json")
# Where a workbook is put together before it is sent; empty is the system's. Not a file system in memory: it may be large.
# Brokers whose accounts members may connect: name → class (apps.brokers.gateways).
UPLINE_BROKER_GATEWAYS = {
    "AngelOne": "apps.brokers.gateways.angelone.AngelOne",
    "Zerodha": "apps.brokers.gateways.zerodha.Zerodha",
}
ANGELONE_API_BASE = env("ANGELONE_API_BASE", default="https://apiconnect.angelone.in")
ZERODHA_API_BASE = env("ZERODHA_API_BASE", default="https://api.kite.trade")
# Days for which what activities made can be fetched; the activity itself stays.
UPLINE_FILE_DAYS = env.int("UPLINE_FILE_DAYS", default=90)
UPLINE_TEMP_DIR = env("UPLINE_TEMP_DIR", default="")
# Where signed anchors of the hash chains are appended: on storage that the database's administrators can't write.
UPLINE_ANCHOR_FILE = env(
    "UPLINE_ANCHOR_FILE", default=str(Path(env("UPLINE_STATE_DIR", default=str(BASE_DIR / ".local"))) / "anchors.jsonl")
)


def redis_urls(url: str) -> tuple[str, str]:
    """(cache URL, Celery broker URL): redis-py spells a unix socket `unix://`, kombu spells it `redis+socket://`."""
    return url, url.replace("unix://", "redis+socket://", 1).replace("?db=", "?virtual_host=")


def redis_cache(url: str) -> dict[str, Any]:
    """CACHES for one Redis. Short timeouts: a dead Redis must cost a request milliseconds, not its life."""
    return {
        "default": {
            "BACKEND": "django.core.cache.backends.redis.RedisCache",
            "LOCATION": url,
            "OPTIONS": {"socket_connect_timeout": 1, "socket_timeout": 1},
        }
    }


LOGGING: dict[str, Any] = {
    "version": 1,
    "disable_existing_loggers": False,
    "filters": {"request": {"()": "apps.core.logs.RequestFilter"}},
    "formatters": {"json": {"()": "apps.core.logs.JsonFormatter"}},
    "handlers": {"out": {"class": "logging.StreamHandler", "formatter": "json", "filters": ["request"]}},
    "root": {"handlers": ["out"], "level": "INFO"},
    "loggers": {
        "django.request": {"level": "ERROR"},
        "django.server": {"level": "WARNING"},
        # A line per beat of the sweeps would bury the ones that matter.
        "celery": {"level": "WARNING"},
        "stripe": {"level": "WARNING"},  # two lines per call otherwise
    },
}
