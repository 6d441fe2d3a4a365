"""Provisioning a site. Runs as the owner for the shared row (the app role creates no tenants), then as the site itself."""

from typing import Any
from uuid import UUID

from django.db import transaction

from apps.core.tenancy import site_context
from apps.sites import registry
from apps.sites.models import Site, SiteDomain, SiteSettings
from apps.sites.provisioning import steps


def create_site(
    *, code: str, name: str, currency: str, time_zone: str = "UTC", hue: int = 264, hosts: list[str] | None = None,
    settings: dict[str, Any] | None = None, using: str = "owner",
) -> Site:  # fmt: skip
    """Make or complete a site; safe to repeat. Raises ValidationError (code, currency, time zone)."""
    with transaction.atomic(using=using):
        site = Site.objects.using(using).filter(code=code).first()
        if site is None:
            site = Site(code=code, name=name, currency=currency, time_zone=time_zone, hue=hue)
            site.clean_fields()
            site.save(using=using, force_insert=True)
        for host in hosts or []:
            SiteDomain.objects.using(using).get_or_create(host=host.lower(), defaults={"site_id": site.pk})
    registry.forget()
    provision_site(site.pk, settings=settings or {})
    return Site.objects.get(pk=site.pk)


def provision_site(site_id: UUID, *, settings: dict[str, Any]) -> None:
    """What every site needs inside itself: settings, and what each app registers (roles, departments, tree root, accounts)."""
    with site_context(site_id):
        SiteSettings.objects.get_or_create(site_id=site_id, defaults=settings)
        for step in steps():
            step(site_id)
