"""What I own, and what my team bought (H10)."""

import pytest

from apps.catalogue.tests.factories import make_product
from apps.orders.models import Order, Service
from apps.orders.tests.conftest import pay, shop, stripe, told

__all__ = ["pay", "shop", "stripe", "told"]

pytestmark = pytest.mark.django_db(transaction=True)


def text(answer):
    return answer.content.decode()


@pytest.fixture
def owned(shop, signed_in, ben, pay):
    """(Ben's browser, his service): bought for a month, by Ben below Ann."""
    make_product(sku="vps", name="Cloud VPS", price=10_000, period="month")
    client = signed_in(ben)
    client.post("/dashboard/shop", {"vps": 1})
    pay(Order.objects.get())
    return client, Service.objects.get()


def test_nothing_is_owned_and_nothing_was_bought_yet(signed_in, ann):
    client = signed_in(ann)

    assert "You own nothing that runs for a time" in text(client.get("/dashboard/services"))
    assert "Nobody below you has bought anything yet" in text(client.get("/dashboard/sales"))


def test_a_service_is_renewed_by_paying_again(owned, pay):
    client, service = owned
    ends = service.ends_at
    assert "Cloud VPS" in text(client.get("/dashboard/services"))

    ordered = client.post(f"/dashboard/services/{service.pk}/renew")
    order = Order.objects.order_by("-id").first()
    assert ordered["Location"] == f"/dashboard/orders/{order.pk}"
    pay(order)

    service.refresh_from_db()
    assert service.cycles == 2
    assert service.ends_at > ends
    assert "paid 2 times" in text(client.get("/dashboard/services"))


def test_a_cancelled_one_is_not_renewed(owned):
    client, service = owned

    client.post(f"/dashboard/services/{service.pk}/cancel")

    page = text(client.get("/dashboard/services"))
    assert "Cancelled" in page
    assert "/renew" not in page
    assert client.post(f"/dashboard/services/{service.pk}/renew").status_code == 409
    assert Order.objects.count() == 1


def test_others_services_are_not_there(owned, signed_in, ann):
    _, service = owned
    client = signed_in(ann)

    for act in ("renew", "cancel"):
        assert client.post(f"/dashboard/services/{service.pk}/{act}").status_code == 404
    service.refresh_from_db()
    assert (service.status, Order.objects.count()) == ("active", 1)


def test_the_upline_sees_what_was_bought_and_what_it_earned(plan, owned, signed_in, ann):
    client = signed_in(ann)

    page = text(client.get("/dashboard/sales"))

    assert "Cloud VPS" in page
    assert "level 1" in page
    assert "₹100.00" in page
    assert "Cloud VPS" in text(client.get("/dashboard/sales?status=active&level=1"))
    for query in ("status=cancelled", "level=2"):
        assert "Nothing of this kind" in text(client.get(f"/dashboard/sales?{query}"))
    for odd in ("level=99", "level=x", "status=odd"):
        assert client.get(f"/dashboard/sales?{odd}").status_code == 200


def test_the_buyer_is_not_their_own_team(owned):
    client, _ = owned

    assert "Nobody below you has bought anything yet" in text(client.get("/dashboard/sales"))


def test_queries_do_not_grow_with_the_purchases(owned, signed_in, ann, pay, django_assert_num_queries):
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    buyer, _ = owned
    client = signed_in(ann)
    client.get("/dashboard/sales")
    with CaptureQueriesContext(connection) as one:
        client.get("/dashboard/sales")
    before = len(one)
    for _ in range(3):
        buyer.post("/dashboard/shop", {"vps": 1})
        pay(Order.objects.order_by("-id").first())

    assert before > 3
    with django_assert_num_queries(before):
        client.get("/dashboard/sales")
