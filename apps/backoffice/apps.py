from django.apps import AppConfig
from django.contrib.admin import apps as admin_apps


class BackofficeConfig(AppConfig):
    name = "apps.backoffice"
    label = "backoffice"
    default = True

    def ready(self) -> None:
        from apps.backoffice import jobs
        from apps.core import outbox
        from apps.core.backoffice import bulk

        bulk.register(jobs.start)
        outbox.subscribe(jobs.TOPIC, "backoffice", "apps.backoffice.jobs.run_steps")


class UplineAdminConfig(admin_apps.AdminConfig):
    """Django's admin with our site object, which knows sites and roles."""

    default = False
    default_site = "apps.backoffice.site.BackOfficeSite"
