"""Addresses of referral links, their QR codes and what they brought."""

from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any
from urllib.parse import urlsplit, urlunsplit
from uuid import UUID

import segno
from django.conf import settings
from django.db.models import Count, QuerySet
from django.http import HttpRequest

from apps.core.money import rate_text
from apps.referrals.models import CampaignLink, Click, Conversion, Partner
from apps.sites import registry
from apps.sites.selectors import current_site


@dataclass(frozen=True)
class LinkFigures:
    """A link and what came of it. `id` and `name` are None for a partner's main link, whose figures include the others."""

    referral_code: str
    url: str
    short_url: str
    clicks: int
    signups: int
    is_active: bool
    id: UUID | None = None
    name: str | None = None
    links: list["LinkFigures"] = field(default_factory=list)

    @property
    def conversion_rate(self) -> str:
        """Signups ÷ clicks as a fraction, "0" without clicks (settled.md)."""
        if not self.clicks:
            return "0"
        return rate_text((Decimal(self.signups) / self.clicks).quantize(Decimal("0.0001")))

    @property
    def qr_svg(self) -> str:
        """Inline SVG sized by its viewBox, without a style the content security policy would forbid. Always black on white:
        many scanners don't read the inverse."""
        code = segno.make(self.short_url, error="m")
        svg: str = code.svg_inline(dark="#000", light="#fff", omitsize=True, svgclass="qr", lineclass=None)
        return svg


def site_origin(request: HttpRequest) -> str:
    """Scheme and host under which the request's site shows its pages, also when the request named it by header."""
    site = current_site()
    host = request.get_host()
    if registry.by_host(host.rpartition(":")[0] or host) == site:
        return f"{request.scheme}://{host}"
    base = urlsplit(settings.UPLINE_BASE_URL or f"{request.scheme}://{host}")
    domain: str | None = site.domains.order_by("host").values_list("host", flat=True).first()
    if domain is None:
        names = [name for name in settings.UPLINE_PLATFORM_HOSTS if not name.replace(".", "").isdigit()]
        domain = f"{site.code.lower()}.{base.hostname if base.hostname in names or not names else names[0]}"
    port = f":{base.port}" if base.port else ""
    return urlunsplit((base.scheme, domain + port, "", "", ""))


def link_figures(partner: Partner, origin: str) -> LinkFigures:
    """A partner's main link with their campaign links. Three queries."""
    clicks = _by_link(Click.objects.filter(partner=partner))
    signups = _by_link(Conversion.objects.filter(partner=partner, kind=Conversion.Kind.SIGNUP))
    campaigns = partner.links.order_by("id")
    return LinkFigures(
        referral_code=partner.code,
        url=f"{origin}/r/{partner.code}",
        short_url=f"{origin}/r/{partner.code}",
        clicks=sum(clicks.values()),
        signups=sum(signups.values()),
        is_active=partner.is_active,
        links=[_campaign(link, partner, origin, clicks.get(link.pk, 0), signups.get(link.pk, 0)) for link in campaigns],
    )


def campaign_figures(link: CampaignLink, partner: Partner, origin: str) -> LinkFigures:
    """One campaign link. Two queries."""
    signups = Conversion.objects.filter(link=link, kind=Conversion.Kind.SIGNUP).count()
    return _campaign(link, partner, origin, Click.objects.filter(link=link).count(), signups)


def _campaign(link: CampaignLink, partner: Partner, origin: str, clicks: int, signups: int) -> LinkFigures:
    return LinkFigures(
        referral_code=partner.code,
        url=f"{origin}/r/{partner.code}?link={link.slug}",
        short_url=f"{origin}/r/{link.slug}",
        clicks=clicks,
        signups=signups,
        is_active=link.is_active and partner.is_active,
        id=link.pk,
        name=link.name,
    )


def _by_link(rows: QuerySet[Any]) -> dict[UUID | None, int]:
    return dict(rows.order_by().values_list("link_id").annotate(n=Count("id")))
