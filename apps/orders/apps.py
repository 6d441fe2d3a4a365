from django.apps import AppConfig


class OrdersConfig(AppConfig):
    name = "apps.orders"

    def ready(self) -> None:
        from apps.core import outbox
        from apps.payments import purposes
        from apps.referrals import enrichment

        purposes.register("order", "apps.orders.services.payments.OrderPayments")
        outbox.subscribe("order.sold", "invoices", "apps.orders.services.issue_invoices", batch=100)
        enrichment.register("purchases_total", "apps.orders.selectors.purchases_by_partner")
