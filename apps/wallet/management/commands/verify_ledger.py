"""Check every site's books: sums, balances, lots, and the hash chain. Exits 1 and names what does not fit."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from apps.core import chain
from apps.core.tenancy import site_context
from apps.sites import registry
from apps.wallet import selectors


class Command(BaseCommand):
    help = __doc__

    def add_arguments(self, parser: Any) -> None:
        parser.add_argument("--site", help="one site's code; all without it")

    def handle(self, *args: Any, **options: Any) -> None:
        sites = registry.all_sites()
        if options["site"]:
            sites = [site for site in sites if site.code == options["site"].upper()]
            if not sites:
                raise CommandError(f"No site is called {options['site']}.")
        broken = 0
        for site in sites:
            chain.seal(site.pk, "ledger")
            with site_context(site.pk):
                found, totals = selectors.contradictions(), selectors.totals()
            finding = chain.verify(site.pk, "ledger")
            if finding is not None:
                found.append((f"chain: {finding.problem} at link {finding.seq}", str(finding.row_id)))
            verdict = "agrees" if not found else f"{len(found)} findings"
            self.stdout.write(f"{site.code}: {totals['entries']} entries, {totals['postings']} postings, {verdict}")
            for problem, subject in found:
                self.stdout.write(f"  {problem}: {subject}")
            broken += len(found)
        if broken:
            raise CommandError(f"{broken} findings.")
