"""migrate, as the owner: the app role may create nothing. Ends by granting what third-party tables need."""

from typing import Any

from django.conf import settings
from django.core.management.base import CommandError
from django.core.management.commands import migrate

from apps.core.rls.grants import apply_audit_policies, apply_grants


class Command(migrate.Command):
    def add_arguments(self, parser: Any) -> None:
        super().add_arguments(parser)
        parser.set_defaults(database="owner")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["database"] != "owner" or "owner" not in settings.DATABASES:
            raise CommandError("Migrations run as the owner: set DATABASE_OWNER_URL, and leave --database alone.")
        super().handle(*args, **options)
        apply_audit_policies(using="owner")
        ungranted = apply_grants(using="owner")
        if ungranted:
            raise CommandError("Tables without a decision on grants: " + ", ".join(sorted(ungranted)))
