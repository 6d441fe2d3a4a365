"""What belongs to the host and not to a person: the front page and the one line of CSS a site has of its own."""

from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.templatetags.static import static
from django.views.decorators.http import require_safe

from apps.accounts.models import User
from apps.dashboard.views.public import landing
from apps.sites import registry

PLATFORM_HUE = 264


@require_safe
def home(request: Any) -> HttpResponse:
    """On a site's host its own front page, elsewhere what this installation is."""
    if request.site is not None and not getattr(request, "switched", False):
        return landing(request)
    return render(request, "public/platform.html", {"rows": _sites(request), "demo_password": _demo_password()})


def _sites(request: HttpRequest) -> list[dict[str, Any]]:
    """The sites with their addresses. A production installation does not tell strangers who its tenants are."""
    if not _demo_password():
        return []
    scheme, host = request.scheme, request.get_host()
    sites = registry.all_sites()
    demo = [f"partner@{site.code.lower()}.example" for site in sites]
    known = set(User.objects.filter(email__in=demo).values_list("email", flat=True))
    return [
        {
            "site": site,
            "url": f"{scheme}://{site.code.lower()}.{host}/",
            "login": f"partner@{site.code.lower()}.example" if f"partner@{site.code.lower()}.example" in known else "",
        }
        for site in sites
    ]


def _demo_password() -> str:
    """Set in local and test settings alone."""
    return str(getattr(settings, "UPLINE_DEMO_PASSWORD", ""))


@require_safe
def site_css(request: Any) -> HttpResponse:
    """The site's hue. A stylesheet and not an attribute, since the content security policy allows no inline style."""
    site = getattr(request, "site", None)
    hue = site.hue if site is not None else PLATFORM_HUE
    response = HttpResponse(f":root{{--hue:{hue:d}}}\n", content_type="text/css; charset=utf-8")
    response["Cache-Control"] = "private, max-age=86400"  # its address changes with the hue
    return response


@require_safe
def favicon(request: HttpRequest) -> HttpResponse:
    """For browsers on pages that name no icon."""
    return redirect(static("favicon.svg"))
