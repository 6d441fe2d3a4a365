from django.apps import AppConfig


class PayoutsConfig(AppConfig):
    name = "apps.payouts"
    label = "payouts"

    def ready(self) -> None:
        from apps.payments import connect
        from apps.wallet.services import guards

        guards.before_leaving("apps.payouts.services.freezing.check_not_frozen")
        connect.on_change("apps.payouts.services.connecting.heard")
