"""Links to share, their QR codes, and what came of them."""

from io import BytesIO
from typing import Any
from uuid import UUID

import segno
from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from apps.core.errors import DomainError, NotFound
from apps.dashboard import selectors
from apps.dashboard.forms import LinkForm
from apps.dashboard.pages import done, partner_page
from apps.dashboard.views.public import qualifying
from apps.referrals import services
from apps.referrals.links import site_origin
from apps.referrals.models import CampaignLink
from apps.sites.selectors import site_settings


@require_http_methods(["GET", "HEAD", "POST"])
@partner_page("affiliate.read")
def links(request: Any) -> HttpResponse:
    form = LinkForm(request.POST or None)
    if request.method != "POST":
        return _show(request, form)
    if not form.is_valid():
        return _show(request, form, status=400)
    try:
        link = services.create_link(partner=request.partner, name=form.cleaned_data["name"])
    except DomainError as error:
        form.refuse(error)
        return _show(request, form, status=error.status)
    return done(request, f"“{link.name}” is ready to share.", "dashboard:links")


def _show(request: Any, form: LinkForm, status: int = 200) -> HttpResponse:
    table = selectors.link_table(request.partner, site_origin(request))
    settings = site_settings()
    context = {"form": form, "table": table, "settings": settings, "qualifying": qualifying(settings)}
    return render(request, "dashboard/links.html", context, status=status)


@require_POST
@partner_page("affiliate.read")
def switch(request: Any, pk: UUID) -> HttpResponse:
    """Switch a named link off or on again."""
    link = CampaignLink.objects.filter(partner=request.partner, pk=pk).first()
    if link is None:
        raise NotFound()
    link = services.update_link(link=link, is_active=not link.is_active)
    words = "works again" if link.is_active else "is switched off: who opens it finds nothing"
    return done(request, f"“{link.name}” {words}.", "dashboard:links")


@require_safe
@partner_page("affiliate.read")
def qr(request: Any, token: str) -> HttpResponse:
    """The QR code of my main link (by my code) or of a named one (by its slug): black on white, sized by whoever shows it."""
    mine = token == request.partner.code or CampaignLink.objects.filter(partner=request.partner, slug=token).exists()
    if not mine:
        raise NotFound()
    code = segno.make(f"{site_origin(request)}/r/{token}", error="m")
    svg: Any = BytesIO()
    code.save(svg, kind="svg", dark="#000", light="#fff", omitsize=True, xmldecl=False, lineclass=None, svgclass=None)
    response = HttpResponse(svg.getvalue(), content_type="image/svg+xml")
    if "download" in request.GET:
        response["Content-Disposition"] = f'attachment; filename="{token}.svg"'
    return response
