"""/r/{code}: where a shared link leads."""

from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from apps.core.api.throttling import client_ip
from apps.core.errors import Invalid, TooMany
from apps.referrals import cookies, services
from apps.sites.models import SiteSettings
from apps.sites.selectors import site_settings


@never_cache
@require_safe
def follow(request: HttpRequest, token: str) -> HttpResponse:
    """Record the click, remember it in a cookie, lead on. An inactive code leads on without a trace, an unknown one nowhere."""
    if request.site is None:
        raise Http404
    settings = site_settings()
    if request.method == "HEAD":
        return HttpResponseRedirect(_destination(settings))  # link checkers and previews are not visits
    try:
        click = services.follow_link(
            token=request.GET.get("link") or token,
            ip=client_ip(request),
            user_agent=request.headers.get("User-Agent", ""),
            referrer=request.headers.get("Referer", ""),
            url=request.build_absolute_uri(),
        )
    except TooMany as error:
        headers = {"Retry-After": str(error.retry_after), "Content-Type": "text/plain"}
        return HttpResponse("Too many attempts. Try again in a minute.", status=429, headers=headers)
    except Invalid as error:
        if error.code == "referral_code_inactive":
            return HttpResponseRedirect(_destination(settings))
        raise Http404 from error
    response = HttpResponseRedirect(_destination(settings, ref=click.partner.code, click_id=str(click.pk)))
    keeps_first = settings.attribution == SiteSettings.Attribution.FIRST_CLICK and cookies.read_click(request)
    if not keeps_first:
        cookies.remember_click(response, click, days=settings.attribution_days)
    return response


def _destination(settings: SiteSettings, **params: str) -> str:
    """The site's landing page, else the join page. A shop learns the code and the click there, to report its orders with."""
    parts = urlsplit(settings.landing_url or reverse("dashboard:join"))
    query = dict(parse_qsl(parts.query)) | params
    return urlunsplit(parts._replace(query=urlencode(query)))
