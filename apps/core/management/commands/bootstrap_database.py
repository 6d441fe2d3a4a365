"""Make the database roles and the database. Needs an administrator's URL; safe to repeat."""

import os
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from apps.core.rls.bootstrap import bootstrap


class Command(BaseCommand):
    help = __doc__
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: Any) -> None:
        parser.add_argument("--for-tests", action="store_true", help="let the owner empty append-only tables")

    def handle(self, *args: Any, **options: Any) -> None:
        names = ("DATABASE_ADMIN_URL", "DATABASE_OWNER_URL", "DATABASE_URL", "DATABASE_AUDIT_URL")
        urls = {name: os.environ.get(name, "") for name in names}
        missing = [name for name, url in urls.items() if not url]
        if missing:
            raise CommandError(f"Set {', '.join(missing)}.")
        done = bootstrap(
            admin_url=urls["DATABASE_ADMIN_URL"],
            owner_url=urls["DATABASE_OWNER_URL"],
            app_url=urls["DATABASE_URL"],
            audit_url=urls["DATABASE_AUDIT_URL"],
            for_tests=options["for_tests"],
        )
        self.stdout.write("\n".join(f"made {line}" for line in done) or "nothing to do")
