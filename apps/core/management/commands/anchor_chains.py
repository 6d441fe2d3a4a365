"""Append a signed line per site and chain to the anchors, outside the database. Beat does it every five minutes.

Exits 1 where a chain contradicts what was written down before. --public-keys prints what somebody outside needs to verify them.
"""

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from apps.core import anchoring, anchors


class Command(BaseCommand):
    help = __doc__

    def add_arguments(self, parser: Any) -> None:
        parser.add_argument("--file", help="where to append; UPLINE_ANCHOR_FILE without it")
        parser.add_argument("--public-keys", action="store_true", help="print the public keys, anchor nothing")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["public_keys"]:
            for name, key in anchors.public_keys().items():
                self.stdout.write(f"{name} ed25519 {key}")
            return
        path = Path(options["file"]).expanduser() if options["file"] else anchors.default_file()
        try:
            done = anchoring.anchor_chains(path)
        except OSError as error:
            raise CommandError(f"{path}: {error.strerror}") from error
        self.stdout.write(f"{done.written} anchors appended to {path}")
        for problem in done.problems:
            self.stdout.write(f"  {problem}")
        if done.problems:
            raise CommandError(f"{len(done.problems)} chains contradict their anchors.")
