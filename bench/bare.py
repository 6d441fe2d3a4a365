"""The limit of `stats_read`: the same framework with nothing on, answering one indexed row over a kept connection."""

import os

import django
from django.conf import settings
from django.core.wsgi import get_wsgi_application
from django.db import connection
from django.http import HttpRequest, JsonResponse
from django.urls import path

from config.database import databases

settings.configure(
    DEBUG=False,
    SECRET_KEY="bench",
    ALLOWED_HOSTS=["*"],
    USE_TZ=True,
    ROOT_URLCONF=__name__,
    MIDDLEWARE=["django.middleware.common.CommonMiddleware"],  # for Content-Length
    DATABASES=databases(app=os.environ["DATABASE_URL"]),
    LOGGING_CONFIG=None,
)
django.setup()


def site(request: HttpRequest) -> JsonResponse:
    with connection.cursor() as cursor:
        cursor.execute("SELECT code, name FROM sites_site WHERE code = %s", ["BENCHWEB"])
        row = cursor.fetchone()
    return JsonResponse({"code": row[0], "name": row[1]})


urlpatterns = [path("site", site)]
application = get_wsgi_application()
