"""Admins of the lower apps' models. The upper apps bring their own `admin.py`."""

from django.contrib import admin
from django.contrib.auth.models import Group

from apps.backoffice.admin import accounts, audit, core, identities, jobs, rbac, sites

admin.site.unregister(Group)  # roles take the place of Django's groups

__all__ = ["accounts", "audit", "core", "identities", "jobs", "rbac", "sites"]
