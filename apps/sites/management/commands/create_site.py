"""Create a site, or complete one after an upgrade."""

from typing import Any

from django.core.management.base import BaseCommand

from apps.sites.services import create_site


class Command(BaseCommand):
    help = __doc__

    def add_arguments(self, parser: Any) -> None:
        parser.add_argument("code", help="upper case, such as HOSTING")
        parser.add_argument("--name", required=True)
        parser.add_argument("--currency", required=True, help="ISO 4217, such as INR")
        parser.add_argument("--time-zone", default="UTC")
        parser.add_argument("--hue", type=int, default=264)
        parser.add_argument("--host", action="append", default=[], help="a domain of its own; repeatable")

    def handle(self, *args: Any, **options: Any) -> None:
        site = create_site(
            code=options["code"], name=options["name"], currency=options["currency"], time_zone=options["time_zone"],
            hue=options["hue"], hosts=options["host"],
        )  # fmt: skip
        self.stdout.write(f"{site.code} {site.pk}")
