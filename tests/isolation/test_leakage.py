"""R14: requests of many sites on few connections, some of which fail half-way: nobody sees a row of another site.

2,000 requests over 12 sites on 4 threads here, each thread with one kept connection as gunicorn's has; bin/bench --soak runs
20,000 over 50.
"""

import contextlib
import random
import threading

import pytest
from django.db import connections
from django.http import HttpResponse
from django.test import RequestFactory

from apps.audit.models import AuditEvent
from apps.audit.services import SYSTEM, record
from apps.core.ids import uuid7
from apps.core.tenancy import current_site_id, site_context
from apps.sites import registry
from apps.sites.middleware import SiteMiddleware, SiteTransactionMiddleware

pytestmark = pytest.mark.django_db(transaction=True, databases=["default", "owner"])


def run_requests(sites, *, threads, each):
    """Every request writes and reads one event of its site; each tenth raises after writing. Returns what went wrong."""
    wrong = []

    def view(request):
        site = request.site
        record(actor=SYSTEM, action="leak.probe", reason=site.code)
        seen = set(AuditEvent.objects.filter(action="leak.probe").values_list("site_id", "reason"))
        if seen != {(site.pk, site.code)}:
            wrong.append((site.code, seen))
        if request.GET.get("fail") == "error":
            raise ZeroDivisionError
        return HttpResponse(status=409 if request.GET.get("fail") == "conflict" else 200)

    handler = SiteMiddleware(SiteTransactionMiddleware(view))

    def worker(number):
        draw, factory = random.Random(number), RequestFactory()
        try:
            for _ in range(each):
                site = draw.choice(sites)
                fail = draw.choice(["error", "conflict"]) if draw.random() < 0.1 else ""
                request = factory.get("/probe", {"fail": fail}, headers={"X-Site-Code": site.code})
                request.request_id = uuid7().hex
                with contextlib.suppress(ZeroDivisionError):
                    handler(request)
                if current_site_id() is not None or AuditEvent.objects.exists():
                    wrong.append("the site outlived its request")
        finally:
            connections.close_all()

    running = [threading.Thread(target=worker, args=(number,)) for number in range(threads)]
    for thread in running:
        thread.start()
    for thread in running:
        thread.join()
    return wrong


def test_no_request_sees_another_sites_row():
    from apps.sites.models import Site

    for number in range(12):
        Site.objects.using("owner").create(code=f"LEAK{number}", name=f"Leak {number}", currency="INR")
    registry.forget()
    sites = [site for site in registry.all_sites() if site.code.startswith("LEAK")]

    wrong = run_requests(sites, threads=4, each=500)

    assert wrong == []
    with site_context(sites[0].pk):
        kept = AuditEvent.objects.filter(action="leak.probe").count()
    assert kept > 0
