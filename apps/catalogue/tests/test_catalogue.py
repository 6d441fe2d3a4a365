"""The shop window and its products (P8, H14)."""

import pytest
from django.core.cache import cache

from apps.audit.models import AuditEvent
from apps.audit.services import SYSTEM
from apps.catalogue import shelf
from apps.catalogue.models import Product
from apps.catalogue.services import change_units, update_product
from apps.catalogue.tests.factories import make_product
from apps.core.errors import Conflict, Invalid
from apps.core.tenancy import site_context

API = "/api/v1"


@pytest.fixture(autouse=True)
def _empty_shelf():
    cache.clear()


def test_anybody_sees_what_is_on_sale(api, site):
    make_product(sku="vps", price=10_000, period="month", position=2)
    make_product(sku="tier-1", category="token", price=25_000, tokens="12.5", inventory=10, position=1)
    make_product(sku="gone", is_active=False)

    products, tiers = (api().get(f"{API}/{name}").json()["results"] for name in ("products", "tiers"))

    assert [row["sku"] for row in products] == ["tier-1", "vps"]
    assert tiers == products[:1]
    assert products[0] | {"id": None} == {
        "id": None, "sku": "tier-1", "name": products[0]["name"], "description": "", "category": "token", "price": 25_000,
        "currency": "INR", "inventory": 10, "tokens": "12.5", "period": None,
    }  # fmt: skip


def test_read_once_and_again_after_a_change(
    site, other_site, django_assert_num_queries, django_capture_on_commit_callbacks
):
    product = make_product(sku="vps", price=10)
    shelf.products()
    with django_assert_num_queries(0):
        assert [row["price"] for row in shelf.products()] == [10]

    with django_capture_on_commit_callbacks(execute=True):
        update_product(product=product, changes={"price": 20}, actor=SYSTEM)

    assert [row["price"] for row in shelf.products()] == [20]
    with site_context(other_site.pk):
        assert shelf.products() == []


def test_a_dead_redis_costs_a_query(site, monkeypatch):
    make_product(sku="vps")

    def dead(*args):
        raise ConnectionError

    for name in ("get", "set", "delete"):
        monkeypatch.setattr(shelf.cache, name, dead)

    assert [row["sku"] for row in shelf.products()] == ["vps"]


def test_staff_change_a_price_and_units(api, site, make_user):
    staff = api(make_user(roles=["admin"]))
    made = staff.post(
        f"{API}/admin/products", {"sku": "vps", "name": "VPS", "category": "server", "price": 10, "inventory": 1}
    )
    url = f"{API}/admin/products/{made.json()['id']}"

    changed = staff.patch(url, {"price": 20, "units": 4, "reason": "bought some"})
    unsaid = staff.patch(url, {"units": 4})
    below = staff.patch(url, {"price": 30, "units": -6, "reason": "lost"})

    assert (made.status_code, changed.status_code, unsaid.status_code, below.status_code) == (201, 200, 400, 409)
    assert below.json()["code"] == "below_zero"
    assert list(Product.objects.values_list("price", "inventory")) == [(20, 5)]
    actions = AuditEvent.objects.filter(action__startswith="product.").order_by("id").values_list("action", "reason")
    assert list(actions) == [("product.created", ""), ("product.changed", ""), ("product.units_changed", "bought some")]


@pytest.mark.parametrize(
    ("values", "code"),
    [({"sku": "vps"}, "sku_taken"), ({"category": "activation"}, "reserved_category"), ({"price": 0}, "invalid")],
)
def test_what_is_no_product(site, values, code):
    make_product(sku="vps")

    with pytest.raises((Invalid, Conflict)) as refused:
        make_product(**values)

    assert (refused.value.code, Product.objects.count()) == (code, 1)


def test_units_of_the_unlimited_do_not_change(site):
    product = make_product()

    with pytest.raises(Invalid, match="As many"):
        change_units(product=product, by=1, reason="more", actor=SYSTEM)

    product.refresh_from_db()
    assert product.inventory is None


def test_other_peoples_products_are_unknown(api, site, other_site, make_user):
    with site_context(other_site.pk):
        product = make_product()

    answer = api(make_user(roles=["admin"])).patch(f"{API}/admin/products/{product.pk}", {"price": 1})

    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
