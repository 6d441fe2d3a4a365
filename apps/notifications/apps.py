from django.apps import AppConfig

TOPICS = {
    "partner.joined": "partner_joined",
    "order.commissioned": "order_commissioned",
    "commissions.approved": "commissions_approved",
    "commissions.reversed": "commissions_reversed",
    "bonus.credited": "bonus_credited",
    "payout.changed": "payout_changed",
    "payout_method.added": "payout_method_changed",
    "payout_method.removed": "payout_method_changed",
    "security.changed": "security_changed",
    "sign_in.begun": "sign_in_begun",
    "password_reset.requested": "password_reset_requested",
}
"""What is heard, and the function of services.hearing that does."""


class NotificationsConfig(AppConfig):
    name = "apps.notifications"

    def ready(self) -> None:
        from apps.core import outbox

        for topic, handler in TOPICS.items():
            outbox.subscribe(topic, "notifications", f"apps.notifications.services.hearing.{handler}", batch=100)
