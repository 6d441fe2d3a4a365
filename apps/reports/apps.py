from django.apps import AppConfig


class ReportsConfig(AppConfig):
    name = "apps.reports"
    label = "reports"

    def ready(self) -> None:
        from apps.activities import reports

        for kind in ("commissions", "orders"):
            reports.register(kind, f"apps.reports.own.{kind}")
