from django.apps import AppConfig


class ReferralsConfig(AppConfig):
    name = "apps.referrals"

    def ready(self) -> None:
        from apps.sites import provisioning

        provisioning.register("apps.referrals.services.ensure_root")
