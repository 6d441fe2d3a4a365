from django.apps import AppConfig


class OrdersConfig(AppConfig):
    name = "apps.orders"

    def ready(self) -> None:
        from apps.payments import purposes
        from apps.referrals import enrichment

        purposes.register("order", "apps.orders.services.payments.OrderPayments")
        enrichment.register("purchases_total", "apps.orders.selectors.purchases_by_partner")
