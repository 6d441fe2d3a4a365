from django.apps import AppConfig


class SitesConfig(AppConfig):
    name = "apps.sites"
    label = "sites"

    def ready(self) -> None:
        from django.db.models.signals import post_delete, post_save

        from apps.sites import registry

        for name in ("Site", "SiteDomain"):
            for signal in (post_save, post_delete):
                signal.connect(lambda **kwargs: registry.forget(), sender=self.get_model(name), weak=False)
