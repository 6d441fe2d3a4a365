"""Amounts of tokens as people write them."""

import re
from decimal import Decimal

from apps.catalogue.models import Product
from apps.catalogue.tests.factories import make_product

from .conftest import page_of


def shown(desk, product):
    (tag,) = re.findall(r'<input[^>]*name="tokens"[^>]*>', desk.get(page_of(product)).content.decode())
    return re.search(r'value="([^"]*)"', tag)[1]


def test_tokens_are_shown_without_needless_zeros(office, site):
    desk = office("admin")

    assert shown(desk, make_product(sku="a", tokens="11000")) == "11000"
    assert shown(desk, make_product(sku="b", tokens="12.500")) == "12.5"
    assert shown(desk, make_product(sku="c", tokens="0.000000000000000001")) == "0.000000000000000001"


def test_what_was_shown_can_be_sent_back(office, site):
    desk, product = office("admin"), make_product(sku="a", tokens="11000")
    form = desk.get(page_of(product)).context["adminform"].form
    given = {name: form.get_initial_for_field(field, name) for name, field in form.fields.items()}
    given = {name: "" if value is None else value for name, value in given.items()}
    given = {name: value for name, value in given.items() if value is not False}

    answer = desk.post(page_of(product), given | {"price": "10.00", "tokens": "11,000.50"})

    assert answer.status_code == 302, answer.context["adminform"].form.errors

    assert Product.objects.get().tokens == Decimal("11000.5")


def test_an_exponent_is_no_amount(office, site):
    desk, product = office("admin"), make_product(sku="a", tokens="11000")

    answer = desk.post(page_of(product), {"tokens": "1e3"})

    assert "tokens" in answer.context["adminform"].form.errors
    assert Product.objects.get().tokens == 11_000
