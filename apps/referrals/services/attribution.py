"""Clicks, and what they led to (H7)."""

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta
from ipaddress import ip_address
from uuid import UUID

from django.db import IntegrityError, transaction
from django.utils import timezone

from apps.core.errors import Conflict
from apps.core.ids import read_uuid
from apps.referrals.models import CampaignLink, Click, Conversion, Partner
from apps.referrals.services.codes import generate_slug, guessing_limit, resolve_code, resolve_link
from apps.sites.models import SiteSettings
from apps.sites.selectors import site_settings


@dataclass(frozen=True)
class Attribution:
    """Who is credited, and by which touch. `click` is the visit that led there, where one is known."""

    partner: Partner
    source: str
    click: Click | None = None


def attribute(*, code: str = "", click_id: object = None, cookie: object = None) -> Attribution | None:
    """Who a newcomer is credited to: the code typed, else the click named, else the cookie's click.

    Raises Invalid for an unknown or inactive code. Clicks that are unknown, too old or of an inactive partner are passed over:
    people do not see them, so they can't correct them.
    """
    settings = site_settings()
    by_click, by_cookie = _usable_click(click_id, settings), _usable_click(cookie, settings)
    if code:
        partner = resolve_code(code)
        visit = next((click for click in (by_click, by_cookie) if click and click.partner_id == partner.pk), None)
        return Attribution(partner, Conversion.Source.CODE, visit)
    if by_click is not None:
        return Attribution(by_click.partner, Conversion.Source.CLICK, by_click)
    if by_cookie is not None:
        return Attribution(by_cookie.partner, Conversion.Source.COOKIE, by_cookie)
    return None


def _usable_click(click_id: object, settings: SiteSettings) -> Click | None:
    """The click itself, or with first-click attribution the first one of the same device, within the site's window."""
    pk = read_uuid(click_id)
    if pk is None:
        return None
    since = timezone.now() - timedelta(days=settings.attribution_days)
    recent = Click.objects.select_related("partner").filter(
        created_at__gte=since, partner__status=Partner.Status.ACTIVE
    )
    click = recent.filter(pk=pk).first()
    if click is None or settings.attribution != SiteSettings.Attribution.FIRST_CLICK or not click.device_id:
        return click
    return recent.filter(device_id=click.device_id).order_by("created_at", "id").first()


def record_click(
    *, partner: Partner, link: CampaignLink | None = None, ip: str = "", user_agent: str = "", device_id: str = "",
    url: str = "", referrer: str = "", at: datetime | None = None,
) -> Click:  # fmt: skip
    """Append a visit, `at` a moment if not just now. Longer values than we keep are cut, and an address that is none left out."""
    return Click.objects.create(
        partner=partner, created_at=at or timezone.now(), link=link, ip=_address(ip), device_id=device_id[:100],
        url=url[:1000], referrer=referrer[:1000],
        user_agent_hash=hashlib.sha256(user_agent.encode()).hexdigest()[:32] if user_agent else "",
    )  # fmt: skip


def _address(ip: str) -> str:
    try:
        return str(ip_address(ip))
    except ValueError:
        return ""


def follow_link(*, token: str, ip: str, user_agent: str, referrer: str, url: str = "") -> Click:
    """Somebody opened /r/{code or slug}. Raises Invalid (unknown, inactive: no click is kept), TooMany (guessing)."""
    with guessing_limit(ip):
        partner, link = resolve_link(token)
    return record_click(partner=partner, link=link, ip=ip, user_agent=user_agent, url=url, referrer=referrer)


def record_conversion(*, attribution: Attribution, kind: str, subject_id: UUID) -> Conversion:
    """Credit a signup or a first purchase, once per subject."""
    click = attribution.click
    return Conversion.objects.get_or_create(
        kind=kind,
        subject_id=subject_id,
        defaults={
            "partner": attribution.partner,
            "source": attribution.source,
            "click": click,
            "link_id": click.link_id if click else None,
        },
    )[0]


def create_link(*, partner: Partner, name: str) -> CampaignLink:
    """Raises Conflict (link_exists)."""
    try:
        with transaction.atomic():
            return CampaignLink.objects.create(partner=partner, name=name.strip(), slug=generate_slug())
    except IntegrityError as error:
        raise Conflict("link_exists", "You have a link with this name.", field="name") from error


def update_link(*, link: CampaignLink, name: str | None = None, is_active: bool | None = None) -> CampaignLink:
    """Rename a link, or switch it off: then its address is unknown. Raises Conflict (link_exists)."""
    link.name = link.name if name is None else name.strip()
    link.is_active = link.is_active if is_active is None else is_active
    try:
        with transaction.atomic():
            link.save(update_fields=["name", "is_active"])
    except IntegrityError as error:
        raise Conflict("link_exists", "You have a link with this name.", field="name") from error
    return link
