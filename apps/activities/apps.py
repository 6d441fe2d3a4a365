from django.apps import AppConfig


class ActivitiesConfig(AppConfig):
    name = "apps.activities"

    def ready(self) -> None:
        from apps.activities import reports
        from apps.sites import provisioning

        provisioning.register("apps.activities.services.open_types")
        for kind in ("ledger", "downline", "activities"):
            reports.register(kind, f"apps.activities.own.{kind}")
