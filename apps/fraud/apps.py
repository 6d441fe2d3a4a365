from django.apps import AppConfig


class FraudConfig(AppConfig):
    name = "apps.fraud"

    def ready(self) -> None:
        from apps.core import outbox

        outbox.subscribe("partner.status_changed", "fraud", "apps.fraud.services.follow_status")
