from django.apps import AppConfig


class AllocationsConfig(AppConfig):
    name = "apps.allocations"

    def ready(self) -> None:
        from apps.core import outbox
        from apps.custody import senders

        outbox.subscribe("order.paid", "allocations", "apps.allocations.services.allocate_orders", batch=100)
        outbox.subscribe("order.refunded", "allocations", "apps.allocations.services.follow_refunds", batch=100)
        senders.register("apps.allocations.services.take_report")
