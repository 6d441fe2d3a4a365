"""Look at all that is known of the partners there are, as news would have had it: once after an upgrade. Safe to repeat."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from apps.core.tenancy import site_context
from apps.fraud.services import look_again
from apps.referrals.models import Partner
from apps.sites import registry


class Command(BaseCommand):
    help = __doc__

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--site", help="The code of one site; every site without it.")

    def handle(self, *args: Any, **options: Any) -> None:
        code = options["site"]
        sites = [site for site in registry.all_sites() if not code or site.code == code.upper()]
        if not sites:
            raise CommandError(f"There is no site {code}.")
        for site in sites:
            with site_context(site.pk):
                ids = list(Partner.objects.people().order_by("id").values_list("pk", flat=True))
            for pk in ids:  # each in a transaction of its own: its locks are held for a moment only
                with site_context(site.pk):
                    look_again(pk)
            self.stdout.write(f"{site.code}: {len(ids)} partners")
