"""What staff or a broken client may send to the catalogue: refused in the usual shape, nothing stored."""

import pytest

from apps.audit.models import AuditEvent
from apps.catalogue.models import Product
from apps.catalogue.tests.factories import make_product

URL = "/api/v1/admin/products"
GOOD = {"sku": "vps", "name": "VPS", "category": "server", "price": 100}
ODD = [
    {"price": 1.0}, {"price": 0}, {"price": -1}, {"price": 10**16}, {"price": "100"}, {"price": True}, {"price": None},
    {"name": "a\x00b"}, {"name": ""}, {"name": {"a": 1}}, {"name": "x" * 201}, {"category": "activation"}, {"category": "*"},
    {"tokens": "NaN"}, {"tokens": "Infinity"}, {"tokens": "-1"}, {"tokens": "0"}, {"tokens": "1e-19"}, {"tokens": "1e30"},
    {"tokens": "9" * 39}, {"tokens": [1]}, {"period": "day"}, {"period": None}, {"is_active": None}, {"is_active": "perhaps"},
    {"position": -1}, {"position": 10**10},
]  # fmt: skip


@pytest.fixture
def boss(make_user, api):
    return api(make_user(roles=["super_admin"]))


@pytest.mark.parametrize(
    "odd", [*ODD, {"sku": "a b"}, {"sku": "="}, {"sku": ""}, {"inventory": -1}, {"inventory": 10**13}]
)
def test_no_product_of_it(boss, odd):
    assert boss.post(URL, GOOD | odd, format="json").status_code == 400
    assert Product.objects.count() == 0


@pytest.mark.parametrize(
    "odd",
    [*ODD, {"units": 1}, {"units": 10**12, "reason": "r"}, {"units": 1.5, "reason": "r"}, {"units": 0, "reason": "r"}],
)
def test_no_change_by_it(boss, odd):
    product = make_product(inventory=3)
    before = Product.objects.values().get()
    events = AuditEvent.objects.count()

    answer = boss.patch(f"{URL}/{product.pk}", {"name": "Other"} | odd, format="json")

    assert answer.status_code == 400
    assert (Product.objects.values().get(), AuditEvent.objects.count()) == (before, events)


def test_more_units_are_lowered_than_there_are(boss):
    product = make_product(inventory=3)

    answer = boss.patch(f"{URL}/{product.pk}", {"price": 5, "units": -4, "reason": "broken"}, format="json")

    assert (answer.status_code, answer.json()["code"]) == (409, "below_zero")
    product.refresh_from_db()
    assert (product.inventory, product.price == 5) == (3, False)
