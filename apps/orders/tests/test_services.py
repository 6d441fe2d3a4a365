"""What a buyer owns: made, renewed, ended, cancelled (H10)."""

from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from django.utils import timezone

from apps.audit.models import AuditEvent
from apps.audit.services import SYSTEM
from apps.catalogue.tests.factories import make_product
from apps.core.errors import Conflict, Invalid
from apps.orders.models import Order, OrderLine, Service
from apps.orders.services import (
    ExternalOrder,
    ReportedLine,
    cancel_service,
    expire_services,
    record_external_order,
    refund_order,
)
from apps.orders.services.customers import CustomerIds
from apps.orders.services.owning import after, before
from apps.referrals.tests.factories import make_partner

API = "/api/v1"
_numbers = iter(range(1, 1000))


@pytest.fixture
def ann(site):
    return make_partner()


def report(partner, *lines, paid_at=None):
    customer = CustomerIds(user_id=partner.user_id)
    told = ExternalOrder(f"S-{next(_numbers)}", customer, "INR", lines, paid_at=paid_at)
    return record_external_order(report=told, actor=SYSTEM)[0]


def own(partner, **kwargs):
    order = report(partner, ReportedLine("server", 1000, sku="vps", name="VPS", period="month"), **kwargs)
    return Service.objects.get(line__order=order)


def moment(text):
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("start", "period", "end"),
    [
        ("2026-01-15", "month", "2026-02-15"), ("2026-01-31", "month", "2026-02-28"), ("2026-12-05", "month", "2027-01-05"),
        ("2028-02-29", "year", "2029-02-28"), ("2026-11-27", "year", "2027-11-27"),
    ],
)  # fmt: skip
def test_a_period_ends_on_the_same_day_or_the_last(start, period, end):
    assert after(moment(start), period) == moment(end)


def test_a_period_earlier():
    assert before(moment("2027-01-05"), "month") == moment("2026-12-05")


def test_a_paid_line_with_a_period_is_a_service_from_its_payment(ann):
    paid_at = timezone.now() - timedelta(days=3)

    service = own(ann, paid_at=paid_at)

    assert (service.status, service.name, service.cycles, service.started_at) == ("active", "VPS", 1, paid_at)
    assert service.ends_at == after(paid_at, "month")
    report(ann, ReportedLine("domain", 1000))
    assert Service.objects.count() == 1


def test_a_renewal_adds_a_period_and_counts(ann):
    service = own(ann)
    ends = service.ends_at

    order = report(ann, ReportedLine("server", 1000, renews=service.pk))

    service.refresh_from_db()
    assert (service.cycles, service.ends_at, Service.objects.count()) == (2, after(ends, "month"), 1)
    assert OrderLine.objects.get(order=order).cycle == 2


def test_a_late_renewal_revives_what_had_ended(ann):
    service = own(ann, paid_at=timezone.now() - timedelta(days=60))
    assert (expire_services(), expire_services()) == (1, 0)
    service.refresh_from_db()
    assert service.status == "expired"

    report(ann, ReportedLine("server", 1000, renews=service.pk))

    service.refresh_from_db()
    assert (service.status, service.ends_at > timezone.now() + timedelta(days=27)) == ("active", True)


def test_only_the_own_and_living_are_renewed(ann):
    service, other = own(ann), make_partner()
    with pytest.raises(Invalid, match="owns no such service"):
        report(other, ReportedLine("server", 1000, renews=service.pk))
    with pytest.raises(Invalid, match="owns no such service"):
        report(ann, ReportedLine("server", 1000, renews=uuid4()))
    cancel_service(service=service, actor=SYSTEM)
    with pytest.raises(Conflict, match="was cancelled"):
        report(ann, ReportedLine("server", 1000, renews=service.pk))

    service.refresh_from_db()
    assert (service.cycles, Order.objects.count()) == (1, 1)


def test_a_full_refund_cancels_what_the_order_made_and_takes_back_what_it_renewed(ann):
    service = own(ann)
    ends = service.ends_at
    renewal = report(ann, ReportedLine("server", 1000, renews=service.pk))

    refund_order(order=renewal, external_id="R-1", amount=400, actor=SYSTEM)
    service.refresh_from_db()
    assert service.ends_at == after(ends, "month")
    refund_order(order=renewal, external_id="R-2", actor=SYSTEM)
    service.refresh_from_db()
    assert (service.status, service.ends_at) == ("active", ends)

    refund_order(order=service.line.order, external_id="R-3", actor=SYSTEM)
    service.refresh_from_db()
    assert service.status == "cancelled"


def test_its_owner_cancels_and_nobody_else(api, ann, make_user):
    service, other = own(ann), make_partner()
    url = f"{API}/services/{service.pk}/cancel"

    refused = [api(who).post(url, {}).status_code for who in (other.user, make_user(roles=["support_agent"]))]
    answers = [api(ann.user).post(url, {"reason": "moved"}) for _ in range(2)]

    assert (refused, [answer.status_code for answer in answers]) == ([404, 404], [200, 200])
    assert answers[0].json()["status"] == "cancelled"
    assert AuditEvent.objects.filter(action="service.cancelled").count() == 1


def test_mine_for_a_buyer_and_all_for_staff(api, ann, make_user):
    service, other = own(ann), own(make_partner())

    mine = api(ann.user).get(f"{API}/services").json()["results"]
    all_ = api(make_user(roles=["support_agent"])).get(f"{API}/services", {"status": "active"}).json()["results"]

    assert [row["id"] for row in mine] == [str(service.pk)]
    assert [row["id"] for row in all_] == [str(other.pk), str(service.pk)]
    assert (mine[0]["period"], mine[0]["order_id"]) == ("month", str(service.line.order_id))


def test_a_renewal_at_the_checkout_is_of_the_same_product(api, shop, ann, pay):
    make_product(sku="vps", period="month", price=1000)
    make_product(sku="big", period="month", price=5000)
    client = api(ann.user)

    def buy(**item):
        return client.post(f"{API}/orders", {"items": [item]})

    pay(Order.objects.get(pk=buy(sku="vps").json()["id"]))
    service = Service.objects.get()
    wrong = buy(sku="big", renews=str(service.pk))
    assert (wrong.status_code, wrong.json()["code"]) == (400, "service_unknown")

    renewal = pay(Order.objects.get(pk=buy(sku="vps", renews=str(service.pk)).json()["id"]))

    service.refresh_from_db()
    assert (service.cycles, renewal.lines.get().cycle, Service.objects.count()) == (2, 2, 1)
