"""Celery: JSON only, ids only, acknowledged late, one task at a time per child (spec: architecture.md, Queues)."""

import os

from celery import Celery

from config import broker

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings.local")

broker.use()
app = Celery("upline", task_cls="apps.core.tasks:SiteTask")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
