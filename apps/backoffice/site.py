"""The admin site: who may enter, at which site they work, and the index that is a dashboard."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.contrib.admin import AdminSite
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from apps.accounts.middleware import SESSION_SITE, SESSION_SWITCH
from apps.accounts.sessions import enter_site
from apps.audit.selectors import history
from apps.backoffice import across, menu, selectors
from apps.backoffice.money_pages import MoneyPages
from apps.backoffice.signing_in import SigningIn, without_two_factor
from apps.core import recording
from apps.core.backoffice import UplineModelAdmin
from apps.core.backoffice.keyset import OLDER
from apps.core.errors import DomainError
from apps.core.ids import read_uuid
from apps.core.tenancy import across_sites, reading_across
from apps.rbac.access import access_of
from apps.sites import registry

SESSION_ACROSS = "upline_across"  # a platform session reads all sites
ALL_SITES = "*"
HISTORY_PAGE = 50
# What can be opened while all sites are read: lists, rows, their histories and files. And what leads out again.
READS = ("_changelist", "_change", "_history", "_export")
ALWAYS = ("switch", "security", "logout")


class BackOfficeSite(SigningIn, MoneyPages, AdminSite):
    site_header = "Upline"
    site_title = "Upline back office"
    index_title = "Home"
    site_url = None
    enable_nav_sidebar = True
    empty_value_display = "–"

    def has_permission(self, request: HttpRequest) -> bool:
        user = request.user
        if not (user.is_authenticated and user.is_active):
            return False
        access, site = access_of(request), getattr(request, "site", None)
        return access.is_staff or access.withheld is not None or (site is None and access.platform)

    def each_context(self, request: HttpRequest) -> dict[str, Any]:
        site = getattr(request, "site", None)
        on_platform = getattr(request, "switched", False) or site is None
        context = super().each_context(request)
        daily, groups = menu.build(
            context["available_apps"] if site is not None else [], request.path, access_of(request)
        )
        return {
            **context,
            "daily": daily,
            "groups": groups,
            "at_home": request.path == reverse("admin:index"),
            "working_site": site,
            "across": reading_across(),
            "can_read_across": on_platform and access_of(request).platform,
            "can_switch": on_platform and request.user.is_authenticated,
            "switchable_sites": registry.all_sites() if on_platform else [],
        }

    def get_urls(self) -> list[Any]:
        return [
            path("switch/", self.admin_view(require_POST(self.switch)), name="switch"),
            path("search/", self.admin_view(require_safe(self.search)), name="search"),
            path("liability/", self.admin_view(require_safe(self.liability)), name="liability"),
            path("tax-summary/", self.admin_view(require_safe(self.tax_summaries)), name="tax_summaries"),
            path("tax-summary/<uuid:pk>/", self.admin_view(require_safe(self.tax_summary)), name="tax_summary"),
            path("login/code/", self.login_code, name="login_code"),
            path("security/", self.admin_view(self.security), name="security"),
            *super().get_urls(),
        ]

    def admin_view(self, view: Callable[..., Any], cacheable: bool = False) -> Any:
        """Every page in the time zone of the site at work, its template included. Staff who have yet to switch on two-factor get
        no further than where they do."""
        inner = super().admin_view(view, cacheable)
        open_to_all = getattr(view, "without_two_factor", False)

        @wraps(inner)
        def in_site_time(request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
            if access_of(request).withheld is not None and not open_to_all:
                return redirect("admin:security")
            if self._reads_across(request):
                return self._across(request, inner, *args, **kwargs)
            site = getattr(request, "site", None)
            with timezone.override(site.time_zone if site else None):
                return _rendered(inner(request, *args, **kwargs))

        return in_site_time

    def _reads_across(self, request: HttpRequest) -> bool:
        if not getattr(request, "switched", False) or not request.session.get(SESSION_ACROSS):
            return False
        match = request.resolver_match
        return request.user.is_authenticated and (match is None or match.url_name not in ALWAYS)

    def _across(self, request: HttpRequest, view: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        """A page of all sites, in UTC. What isn't a list or a row is refused, and so is everything that isn't a GET."""
        access = access_of(request)
        if not access.platform:
            return self._refused(request, "Only holders of a platform role read all sites.")
        try:
            access.reach_across(request)
        except DomainError as error:
            return self._refused(request, error.message)
        name = request.resolver_match.url_name if request.resolver_match else ""
        asked = {**{key: value for key, value in request.GET.items() if key != "p"}, "path": request.path}
        recording.record(actor=request.user, action="sites.read_across", after=asked)
        with timezone.override("UTC"):
            try:
                with across_sites():
                    if request.method not in ("GET", "HEAD"):
                        return self._refused(request, "All sites at once are only read.")
                    if not (str(name).endswith(READS) or name == "index"):
                        return self._refused(request, "This page only makes sense at one site.")
                    return _rendered(view(request, *args, **kwargs))
            except DomainError as error:
                refusal = error.message
            except PermissionDenied:
                refusal = "This only makes sense at one site, or your role doesn’t open it."
            with across_sites():
                return self._refused(request, refusal)

    def _refused(self, request: HttpRequest, sentence: str) -> HttpResponse:
        context = {**self.each_context(request), "title": "Not here", "sentence": sentence}
        return TemplateResponse(request, "admin/not_here.html", context, status=403).render()

    def history(self, request: HttpRequest, screen: UplineModelAdmin, obj: Any) -> HttpResponse:
        """What happened to a row, newest first, as the audit has it."""
        targets = [(obj._meta.label_lower, obj.pk), *screen.related_history(obj)]
        moments, older = history(targets, size=HISTORY_PAGE, before=read_uuid(request.GET.get(OLDER, "")))
        context = {
            **self.each_context(request), "opts": screen.opts, "plural": screen.plural, "original": obj,
            "row_title": screen.title_of(obj), "title": "History", "moments": moments, "older": older,
            "is_first": OLDER not in request.GET,
        }  # fmt: skip
        return TemplateResponse(request, "admin/history.html", context)

    @without_two_factor
    def switch(self, request: HttpRequest) -> HttpResponse:
        """Work at another site, or read all of them. Only on the platform host, where the session isn't bound to one."""
        chosen = request.POST.get("site", "")
        site = registry.by_code(chosen)
        if request.session.get(SESSION_SITE) != "":
            return redirect(reverse("admin:index"))
        if chosen == ALL_SITES:
            return self._switch_to_all(request)
        if site is not None:
            enter_site(request, site)
            request.session.pop(SESSION_ACROSS, None)
        return redirect(reverse("admin:index"))

    def _switch_to_all(self, request: HttpRequest) -> HttpResponse:
        """The site at work stays the one that asks, at which the reading is audited; without one it is the first."""
        if not access_of(request).platform:
            raise PermissionDenied
        request.session[SESSION_ACROSS] = True
        if not request.session.get(SESSION_SWITCH):
            enter_site(request, registry.all_sites()[0])
        return redirect(reverse("admin:index"))

    def search(self, request: HttpRequest) -> HttpResponse:
        """Everything of the site at work that fits `?q=`."""
        term = request.GET.get("q", "").strip()[:200]
        found = selectors.search(request, term) if getattr(request, "site", None) is not None else []
        context = {**self.each_context(request), "title": "Search", "term": term, "found": found}
        return TemplateResponse(request, "admin/search.html", context)

    def index(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> Any:
        if reading_across():
            context = {**self.each_context(request), "title": "All sites", "home": across.all_sites(request)}
            return TemplateResponse(request, "admin/index_across.html", context)
        context = extra_context or {}
        if getattr(request, "site", None) is not None:
            context = {**context, "home": selectors.home(request)}
        return super().index(request, context)


def _rendered(response: Any) -> Any:
    return response.render() if isinstance(response, TemplateResponse) else response
