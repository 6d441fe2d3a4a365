from django.apps import AppConfig


class CommissionsConfig(AppConfig):
    name = "apps.commissions"
    label = "commissions"

    def ready(self) -> None:
        from apps.commissions.services.commissioning import BATCH
        from apps.core import outbox
        from apps.referrals import enrichment
        from apps.wallet.services import lots

        outbox.subscribe("order.paid", "commissions", "apps.commissions.services.orders_paid", batch=BATCH)
        outbox.subscribe("order.refunded", "commissions", "apps.commissions.services.orders_refunded")
        enrichment.register("commission_total", "apps.commissions.selectors.commissions_by_partner")
        lots.on_consumed("commission", "apps.commissions.services.lots_consumed")
