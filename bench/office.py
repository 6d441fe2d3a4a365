"""Every screen of the back office over a site of 1,000,000 partners and 1,000,000 commissions."""

import logging
import statistics
import sys
import time
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode

from django.contrib import admin
from django.test import Client, override_settings
from django.test.utils import setup_test_environment, teardown_test_environment
from django.urls import reverse

from apps.accounts.middleware import SESSION_SITE
from apps.accounts.models import Membership, User
from apps.audit.services import SYSTEM
from apps.core.backoffice import UplineModelAdmin
from apps.core.tenancy import site_context
from apps.rbac.models import Role
from apps.rbac.services import assign_role
from apps.sites import registry
from apps.sites.models import Site
from bench.business import load_business
from bench.data import make_site
from bench.figures import Figure

TIMES, SLOWEST = 3, 12
FEW, CHOICES = "zz-nothing", 8
TYPED = {"day_from": "2026-11-20", "day_to": "2026-11-01", "actor_name": "manager@bench.example", "action": "commission.approved",
         "ip": "127.0.0.1"}  # fmt: skip
SEARCHES = {"email": "p77", "code": "AB", "external_id": "SHOP-12", "key": "order", "reference": "BANK-1"}


def run(size: int) -> list[Figure]:
    site = make_site("BENCHOFFICE")
    with site_context(site.pk):
        manager = User.objects.create_user(email="manager@bench.example", password=None)
        Membership.objects.create(user=manager, user_type=Membership.Kind.STAFF)
        assign_role(user=manager, role=Role.objects.get(key="super_admin"), actor=SYSTEM, access=None)
    load_business(site, partners=size, commissions=size, manager=manager.pk)
    registry.forget()
    return measure(site, manager, size)


@override_settings(ALLOWED_HOSTS=["*"], UPLINE_THROTTLE=False, SESSION_COOKIE_SECURE=False)
def measure(site: Site, manager: User, size: int) -> list[Figure]:
    """Each screen once for every kind of thing that is asked of it."""
    logging.getLogger("upline.access").setLevel(logging.WARNING)
    client = _signed_in(site, manager)
    setup_test_environment()  # only so that a page tells which filters it offers
    screens = list(_screens(site, client))
    teardown_test_environment()
    spent: dict[str, list[tuple[float, str]]] = {kind: [] for kind, _ in screens}
    for kind, url in screens:
        spent[kind].append((_milliseconds(client, url), url))
    slowest = sorted((row for rows in spent.values() for row in rows), reverse=True)[:SLOWEST]
    print(*(f"{ms:8.0f} ms  {url}" for ms, url in slowest), sep="\n", file=sys.stderr)
    return [_figure(kind, rows, size) for kind, rows in spent.items()]


def _figure(kind: str, rows: list[tuple[float, str]], size: int) -> Figure:
    worst, middle = max(rows)[0], statistics.median(ms for ms, _ in rows)
    work = f"the slowest of {len(rows)}, {size:,} partners and commissions"
    return Figure(f"backoffice {kind}", work, f"{worst:.0f} ms", f"median {middle:.0f} ms", None, "< 1 s")


def _signed_in(site: Site, user: User) -> Client:
    client = Client(headers={"host": f"{site.code.lower()}.localhost"})
    with site_context(site.pk):
        client.force_login(user, backend="apps.accounts.backends.MembershipBackend")
        session = client.session
        session[SESSION_SITE] = site.code
        session.save()
    return client


def _milliseconds(client: Client, url: str) -> float:
    """The median of TIMES, after one that warms nothing but the plans."""
    taken = []
    for _ in range(TIMES):
        started = time.perf_counter()
        answer = client.get(url)
        taken.append((time.perf_counter() - started) * 1000)
        if answer.status_code != 200:
            raise RuntimeError(f"{url} is {answer.status_code}")
    return statistics.median(taken)


def _asked(spec: Any, changelist: Any) -> list[str]:
    """The queries of a filter: its choices, or for one that is typed into a value that many rows have and one that none has."""
    choices = [choice.get("query_string", "?") for choice in spec.choices(changelist)]
    if chosen := [query for query in choices[:CHOICES] if query != "?"]:
        return chosen
    names = spec.expected_parameters()
    return [
        f"?{urlencode({names[0]: TYPED.get(names[0], FEW)})}",
        f"?{urlencode({names[-1]: TYPED.get(names[-1], FEW)})}",
    ]


def _screens(site: Site, client: Client) -> Iterator[tuple[str, str]]:
    """(kind, address) of the front page, the liability, each list (plain, deep, filtered, ordered, searched), and one row."""
    yield "index", reverse("admin:index")
    yield "liability", reverse("admin:liability")
    yield "liability", reverse("admin:liability") + "?at=2026-11-01T00:00"
    for model, screen in admin.site._registry.items():
        if not isinstance(screen, UplineModelAdmin):
            continue
        name = f"admin:{model._meta.app_label}_{model._meta.model_name}"
        url = reverse(f"{name}_changelist")
        yield "list", url
        changelist = client.get(url).context.get("cl")
        if changelist is None:  # a page of its own, such as the tree of departments
            continue
        pages = changelist.paginator.num_pages if hasattr(changelist, "paginator") else 1
        if pages > 1:
            yield "list", f"{url}?p={pages}"
        for spec in changelist.filter_specs:
            yield from (("filter", url + query) for query in _asked(spec, changelist))
        for place in changelist.sortable_by or ():
            if place in screen.list_display:
                yield "order", f"{url}?o=-{list(changelist.list_display).index(place)}"
        if screen.search_prefixes:
            terms = {SEARCHES.get(column.rpartition("__")[2], "a") for column in screen.search_prefixes}
            yield from (("search", f"{url}?{urlencode({'q': term})}") for term in sorted({*terms, FEW}))
        with site_context(site.pk):
            row: Any = model._default_manager.order_by("pk").last()
        if row is not None and changelist.result_list:
            yield "row", reverse(f"{name}_change", args=[changelist.result_list[0].pk])
