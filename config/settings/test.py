"""Settings of the tests: the real PostgreSQL as the app role, the real Redis, a cheap password hash."""

from apps.core.crypto import derived_anchor_key, derived_key
from config.database import databases
from config.settings.base import *  # noqa: F403
from config.settings.base import env, redis_cache, redis_urls

DEBUG = False
SECRET_KEY = "tests-only-secret-key-0123456789-0123456789"  # noqa: S105
UPLINE_ENCRYPTION_KEYS = [derived_key(SECRET_KEY)]
UPLINE_ANCHOR_KEYS = [derived_anchor_key(SECRET_KEY)]
ALLOWED_HOSTS = ["*"]
DATABASES = databases(
    app=env("DATABASE_URL", default="postgresql://upline_app@/upline"),
    owner=env("DATABASE_OWNER_URL", default=""),
    audit=env("DATABASE_AUDIT_URL", default=""),
    max_age=0,
)
_cache_url, _ = redis_urls(env("REDIS_URL", default="redis://127.0.0.1:6379/0"))
CACHES = redis_cache(_cache_url)
# Each process of tests has a database of its own with the same sites, and one Redis beside the others.
CACHES["default"]["KEY_PREFIX"] = env("PYTEST_XDIST_WORKER", default="")
# No worker listens in unit tests; what needs one starts its own on the real Redis.
CELERY_BROKER_URL = env("UPLINE_TEST_BROKER", default="memory://")
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
DEFAULT_FROM_EMAIL = "Upline <no-reply@upline.example>"
UPLINE_DEMO_PASSWORD = "upline-demo"  # noqa: S105
UPLINE_BASE_URL = "http://localhost:8000"
UPLINE_STATE_DIR = env("UPLINE_STATE_DIR", default="")
# Off, so that tests of other things do not meet it; the tests of the limits switch it on.
UPLINE_THROTTLE = False
UPLINE_LOCAL_ISSUERS = True
ANGELONE_API_BASE = ZERODHA_API_BASE = "http://127.0.0.1:9"  # nobody answers, where no fake does
WHITENOISE_USE_FINDERS = True
