from django.apps import AppConfig


class CommissionsConfig(AppConfig):
    name = "apps.commissions"
    label = "commissions"

    def ready(self) -> None:
        from apps.core import outbox
        from apps.wallet.services import lots

        outbox.subscribe("order.paid", "commissions", "apps.commissions.services.orders_paid", batch=50)
        outbox.subscribe("order.refunded", "commissions", "apps.commissions.services.orders_refunded")
        lots.on_consumed("commission", "apps.commissions.services.lots_consumed")
