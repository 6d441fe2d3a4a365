from django.apps import AppConfig


class RbacConfig(AppConfig):
    name = "apps.rbac"
    label = "rbac"

    def ready(self) -> None:
        from django.db.models.signals import post_migrate

        from apps.sites import provisioning

        provisioning.register("apps.rbac.services.seed_roles")
        provisioning.register("apps.rbac.services.seed_departments")
        post_migrate.connect(_seed_permissions, sender=self)


def _seed_permissions(using: str, **kwargs: object) -> None:
    """The catalogue's keys follow the code at every migrate. Only the owner may write them."""
    from apps.rbac.services import seed_permissions

    if using == "owner":
        seed_permissions(using=using)
