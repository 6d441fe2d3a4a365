from django.apps import AppConfig


class BonusesConfig(AppConfig):
    name = "apps.bonuses"

    def ready(self) -> None:
        from apps.bonuses.models import REF_TYPES
        from apps.core import outbox
        from apps.wallet.services import lots

        for ref_type in REF_TYPES.values():
            lots.own(ref_type)
        outbox.subscribe("order.paid", "bonuses", "apps.bonuses.services.reward_orders", batch=100)
        outbox.subscribe("deposit.paid", "bonuses", "apps.bonuses.services.reward_deposits")
        outbox.subscribe("deposit.refunded", "bonuses", "apps.bonuses.services.follow_refunds")
        outbox.subscribe("bonus.created", "bonuses", "apps.bonuses.services.credit_automatically")
