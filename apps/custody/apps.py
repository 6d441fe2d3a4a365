from django.apps import AppConfig


class CustodyConfig(AppConfig):
    name = "apps.custody"

    def ready(self) -> None:
        from apps.core import outbox

        outbox.subscribe("inbox.fireblocks", "custody", "apps.custody.services.handle_events")
