from django.apps import AppConfig


class PaymentsConfig(AppConfig):
    name = "apps.payments"

    def ready(self) -> None:
        from apps.core import outbox

        outbox.subscribe("inbox.stripe", "payments", "apps.payments.services.handle_events")
