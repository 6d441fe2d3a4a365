from django.apps import AppConfig


class RbacConfig(AppConfig):
    name = "apps.rbac"
    label = "rbac"

    def ready(self) -> None:
        from apps.sites import provisioning

        provisioning.register("apps.rbac.services.seed_roles")
