from django.apps import AppConfig


class OnboardingConfig(AppConfig):
    name = "apps.onboarding"
    label = "onboarding"

    def ready(self) -> None:
        from apps.accounts import oidc

        oidc.welcome_by("apps.onboarding.services.welcome")
