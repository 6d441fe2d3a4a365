"""The admin site: who may enter, at which site they work, and the index that is a dashboard."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.contrib.admin import AdminSite
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from apps.accounts.middleware import SESSION_SITE
from apps.accounts.sessions import enter_site
from apps.backoffice import menu, selectors
from apps.backoffice.signing_in import SigningIn, without_two_factor
from apps.rbac.access import access_of
from apps.sites import registry


class BackOfficeSite(SigningIn, AdminSite):
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
        daily, groups = menu.build(context["available_apps"] if site is not None else [], request.path)
        return {
            **context,
            "daily": daily,
            "groups": groups,
            "at_home": request.path == reverse("admin:index"),
            "working_site": site,
            "can_switch": on_platform and request.user.is_authenticated,
            "switchable_sites": registry.all_sites() if on_platform else [],
        }

    def get_urls(self) -> list[Any]:
        return [
            path("switch/", self.admin_view(require_POST(self.switch)), name="switch"),
            path("search/", self.admin_view(require_safe(self.search)), name="search"),
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
            site = getattr(request, "site", None)
            with timezone.override(site.time_zone if site else None):
                response = inner(request, *args, **kwargs)
                return response.render() if isinstance(response, TemplateResponse) else response

        return in_site_time

    @without_two_factor
    def switch(self, request: HttpRequest) -> HttpResponse:
        """Work at another site. Only on the platform host, where the session isn't bound to one."""
        site = registry.by_code(request.POST.get("site", ""))
        if site is not None and request.session.get(SESSION_SITE) == "":
            enter_site(request, site)
        return redirect(reverse("admin:index"))

    def search(self, request: HttpRequest) -> HttpResponse:
        """Everything of the site at work that fits `?q=`."""
        term = request.GET.get("q", "").strip()[:200]
        found = selectors.search(request, term) if getattr(request, "site", None) is not None else []
        context = {**self.each_context(request), "title": "Search", "term": term, "found": found}
        return TemplateResponse(request, "admin/search.html", context)

    def index(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> Any:
        context = extra_context or {}
        if getattr(request, "site", None) is not None:
            context = {**context, "home": selectors.home(request)}
        return super().index(request, context)
