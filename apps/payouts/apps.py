from django.apps import AppConfig


class PayoutsConfig(AppConfig):
    name = "apps.payouts"
    label = "payouts"

    def ready(self) -> None:
        from apps.wallet.services import guards

        guards.before_leaving("apps.payouts.services.freezing.check_not_frozen")
