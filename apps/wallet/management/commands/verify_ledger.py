"""Check every site's books: sums, balances, lots, and the hash chain. Exits 1 and names what does not fit."""

from typing import Any

from django.core.management.base import CommandError

from apps.core.anchoring import check_chain
from apps.core.management.verifying import VerifyingCommand
from apps.core.tenancy import site_context
from apps.wallet import selectors


class Command(VerifyingCommand):
    help = __doc__

    def handle(self, *args: Any, **options: Any) -> None:
        sites = self.sites(options)
        kept, broken = self.anchors(options)
        for code, site_id in sites.items():
            finding = check_chain(code, site_id, "ledger", kept)
            with site_context(site_id):
                found, totals = selectors.contradictions(), selectors.totals()
            lines = [f"{problem}: {subject}" for problem, subject in found]
            if finding is not None:
                lines.append(f"chain, {finding}")
            verdict = "agrees" if not lines else f"{len(lines)} findings"
            self.stdout.write(f"{code}: {totals['entries']} entries, {totals['postings']} postings, {verdict}")
            for line in lines:
                self.stdout.write(f"  {line}")
            broken += len(lines)
        if broken:
            raise CommandError(f"{broken} findings.")
