from django.apps import AppConfig
from django.contrib.admin import apps as admin_apps


class BackofficeConfig(AppConfig):
    name = "apps.backoffice"
    label = "backoffice"
    default = True


class UplineAdminConfig(admin_apps.AdminConfig):
    """Django's admin with our site object, which knows sites and roles."""

    default = False
    default_site = "apps.backoffice.site.BackOfficeSite"
