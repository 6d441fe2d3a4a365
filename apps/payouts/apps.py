from django.apps import AppConfig


class PayoutsConfig(AppConfig):
    name = "apps.payouts"
    label = "payouts"

    def ready(self) -> None:
        from apps.core import outbox
        from apps.custody import senders
        from apps.payments import connect, transfers
        from apps.wallet.services import guards

        senders.register("apps.payouts.services.events.take_custody_report")
        transfers.register("apps.payouts.services.events.take_stripe_transfer")
        outbox.subscribe("payout_batch.step", "payouts", "apps.payouts.services.running.run_steps")
        outbox.subscribe("payout_results.step", "payouts", "apps.payouts.services.results.run_steps")
        freezing = "apps.payouts.services.freezing"
        guards.before_leaving(f"{freezing}.check_not_frozen", many=f"{freezing}.frozen_among")
        connect.on_change("apps.payouts.services.connecting.heard")
