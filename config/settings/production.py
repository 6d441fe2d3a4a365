"""Production. Every variable without a default is required: a missing one stops the start."""

from config.database import databases
from config.settings.base import *  # noqa: F403
from config.settings.base import env, redis_cache, redis_urls

DEBUG = False
SECRET_KEY = env("UPLINE_SECRET_KEY")
UPLINE_ENCRYPTION_KEYS = env.list("UPLINE_ENCRYPTION_KEYS")  # id:base64 of 32 bytes, newest first
UPLINE_ANCHOR_KEYS = env.list("UPLINE_ANCHOR_KEYS")  # the same, to sign with; never the encryption keys
ALLOWED_HOSTS = env.list("UPLINE_ALLOWED_HOSTS")
UPLINE_BASE_URL = env("UPLINE_BASE_URL")
UPLINE_PLATFORM_HOSTS = env.list("UPLINE_PLATFORM_HOSTS")
DATABASES = databases(
    app=env("DATABASE_URL"),
    owner=env("DATABASE_OWNER_URL", default=""),  # only the one-shot migrate container is given it
    audit=env("DATABASE_AUDIT_URL"),
)
_cache_url, CELERY_BROKER_URL = redis_urls(env("REDIS_URL"))
CACHES = redis_cache(_cache_url)

if env("UPLINE_THROTTLE", default="on") == "off":
    raise RuntimeError("UPLINE_THROTTLE=off is for load tests on a local machine. Remove it.")

SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
SECURE_SSL_REDIRECT = env.bool("UPLINE_SSL_REDIRECT", default=True)
SECURE_REDIRECT_EXEMPT = [r"^health/", r"^ready/"]
SECURE_HSTS_SECONDS = env.int("UPLINE_HSTS_SECONDS", default=31536000)
SECURE_HSTS_INCLUDE_SUBDOMAINS = True
SESSION_COOKIE_SECURE = True
CSRF_COOKIE_SECURE = True
SESSION_COOKIE_NAME = "__Host-session"
CSRF_COOKIE_NAME = "__Host-csrf"

EMAIL_CONFIG = env.email("EMAIL_URL")
vars().update(EMAIL_CONFIG)
DEFAULT_FROM_EMAIL = env("UPLINE_FROM_EMAIL")
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"},
}
