"""Each paid order that was bought here has an invoice: numbered without a gap, never changed, read by its buyer and by staff."""

from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

import pytest
from django.db import connection, connections, transaction
from django.db.utils import DatabaseError

from apps.catalogue.tests.factories import make_product
from apps.core.models import OutboxEvent
from apps.core.tenancy import site_context
from apps.orders import services
from apps.orders.invoice_pdf import TOTAL, _drawn, _style, invoice_pdf, table_of
from apps.orders.models import Invoice
from apps.orders.tests.factories import make_order
from apps.payments.services import send_refund, start_payment
from apps.referrals.tests.factories import make_partner
from apps.sites.services import change_settings

API = "/api/v1"


@pytest.fixture
def admin_actor(make_user):
    return make_user(email="boss@example.com", roles=["admin"])


@pytest.fixture
def buyer(site):
    return make_partner(name="Ann <b>Buyer</b> & Co")


@pytest.fixture
def bought(shop, pay, buyer):
    """bought(): an order of one server, paid."""
    make_product(sku="vps", price=10_000, name="Server <small>")

    def run():
        order, payment = services.place_order(user=buyer.user, items=[services.Item(sku="vps", quantity=2)])
        call, finish = start_payment(payment, lambda intent: intent)
        shop.pay(finish(call()).id)
        return pay(order)

    return run


def refunded(order, amount, actor, deliver):
    """By staff, at Stripe, and heard of."""
    refund, _ = services.ask_refund(order=order, amount=amount, external_id="r-1", reason="", actor=actor)
    send_refund(site_id=order.site_id, refund_id=refund.pk)
    deliver()


def test_a_paid_order_has_an_invoice_its_buyer_can_take_home(api, bought, buyer, admin_actor):
    change_settings(
        changes={"invoice_details": "1 Main Road, Pune\nGSTIN 27AAAAA0000A1Z5"}, actor=admin_actor, reason=""
    )
    order = bought()
    client = api(buyer.user)

    shown = client.get(f"{API}/orders/{order.pk}").json()
    assert shown["invoice"] == "INV-000001"
    paper = client.get(f"{API}/orders/{order.pk}/invoice")
    assert (paper.status_code, paper["Content-Type"], paper["X-Content-Type-Options"]) == (
        200,
        "application/pdf",
        "nosniff",
    )
    assert paper["Content-Disposition"] == 'attachment; filename="ALPHA-INV-000001.pdf"'
    assert paper.content.startswith(b"%PDF-")
    invoice = Invoice.objects.get()
    assert (invoice.seller_details, invoice.buyer_name) == (
        "1 Main Road, Pune\nGSTIN 27AAAAA0000A1Z5",
        buyer.user.full_name,
    )


def test_what_went_back_is_shown_on_it_and_the_invoice_itself_stays(bought, deliver, admin_actor):
    order = bought()
    invoice = Invoice.objects.get()
    before = [(what, amount) for what, _, _, amount in table_of(invoice)]

    refunded(order, 5_000, admin_actor, deliver)

    invoice = Invoice.objects.select_related("order").get()
    after = [(what, amount) for what, _, _, amount in table_of(invoice)]
    assert before == [("Server <small>", "₹200.00"), ("Total paid", "₹200.00")]
    assert [amount for _, amount in after] == ["₹200.00", "₹200.00", "−₹50.00", "₹150.00"]
    assert invoice_pdf(invoice).startswith(b"%PDF-")  # names with < and & are no markup
    with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("UPDATE orders_invoice SET number = 7")
    with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("DELETE FROM orders_invoice")


def test_a_shops_order_has_no_invoice_of_ours(api, site, deliver, buyer):
    order = make_order(buyer)
    assert not OutboxEvent.objects.filter(consumer="invoices").exists()  # nobody waits for a lock of theirs
    deliver()
    assert Invoice.objects.count() == 0
    assert api(buyer.user).get(f"{API}/orders/{order.pk}").json()["invoice"] is None
    assert api(buyer.user).get(f"{API}/orders/{order.pk}/invoice").status_code == 404


@pytest.mark.parametrize("name", ["Server", TOTAL])
def test_the_rule_stands_above_the_total_whatever_a_line_is_called(site, name):
    rows = [(name, "1", "₹1.00", "₹1.00"), ("Domain", "1", "₹1.00", "₹1.00"), (TOTAL, "", "", "₹2.00")]

    table = _drawn(rows, 2, _style(9.5))

    ruled = [command[1] for command in table._linecmds if command[0] == "LINEABOVE"]
    assert ruled == [(0, 3)]


def test_somebody_elses_invoice_is_as_good_as_none(api, bought):
    order = bought()
    stranger = api(make_partner().user)
    theirs, none = stranger.get(f"{API}/orders/{order.pk}/invoice"), stranger.get(f"{API}/orders/{uuid4()}/invoice")
    assert theirs.status_code == none.status_code == 404
    assert {**theirs.json(), "request_id": ""} == {**none.json(), "request_id": ""}


def test_the_same_news_twice_is_one_invoice(bought):
    event = OutboxEvent(topic="order.sold", payload={"order_id": str(bought().pk)})
    services.issue_invoices([event, event])
    assert Invoice.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_numbers_have_no_gap_when_many_are_issued_at_once(committed_shop):
    with site_context(committed_shop):
        make_product(sku="vps", price=10_000)
        user = make_partner().user
        orders = [services.place_order(user=user, items=[services.Item(sku="vps")])[0] for _ in range(12)]

    def issue(order):
        with site_context(committed_shop):
            services.issue_invoices([OutboxEvent(topic="order.sold", payload={"order_id": str(order.pk)})])
        connections.close_all()

    with ThreadPoolExecutor(6) as pool:
        list(pool.map(issue, [*orders, *orders]))

    with site_context(committed_shop):
        assert sorted(Invoice.objects.values_list("number", flat=True)) == list(range(1, 13))
