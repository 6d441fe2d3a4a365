"""Recompute every site's audit chain and name the first row that was altered, removed, moved or slipped in. Exits 1 on any.

With the anchors that beat keeps outside the database it also finds a tail that was cut, or a history rewritten, links and all.
"""

from typing import Any

from django.core.management.base import CommandError

from apps.audit.models import AuditLink
from apps.core.anchoring import check_chain
from apps.core.management.verifying import VerifyingCommand
from apps.core.tenancy import site_context


class Command(VerifyingCommand):
    help = __doc__

    def handle(self, *args: Any, **options: Any) -> None:
        sites = self.sites(options)
        kept, broken = self.anchors(options)
        for code, site_id in sites.items():
            finding = check_chain(code, site_id, "audit", kept)
            with site_context(site_id):
                links = AuditLink.objects.count()
            anchored = max(kept.of(code, "audit"), default=0) if kept else 0
            verdict = "agrees" if finding is None else "is broken"
            self.stdout.write(f"{code}: {links} links, anchored to {anchored}, {verdict}")
            if finding is not None:
                self.stdout.write(f"  {finding}")
                broken += 1
        if broken:
            raise CommandError(f"{broken} findings.")
