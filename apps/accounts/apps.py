from django.apps import AppConfig


class AccountsConfig(AppConfig):
    name = "apps.accounts"
    label = "accounts"

    def ready(self) -> None:
        from apps.rbac import scopes

        scopes.register("enterprise", "apps.accounts.enterprises")
