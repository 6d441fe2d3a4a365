# One image for web, workers, beat and the one-shot migrate; compose says which it is.
FROM python:3.12-slim-bookworm AS build
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
RUN python -m venv /venv
COPY requirements/production.txt /tmp/production.txt
RUN /venv/bin/pip install --require-hashes --no-deps --only-binary=:all: -r /tmp/production.txt

FROM python:3.12-slim-bookworm
ENV PATH=/venv/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 DJANGO_SETTINGS_MODULE=config.settings.production
RUN useradd --system --uid 10001 --home-dir /app --shell /usr/sbin/nologin upline \
    && mkdir -p /app /data /anchors && chown upline:upline /data /anchors
WORKDIR /app
COPY --from=build /venv /venv
COPY . .
# collectstatic reads the settings, which want every variable; nothing here connects anywhere or is kept.
RUN UPLINE_SECRET_KEY=build UPLINE_ENCRYPTION_KEYS=build UPLINE_ANCHOR_KEYS=build UPLINE_ALLOWED_HOSTS=localhost UPLINE_PLATFORM_HOSTS=localhost \
    UPLINE_BASE_URL=https://localhost UPLINE_FROM_EMAIL=build@localhost EMAIL_URL=consolemail:// \
    DATABASE_URL=postgresql:///build DATABASE_AUDIT_URL=postgresql:///build REDIS_URL=redis://localhost:6379/0 \
    python manage.py collectstatic --no-input
USER upline
EXPOSE 8000
CMD ["gunicorn", "config.wsgi:application", "--bind", "0.0.0.0:8000"]
