"""What the commands that verify chains share: their options, and how they speak of anchors."""

from typing import Any
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError

from apps.core import anchoring
from apps.core.anchors import Anchors, AnchorsUnreadable
from apps.core.tenancy import site_codes


class VerifyingCommand(BaseCommand):
    """`--site` and `--anchor`. Exits 1 when there are findings."""

    def add_arguments(self, parser: Any) -> None:
        parser.add_argument("--site", help="one site's code; all without it")
        parser.add_argument(
            "--anchor", help="file of anchors to check against; UPLINE_ANCHOR_FILE without it, if it is there"
        )

    def sites(self, options: dict[str, Any]) -> dict[str, UUID]:
        """{code: id}. Raises CommandError when there is no such site."""
        known = site_codes()
        if not options["site"]:
            return known
        code = options["site"].upper()
        if code not in known:
            raise CommandError(f"No site is called {options['site']}.")
        return {code: known[code]}

    def anchors(self, options: dict[str, Any]) -> tuple[Anchors | None, int]:
        """The anchors, and how many findings they bring themselves. Raises CommandError when the file can't be read."""
        try:
            kept = anchoring.load(options["anchor"])
        except AnchorsUnreadable as error:
            raise CommandError(f"The anchors can't be read: {error}.") from error
        if kept is None:
            self.stdout.write("No anchors yet: a tail that was cut with its links would not be seen.")
            return None, 0
        problems = [*kept.findings, *(f"site {code} was anchored and is gone" for code in anchoring.lost_sites(kept))]
        self.stdout.write(f"{kept.lines} anchors, {f'{len(problems)} findings' if problems else 'all signed by us'}")
        for problem in problems:
            self.stdout.write(f"  {problem}")
        return kept, len(problems)
