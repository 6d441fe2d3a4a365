"""Encrypt again, under the first of UPLINE_ENCRYPTION_KEYS, what stands under another one. The product goes on meanwhile.

To change keys: add the new one at the end and start everything with it, so that all can read it; move it to the front and start
everything again; run this; take the old one out once it says that nothing stands under it. `--check` only counts. Exits 1 while
something can't be read or stands under another key.
"""

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from apps.core import crypto, rotation


class Command(BaseCommand):
    help = __doc__

    def add_arguments(self, parser: Any) -> None:
        parser.add_argument("--check", action="store_true", help="count only")
        parser.add_argument("--step", type=int, default=rotation.STEP, help="rows of one transaction")

    def handle(self, *args: Any, **options: Any) -> None:
        if not rotation.has_owner():
            raise CommandError("This needs DATABASE_OWNER_URL: the app may not change some of these columns.")
        newest, left, unreadable = crypto.key_ids()[0], 0, 0
        for done in rotation.rotate(write=not options["check"], step=max(1, options["step"])):
            held = ", ".join(f"{key} {count}" for key, count in sorted(done.by_key.items())) or "empty"
            self.stdout.write(f"{done.column.name}: {done.turned} encrypted again; under {held}")
            for pk in done.unreadable:
                self.stderr.write(f"{done.column.name}: row {pk} can't be read with any key")
            left += sum(count for key, count in done.by_key.items() if key != newest)
            unreadable += len(done.unreadable)
        if left:
            raise CommandError(f"{left} values stand under another key than {newest}, {unreadable} can't be read.")
        self.stdout.write(f"Everything stands under {newest}.")
