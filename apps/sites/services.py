"""Provisioning a site, and what its operator decides.

Provisioning runs as the owner for the shared row (the app role creates no tenants), then as the site itself.
"""

from collections.abc import Mapping
from typing import Any, TypeVar
from uuid import UUID

from django.core.exceptions import ValidationError
from django.db import transaction

from apps.audit import services as audit
from apps.core.errors import Invalid
from apps.core.tenancy import require_site_id, site_context
from apps.sites import registry
from apps.sites.models import Site, SiteDomain, SiteSettings
from apps.sites.provisioning import steps

SITE_FIELDS = ("name", "time_zone", "hue")
"""What the operator of a site may change about it; the rest names its rows and money for ever."""


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


@transaction.atomic
def change_site(*, changes: dict[str, Any], actor: audit.Actor) -> Site:
    """Change the name, time zone or hue of the present site. Raises Invalid, naming the field."""
    site = Site.objects.select_for_update(no_key=True).get(pk=require_site_id())
    transaction.on_commit(registry.forget)
    return _change(site, {name: changes[name] for name in changes if name in SITE_FIELDS}, actor, "site.changed", "")


@transaction.atomic
def change_settings(*, changes: dict[str, Any], actor: audit.Actor, reason: str = "") -> SiteSettings:
    """Change settings of the present site; what is as it was is left out of the audit.

    Raises Invalid: a value that can't be, naming its field; reason_required for less security without saying why.
    """
    settings = SiteSettings.objects.select_for_update().get(site_id=require_site_id())
    before = {name: getattr(settings, name) for name in changes}
    if not reason and lowers_security(before, changes):
        _check_fields(settings, changes)
        raise Invalid("reason_required", "This makes the site less secure. Say why.", field="reason")
    transaction.on_commit(registry.forget)
    return _change(settings, changes, actor, "sitesettings.changed", reason)


Row = TypeVar("Row", Site, SiteSettings)


def _change(row: Row, changes: dict[str, Any], actor: audit.Actor, action: str, reason: str) -> Row:
    """Write what is new, if it may be, and tell the audit. What is as it was is left out."""
    before = {name: getattr(row, name) for name, value in changes.items() if getattr(row, name) != value}
    if not before:
        return row
    changed = {name: changes[name] for name in sorted(before)}
    _check_fields(row, changed)
    row.save(update_fields=list(changed))
    audit.record(actor=actor, action=action, target=row, before=before, after=changed, reason=reason)
    return row


def _check_fields(row: Site | SiteSettings, values: dict[str, Any]) -> None:
    """With the new values set."""
    for name, value in values.items():
        setattr(row, name, value)
    others = {field.name for field in row._meta.fields} - set(values)
    try:
        row.clean_fields(exclude=others)
        row.clean()
    except ValidationError as error:
        field, messages = next(iter(error.message_dict.items()))
        raise Invalid("invalid", messages[0], field=field) from error


def lowers_security(before: Mapping[str, Any], after: Mapping[str, Any]) -> bool:
    """Is a wall switched off, or lower than before? 0 minutes asks never, 0 hours never waits. `before` has all of `after`."""
    off = any(before[name] and not after[name] for name in ("staff_two_factor", "four_eyes") if name in after)
    was, minutes = before.get("step_up_minutes", 0), after.get("step_up_minutes", 0)
    asked_later = "step_up_minutes" in after and was > 0 and not 0 < minutes <= was
    waits_less = after.get("method_cooldown_hours", 0) < before.get("method_cooldown_hours", 0)
    return off or asked_later or waits_less
