from django.apps import AppConfig


class PaymentsConfig(AppConfig):
    name = "apps.payments"

    def ready(self) -> None:
        from apps.core import outbox

        outbox.subscribe("inbox.stripe", "payments", "apps.payments.services.handle_events")
        outbox.subscribe("payment.refund_wanted", "payments", "apps.payments.services.make_refunds")
