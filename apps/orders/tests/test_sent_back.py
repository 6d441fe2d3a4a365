"""What of an order went back and came back from the bank: nothing moves, staff see it and send it again, the buyer is told."""

import pytest

from apps.accounts.tests.browsers import browser_of
from apps.audit.services import SYSTEM
from apps.backoffice import selectors
from apps.backoffice.tests.conftest import Office, page_of
from apps.catalogue.tests.factories import make_product
from apps.commissions.models import Commission
from apps.commissions.tests.engine_values import percent
from apps.commissions.tests.factories import make_plan
from apps.core.models import OutboxEvent
from apps.orders.models import Refund
from apps.orders.services import Item, open_payment_of, place_order
from apps.orders.tests.test_checkout import API
from apps.payments import services as payments
from apps.payments.models import PaymentRefund
from apps.payments.tests.factories import refund_of
from apps.referrals.tests.factories import make_chain


@pytest.fixture
def buyer(site):
    make_plan(*percent("0.10"))
    make_product(sku="vps", price=100_000, inventory=5)
    return make_chain(2)[1].user


@pytest.fixture
def bought(buyer, shop, pay):
    """A paid order of 100,000, and who was paid 10,000 for it."""
    order, payment = place_order(user=buyer, items=[Item("vps")])
    call, finish = payments.start_payment(payment, lambda intent: intent)
    shop.pay(finish(call()).id)
    return pay(order)


@pytest.fixture
def staff(site, make_user):
    return make_user("desk@example.com", roles=["super_admin"], full_name="Desk")


@pytest.fixture
def sent_back(bought, staff, api, told, deliver, shop):
    """All of it was refunded over the API, and the bank sent it back."""
    url = f"{API}/orders/{bought.pk}/refunds"
    assert api(staff).post(url, {"external_id": "R-1", "reason": "Broken"}).status_code == 201
    deliver()
    refund = PaymentRefund.objects.get()
    shop.post(f"refunds/{refund.provider_id}", status="failed")
    told("refund.failed", shop.server.store.find("acct_ALPHA", "refund", refund.provider_id))
    refund.refresh_from_db()
    return refund


def moved(order):
    order.refresh_from_db()
    commissions = list(Commission.objects.order_by("id").values_list("kind", "amount", "status"))
    news = OutboxEvent.objects.filter(topic="order.refunded").count()
    return order.status, order.refunded_amount, Refund.objects.count(), commissions, news


BACK = ("refunded", 100_000, 1, [("commission", 0, "reversed")])


def test_orders_and_commissions_stay_while_it_comes_back_and_goes_again(
    bought, sent_back, staff, site, told, shop, api
):
    assert moved(bought)[:4] == BACK
    news = moved(bought)[4]
    assert payments.owed(open_payment_of(bought)) == 100_000

    Office(staff, site).do("send_again", sent_back)
    again = PaymentRefund.objects.get(retry_of=sent_back)
    payments.send_refund(site_id=site.pk, refund_id=again.pk)
    again.refresh_from_db()
    told("refund.updated", shop.server.store.find("acct_ALPHA", "refund", again.provider_id))

    assert moved(bought) == (*BACK, news)
    assert (payments.owed(open_payment_of(bought)), again.status) == (0, "succeeded")
    repeated = api(staff).post(f"{API}/orders/{bought.pk}/refunds", {"external_id": "R-1", "reason": "Broken"})
    assert (repeated.status_code, repeated.json()["amount"]) == (200, 100_000)


class Asked:
    """A request, as far as the selectors look."""

    def __init__(self, user):
        self.user, self.GET = user, {}


def test_the_front_page_and_the_order_tell_staff(bought, sent_back, staff, site):
    desk = Office(staff, site)
    waiting = {figure.label: figure for figure in selectors.home(Asked(staff)).queues}["Refunds the bank sent back"]
    listed = desk.get(waiting.url).content.decode()
    shown = desk.get(page_of(bought)).content.decode()

    assert (waiting.count, waiting.amount) == (1, 100_000)
    assert "Send the refund again" in listed
    assert "Sent back by the bank" in listed
    assert "expired_or_canceled_card" in listed
    assert "still owed to the buyer" in shown

    desk.do("send_again", sent_back)
    assert desk.said == ["1 refund on the way again."]
    desk.do("send_again", sent_back)
    assert desk.said[0].endswith("This refund is being sent again already.")
    assert PaymentRefund.objects.count() == 2


def test_whoever_may_not_refund_does_not_send_again(bought, sent_back, site, make_user):
    seller = make_user("seller@example.com", roles=["sales_executive"], full_name="Seller")

    Office(seller, site).do("send_again", sent_back)

    assert PaymentRefund.objects.count() == 1
    assert "Refunds the bank sent back" not in {figure.label for figure in selectors.home(Asked(seller)).queues}


def test_the_buyer_is_told_what_did_not_reach_them(bought, sent_back, buyer, site, told, shop):
    browser = browser_of(buyer, site)
    page = browser.get(f"/dashboard/orders/{bought.pk}").content.decode()

    assert "did not reach you" in page
    assert "went back to you" not in page

    again = payments.retry_refund(refund=sent_back, actor=SYSTEM)
    told("refund.created", refund_of(open_payment_of(bought), 100_000, "re_2", metadata={"refund_id": str(again.pk)}))

    page = browser.get(f"/dashboard/orders/{bought.pk}").content.decode()
    assert "did not reach you" not in page
    assert "went back to you" in page


def test_staff_do_not_send_their_own_again(bought, sent_back, buyer, site):
    from apps.rbac.models import Role
    from apps.rbac.services import assign_role

    assign_role(user=buyer, role=Role.objects.get(key="super_admin"), actor=SYSTEM, access=None)
    desk = Office(buyer, site)

    desk.do("send_again", sent_back)

    assert desk.said[0].endswith("Somebody else has to refund your own order.")
    assert PaymentRefund.objects.count() == 1
