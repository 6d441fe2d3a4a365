from django.apps import AppConfig


class OrdersConfig(AppConfig):
    name = "apps.orders"

    def ready(self) -> None:
        from apps.referrals import enrichment

        enrichment.register("purchases_total", "apps.orders.selectors.purchases_by_partner")
