from django.apps import AppConfig

NEWS = {
    "partner.status_changed": "apps.fraud.services.follow_status",
    "partner.joined": "apps.fraud.services.follow_joined",
    "partner.circle_refused": "apps.fraud.services.follow_circles",
    "sign_in.begun": "apps.fraud.services.follow_sign_ins",
    "deposit.paid": "apps.fraud.services.follow_deposits",
    "payment.card_known": "apps.fraud.services.follow_cards",
    "payout_method.added": "apps.fraud.services.follow_methods",
    "bonus.created": "apps.fraud.services.follow_bonuses",
    "fraud.settings_changed": "apps.fraud.services.follow_settings",
}


class FraudConfig(AppConfig):
    name = "apps.fraud"

    def ready(self) -> None:
        from apps.bonuses.services import await_verdict
        from apps.core import outbox
        from apps.wallet.services import guards

        for topic, handler in NEWS.items():
            outbox.subscribe(topic, "fraud", handler)
        await_verdict("apps.fraud.services.may_credit")
        guards.before_leaving("apps.fraud.services.check_not_held", many="apps.fraud.services.held_among")
