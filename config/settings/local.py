"""Settings of `bin/up`. The launcher passes the URLs of its servers; in another terminal they come from its state."""

import os

from apps.core.launcher.state import load_env

for _name, _value in load_env().items():
    os.environ.setdefault(_name, _value)

from apps.core.crypto import derived_anchor_key, derived_key  # noqa: E402
from config.database import databases  # noqa: E402
from config.settings.base import *  # noqa: E402, F403
from config.settings.base import env, redis_cache, redis_urls  # noqa: E402

DEBUG = False
SECRET_KEY = env("UPLINE_SECRET_KEY", default="local-only-and-never-in-production-0123456789")
UPLINE_ENCRYPTION_KEYS = [derived_key(SECRET_KEY)]
UPLINE_ANCHOR_KEYS = [derived_anchor_key(SECRET_KEY)]
ALLOWED_HOSTS = ["*"]
DATABASES = databases(
    app=env("DATABASE_URL", default="postgresql://upline_app@/upline"),
    owner=env("DATABASE_OWNER_URL", default=""),
    audit=env("DATABASE_AUDIT_URL", default=""),
)
_cache_url, CELERY_BROKER_URL = redis_urls(env("REDIS_URL", default="redis://127.0.0.1:6379/0"))
CACHES = redis_cache(_cache_url)

UPLINE_PORT = env.int("UPLINE_PORT", default=8000)
UPLINE_BASE_URL = f"http://localhost:{UPLINE_PORT}"
UPLINE_STATE_DIR = env("UPLINE_STATE_DIR", default="")
UPLINE_DEMO_PASSWORD = env("UPLINE_DEMO_PASSWORD", default="upline-demo")
UPLINE_THROTTLE = env("UPLINE_THROTTLE", default="on") != "off"

# Cookies know no ports: two instances on one machine need names of their own.
SESSION_COOKIE_NAME = f"session_{UPLINE_PORT}"
CSRF_COOKIE_NAME = f"csrf_{UPLINE_PORT}"

EMAIL_BACKEND = "django.core.mail.backends.filebased.EmailBackend"
EMAIL_FILE_PATH = os.path.join(UPLINE_STATE_DIR or "/tmp", "mail")  # noqa: S108, PTH118
DEFAULT_FROM_EMAIL = "Upline <no-reply@upline.example>"
WHITENOISE_USE_FINDERS = True
WHITENOISE_AUTOREFRESH = False
UPLINE_LOCAL_ISSUERS = True
