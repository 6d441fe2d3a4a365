"""Prove that sites are kept apart: every table, policy, key, grant and role, from PostgreSQL's own catalogue.

Prints the report and exits 1 on any finding. With DATABASE_OWNER_URL set it also looks for references that lead nowhere.
"""

import json
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import connection, connections, transaction

from apps.core.rls import catalogue


class Command(BaseCommand):
    help = __doc__

    def add_arguments(self, parser: Any) -> None:
        parser.add_argument("--json", action="store_true", help="the report as JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        with connection.cursor() as cursor:
            tables, found = catalogue.tables(cursor), catalogue.findings(cursor)
        rows_checked = "owner" in connections.databases
        if rows_checked:
            with transaction.atomic(using="owner"), connections["owner"].cursor() as cursor:
                found += catalogue.dangling(cursor)
        if options["json"]:
            self.stdout.write(
                json.dumps(
                    {"tables": [vars(table) for table in tables], "findings": [vars(item) for item in found],
                     "shared": sorted(catalogue.SHARED), "rows_checked": rows_checked},
                    indent=1,
                )
            )  # fmt: skip
        else:
            self._print(tables, found, rows_checked=rows_checked)
        if found:
            raise CommandError(f"{len(found)} findings.")

    def _print(self, tables: Any, found: Any, *, rows_checked: bool) -> None:
        width = max(len(table.name) for table in tables)
        self.stdout.write(f"{len(tables)} tables with a site, each with forced row level security\n")
        for table in tables:
            line = f"  {table.name:<{width}}  {table.foreign_keys} keys  app: {table.app_grants or '-'}  [{table.policies}]"
            self.stdout.write(line)
        self.stdout.write(f"\n{len(catalogue.SHARED)} shared tables: {', '.join(sorted(catalogue.SHARED))}")
        self.stdout.write(f"{len(catalogue.kinds())} kinds of defect looked for")
        if not rows_checked:
            self.stdout.write("References not followed row by row: set DATABASE_OWNER_URL for that.")
        for item in found:
            self.stdout.write(f"FINDING {item.kind}: {item.subject}")
        self.stdout.write(f"{len(found)} findings")
