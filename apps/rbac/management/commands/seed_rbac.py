"""Bring the system roles of every site to what the catalogue says, and make the departments, positions and ordinary roles it
lacks. Safe to repeat; `migrate` has brought the keys."""

from typing import Any

from django.core.management.base import BaseCommand

from apps.core.tenancy import site_context
from apps.rbac.services import seed_departments, seed_roles
from apps.sites import registry


class Command(BaseCommand):
    help = __doc__

    def handle(self, *args: Any, **options: Any) -> None:
        for site in registry.all_sites():
            with site_context(site.pk):
                seed_roles(site.pk)
                seed_departments(site.pk)
            self.stdout.write(f"{site.code}: seeded")
