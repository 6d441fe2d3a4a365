from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from apps.core.launcher import up
from apps.core.launcher.errors import LauncherError


class Command(BaseCommand):
    """Listed by `manage.py help`; from the command line manage.py goes to the launcher before Django is set up."""

    help = "Run everything on this machine: PostgreSQL, Redis, web, worker and beat, until Ctrl-C."
    requires_system_checks = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        up.add_arguments(parser)

    def handle(self, **options: Any) -> None:
        try:
            up.run(reset=options["reset"], demo=not options["no_demo"])
        except LauncherError as error:
            raise CommandError(str(error)) from error
