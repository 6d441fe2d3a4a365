"""The issuer of a site: what it is, and how it is changed."""

import time
from dataclasses import dataclass
from uuid import UUID

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import timezone

from apps.accounts.models import IdentityProvider
from apps.audit import services as audit
from apps.core import outgoing
from apps.core.errors import Invalid

KEEP_SECONDS = 5.0


@dataclass(frozen=True)
class Provider:
    """What a token of this site's issuer is checked against."""

    site_code: str
    issuer: str
    audience: str
    jwks_url: str
    accepts_bearer: bool


_kept: dict[UUID, tuple[float, Provider | None]] = {}


def forget() -> None:
    _kept.clear()


def provider_of(site_id: UUID, code: str) -> Provider | None:
    """The active issuer of the site whose context this is, or None. Kept for a few seconds, as the sites themselves are."""
    at, found = _kept.get(site_id, (0.0, None))
    if time.monotonic() - at > KEEP_SECONDS:
        row = IdentityProvider.objects.filter(is_active=True).first()
        found = Provider(code, row.issuer, row.audience, row.keys_url, row.accepts_bearer) if row else None
        _kept[site_id] = (time.monotonic(), found)
    return found


@transaction.atomic
def set_provider(
    *, issuer: str, audience: str, jwks_url: str = "", accepts_bearer: bool = False, is_active: bool = True,
    actor: audit.Actor,
) -> IdentityProvider:  # fmt: skip
    """Name the site's issuer, or change it. Raises Invalid naming the field."""
    row = IdentityProvider.objects.select_for_update().first()
    is_new = row is None
    row = row or IdentityProvider()
    before = {} if is_new else {name: getattr(row, name) for name in _FIELDS}
    after = {
        "issuer": issuer.strip(), "audience": audience.strip(), "jwks_url": jwks_url.strip(),
        "accepts_bearer": accepts_bearer, "is_active": is_active,
    }  # fmt: skip
    for name, value in after.items():
        setattr(row, name, value)
    _check(row)
    changed = {name: value for name, value in after.items() if before.get(name) != value}
    if changed:
        row.changed_at = timezone.now()
        row.save(force_insert=is_new)
        audit.record(
            actor=actor, action="identity_provider.changed", target=row,
            before={name: before.get(name) for name in changed}, after=changed,
        )  # fmt: skip
        transaction.on_commit(forget)
    return row


_FIELDS = ("issuer", "audience", "jwks_url", "accepts_bearer", "is_active")


def _check(row: IdentityProvider) -> None:
    try:
        row.clean_fields(exclude=["site"])
    except ValidationError as error:
        field, messages = next(iter(error.message_dict.items()))
        raise Invalid("invalid", messages[0], field=field) from error
    for name, url in (("issuer", row.issuer), ("jwks_url", row.keys_url)):
        try:
            outgoing.check(url)
        except outgoing.Refused as error:
            raise Invalid("invalid", str(error), field=name) from error
