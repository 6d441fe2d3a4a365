"""The fake behaves as Stripe does, asked by Stripe's own library and by a browser without a script."""

import http.server
import json
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
from concurrent.futures import ThreadPoolExecutor

import pytest
import stripe

from fakes.stripe.server import FakeStripe
from tests.fakes.fixtures import StripeHandle


class Shop:
    """Listens for events; answers 500 to the first `refuse` of them."""

    def __init__(self):
        shop = self

        class Listener(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"])).decode()
                shop.got.append((self.headers["Stripe-Signature"], body))
                self.send_response(500 if len(shop.got) <= shop.refuse else 200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *args):
                pass

        self.got, self.refuse = [], 0
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Listener)
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}/hook"

    def events(self):
        return [json.loads(body) for _, body in self.got]

    def types(self):
        return [event["type"] for event in self.events()]


@pytest.fixture
def shop():
    made = Shop()
    yield made
    made.server.shutdown()
    made.server.server_close()


def client_of(fake, key, timeout=5):
    http_client = stripe.RequestsClient(timeout=timeout)
    return stripe.StripeClient(key, base_addresses={"api": fake.url}, max_network_retries=0, http_client=http_client)


@pytest.fixture
def keys(fake_stripe, shop):
    return fake_stripe.register(webhook_url=shop.url)


@pytest.fixture
def client(fake_stripe, keys):
    return client_of(fake_stripe, keys["secret_key"])


def intent_of(client, amount=500, key="", **more):
    params = {"amount": amount, "currency": "inr", "metadata": {"order": "7"}, **more}
    return client.v1.payment_intents.create(params, {"idempotency_key": key} if key else {})


def test_an_intent_waits_until_somebody_pays(client, fake_stripe, shop):
    intent = intent_of(client, description="A server")

    assert intent.id.startswith("pi_")
    assert intent.client_secret.startswith(f"{intent.id}_secret_")
    assert (intent.status, intent.amount, intent.currency) == ("requires_payment_method", 500, "inr")

    fake_stripe.pay(intent.id)

    paid = client.v1.payment_intents.retrieve(intent.id)
    charge = client.v1.charges.retrieve(paid.latest_charge)
    assert (paid.status, paid.amount_received) == ("succeeded", 500)
    assert (charge.paid, charge.payment_intent, charge.metadata["order"]) == (True, intent.id, "7")
    fake_stripe.wait_delivered()
    assert sorted(shop.types()) == ["charge.succeeded", "payment_intent.created", "payment_intent.succeeded"]


def test_a_refused_card_may_be_followed_by_another(client, fake_stripe, shop):
    intent = intent_of(client)

    with pytest.raises(stripe.CardError) as refused:
        client.v1.payment_intents.confirm(intent.id, {"payment_method": "pm_card_chargeDeclined"})

    assert (refused.value.http_status, refused.value.code) == (402, "card_declined")
    waits = client.v1.payment_intents.retrieve(intent.id)
    assert (waits.status, waits.last_payment_error.code) == ("requires_payment_method", "card_declined")
    assert client.v1.payment_intents.confirm(intent.id, {"payment_method": "pm_card_visa"}).status == "succeeded"
    fake_stripe.wait_delivered()
    assert {"payment_intent.payment_failed", "payment_intent.succeeded"} <= set(shop.types())


def test_what_is_paid_is_neither_paid_again_nor_cancelled(client, fake_stripe):
    intent = intent_of(client)
    fake_stripe.pay(intent.id)

    for again in (
        lambda: client.v1.payment_intents.confirm(intent.id, {"payment_method": "pm_card_visa"}),
        lambda: client.v1.payment_intents.cancel(intent.id),
    ):
        with pytest.raises(stripe.InvalidRequestError) as refused:
            again()
        assert refused.value.code == "payment_intent_unexpected_state"

    assert len(client.v1.charges.list().data) == 1


def test_a_cancelled_intent_takes_no_money(client, fake_stripe, shop):
    intent = intent_of(client)

    assert client.v1.payment_intents.cancel(intent.id).status == "canceled"

    with pytest.raises(urllib.error.HTTPError):
        fake_stripe.pay(intent.id)
    assert client.v1.charges.list().data == []
    fake_stripe.wait_delivered()
    assert sorted(shop.types()) == ["payment_intent.canceled", "payment_intent.created"]  # sent beside each other


def test_a_bank_answers_later(client, fake_stripe, shop):
    first, second = intent_of(client), intent_of(client)
    for intent in (first, second):
        assert (
            client.v1.payment_intents.confirm(intent.id, {"payment_method": "pm_usBankAccount"}).status == "processing"
        )

    assert fake_stripe.post(f"payment_intents/{first.id}", status="succeeded")["status"] == "succeeded"
    assert fake_stripe.post(f"payment_intents/{second.id}", status="failed")["status"] == "requires_payment_method"

    fake_stripe.wait_delivered()
    assert shop.types().count("payment_intent.processing") == 2


def test_money_goes_back_in_parts_and_never_more_than_came(client, fake_stripe, shop):
    intent = intent_of(client)
    fake_stripe.pay(intent.id)

    part = client.v1.refunds.create({"payment_intent": intent.id, "amount": 200, "metadata": {"refund": "1"}})
    with pytest.raises(stripe.InvalidRequestError, match="greater than unrefunded"):
        client.v1.refunds.create({"payment_intent": intent.id, "amount": 301})
    rest = client.v1.refunds.create({"charge": part.charge})
    with pytest.raises(stripe.InvalidRequestError) as refused:
        client.v1.refunds.create({"payment_intent": intent.id})

    assert (part.status, part.amount, rest.amount, refused.value.code) == (
        "succeeded",
        200,
        300,
        "charge_already_refunded",
    )
    charge = client.v1.charges.retrieve(part.charge)
    assert (charge.amount_refunded, charge.refunded) == (500, True)
    fake_stripe.wait_delivered()
    told = [event["data"]["object"] for event in shop.events() if event["type"] == "charge.refunded"]
    assert sorted(one["amount_refunded"] for one in told) == [200, 500]


def test_nothing_goes_back_of_what_nobody_paid(client):
    intent = intent_of(client)

    with pytest.raises(stripe.InvalidRequestError, match="successful charge"):
        client.v1.refunds.create({"payment_intent": intent.id})

    assert client.v1.refunds.list().data == []


def test_a_refund_may_fail_later(client, fake_stripe, shop):
    fake_stripe.faults(slow_refunds=True)
    intent = intent_of(client)
    fake_stripe.pay(intent.id)
    refund = client.v1.refunds.create({"payment_intent": intent.id, "amount": 200})
    assert refund.status == "pending"

    fake_stripe.post(f"refunds/{refund.id}", status="failed")

    assert client.v1.refunds.retrieve(refund.id).status == "failed"
    assert client.v1.charges.retrieve(refund.charge).amount_refunded == 0
    fake_stripe.wait_delivered()
    assert "refund.failed" in shop.types()


@pytest.mark.parametrize("end", ["won", "lost"])
def test_a_dispute_is_won_or_lost_once(client, fake_stripe, shop, end):
    intent = intent_of(client)
    fake_stripe.pay(intent.id)

    opened = fake_stripe.post("disputes", payment_intent=intent.id)
    assert (opened["status"], opened["amount"]) == ("needs_response", 500)
    with pytest.raises(stripe.InvalidRequestError) as refused:
        client.v1.refunds.create({"payment_intent": intent.id})
    assert refused.value.code == "charge_disputed"
    assert fake_stripe.post(f"disputes/{opened['id']}/close", status=end)["status"] == end

    with pytest.raises(urllib.error.HTTPError):
        fake_stripe.post(f"disputes/{opened['id']}/close", status=end)
    assert client.v1.disputes.retrieve(opened["id"]).status == end
    fake_stripe.wait_delivered()
    assert ("charge.dispute.funds_reinstated" in shop.types()) is (end == "won")
    assert shop.types().count("charge.dispute.closed") == 1


def test_the_same_key_is_the_same_answer(client, fake_stripe):
    first, second = intent_of(client, key="k1"), intent_of(client, key="k1")
    with pytest.raises(stripe.IdempotencyError) as refused:
        intent_of(client, amount=501, key="k1")

    assert first.id == second.id
    assert second.last_response.headers["Idempotent-Replayed"] == "true"
    assert refused.value.http_status == 400
    assert len(client.v1.payment_intents.list().data) == 1
    assert [row["replayed"] for row in fake_stripe.get("requests") if row["key"] == "k1"] == [False, True, False]


def test_a_request_that_failed_its_checks_frees_the_key(client):
    with pytest.raises(stripe.InvalidRequestError):
        client.v1.payment_intents.create({"amount": 0, "currency": "inr"}, {"idempotency_key": "k1"})

    assert intent_of(client, key="k1").amount == 500


def test_forty_at_once_with_one_key_are_one_intent(client, fake_stripe):
    fake_stripe.faults(delay_seconds=0.02)
    busy = []

    def ask(_):
        while True:
            try:
                return intent_of(client, key="k1").id
            except stripe.APIError as error:
                busy.append(error.http_status)

    with ThreadPoolExecutor(8) as pool:
        made = set(pool.map(ask, range(40)))

    assert len(made) == 1
    assert set(busy) == {409}
    assert len(client.v1.payment_intents.list().data) == 1


@pytest.mark.parametrize(
    "params",
    [
        {"amount": "12.5", "currency": "inr"},
        {"amount": -1, "currency": "inr"},
        {"amount": 100_000_000, "currency": "inr"},
        {"amount": 5, "currency": "rupees"},
        {"amount": 5},
        {"amount": 5, "currency": "inr", "ammount": 5},
    ],
)
def test_what_is_wrong_is_refused_and_nothing_is_made(client, params):
    with pytest.raises(stripe.InvalidRequestError) as refused:
        client.v1.payment_intents.create(params)

    assert refused.value.http_status == 400
    assert client.v1.payment_intents.list().data == []


def test_accounts_see_their_own_only(client, fake_stripe):
    mine = intent_of(client)
    other = client_of(fake_stripe, fake_stripe.register("BETA")["secret_key"])

    with pytest.raises(stripe.InvalidRequestError) as refused:
        other.v1.payment_intents.retrieve(mine.id)
    with pytest.raises(stripe.AuthenticationError):
        client_of(fake_stripe, "sk_test_nobody").v1.payment_intents.list()

    assert refused.value.http_status == 404
    assert other.v1.payment_intents.list().data == []


def test_events_are_signed_as_the_library_expects(client, fake_stripe, shop, keys):
    intent_of(client, description="Überweisung ₹")
    fake_stripe.wait_delivered()

    header, body = shop.got[0]

    event = stripe.Webhook.construct_event(body, header, keys["webhook_secret"])
    assert (event.type, event.data.object.description) == ("payment_intent.created", "Überweisung ₹")
    with pytest.raises(stripe.SignatureVerificationError):
        stripe.Webhook.construct_event(body, header, "whsec_other")


def test_an_event_is_sent_until_it_is_taken(client, fake_stripe, shop):
    shop.refuse = 3

    intent_of(client)
    fake_stripe.wait_delivered()

    assert shop.types() == ["payment_intent.created"] * 4
    assert len({event["id"] for event in shop.events()}) == 1


def test_events_come_twice_late_and_under_a_second_id(client, fake_stripe, shop):
    fake_stripe.faults(duplicate=2, second_id=1.0, shuffle=True, shuffle_seconds=0.2, hold_events=True)
    intent = intent_of(client)
    fake_stripe.pay(intent.id)
    time.sleep(0.3)
    assert shop.got == []

    fake_stripe.faults(hold_events=False)
    fake_stripe.wait_delivered()

    assert shop.types().count("payment_intent.succeeded") == 4
    paid = [event["id"] for event in shop.events() if event["type"] == "payment_intent.succeeded"]
    assert sorted(paid.count(one) for one in set(paid)) == [1, 3]


def test_what_was_done_before_a_500_or_a_silence_is_found_under_its_key(client, fake_stripe, keys):
    fake_stripe.faults(next_after_commit_500=1)
    with pytest.raises(stripe.APIError):
        intent_of(client, key="k1")
    fake_stripe.faults(next_after_commit_timeout=1, timeout_seconds=1.0)
    with pytest.raises(stripe.APIConnectionError):
        intent_of(client_of(fake_stripe, keys["secret_key"], timeout=0.3), key="k2")

    assert intent_of(client, key="k1").last_response.headers["Idempotent-Replayed"] == "true"
    assert intent_of(client, key="k2").last_response.headers["Idempotent-Replayed"] == "true"
    assert len(client.v1.payment_intents.list().data) == 2


def test_a_500_before_anything_is_done_leaves_nothing(client, fake_stripe):
    fake_stripe.faults(before_500=1.0)
    with pytest.raises(stripe.APIError):
        intent_of(client, key="k1")

    fake_stripe.faults(before_500=0.0)
    assert client.v1.payment_intents.list().data == []


def test_unknown_faults_are_refused(fake_stripe):
    with pytest.raises(urllib.error.HTTPError) as refused:
        fake_stripe.faults(after_commit_5000=1.0)

    assert refused.value.code == 400


def test_a_restart_forgets_nothing(tmp_path, shop):
    first = StripeHandle(FakeStripe(0, tmp_path / "stripe.sqlite3").start())
    keys = first.register(webhook_url=shop.url)
    first.faults(hold_events=True)
    intent = intent_of(client_of(first, keys["secret_key"]), key="k1")
    first.server.stop()

    second = StripeHandle(FakeStripe(0, tmp_path / "stripe.sqlite3").start())
    again = intent_of(client_of(second, keys["secret_key"]), key="k1")
    second.wait_delivered()
    second.server.stop()

    assert again.id == intent.id
    assert shop.types() == ["payment_intent.created"]


def test_a_seed_makes_the_same_ids():
    made = []
    for _ in range(2):
        handle = StripeHandle(FakeStripe(seed="demo").start())
        made.append(intent_of(client_of(handle, handle.register()["secret_key"])).id)
        handle.server.stop()

    assert made[0] == made[1]


# --- the pages ---
class Straight(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *args):
        return None


def visit(url, **form):
    data = urllib.parse.urlencode(form).encode() if form else None
    try:
        with urllib.request.build_opener(Straight).open(url, data, timeout=10) as answer:
            return answer.status, answer.headers, answer.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.headers, error.read().decode()


def test_a_person_pays_and_is_sent_back(client, fake_stripe):
    intent = intent_of(client, amount=49900, description="Activation")
    page = f"{fake_stripe.url}/pay/{intent.client_secret}?return_url=http%3A%2F%2Falpha.localhost%2Forders%2F7%3Fa%3D1"

    status, headers, text = visit(page)
    assert (status, "INR\u00a0499.00" in text, "Activation" in text, "<script" in text) == (200, True, True, False)
    assert "default-src 'none'" in headers["Content-Security-Policy"]
    status, _, text = visit(page, way="pm_card_chargeDeclined")
    assert (status, "Your card was declined." in text) == (200, True)
    status, headers, _ = visit(page, way="pm_card_visa")

    assert status == 303
    assert headers["Location"].startswith(f"http://alpha.localhost/orders/7?a=1&payment_intent={intent.id}")
    assert headers["Location"].endswith("redirect_status=succeeded")
    assert client.v1.payment_intents.retrieve(intent.id).status == "succeeded"
    assert "<h1>Paid</h1>" in visit(page)[2]


def test_a_guessed_secret_opens_no_page(client, fake_stripe):
    intent = intent_of(client)

    status, _, _ = visit(f"{fake_stripe.url}/pay/{intent.id}_secret_guessed", way="pm_card_visa")

    assert status == 404
    assert client.v1.payment_intents.retrieve(intent.id).status == "requires_payment_method"


def test_another_sites_form_does_not_pay(client, fake_stripe):
    intent = intent_of(client)
    url = f"{fake_stripe.url}/pay/{intent.client_secret}"
    request = urllib.request.Request(url, b"way=pm_card_visa", headers={"Origin": "http://evil.example"})

    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(request, timeout=10)

    assert refused.value.code == 403
    assert client.v1.payment_intents.retrieve(intent.id).status == "requires_payment_method"


def test_what_a_shop_writes_is_text_on_the_page(client, fake_stripe):
    intent = intent_of(client, description="<script>alert(1)</script>")

    for path in (f"/pay/{intent.client_secret}", f"/payments/{intent.id}", "/"):
        assert "<script" not in visit(f"{fake_stripe.url}{path}")[2]
    assert "javascript:" not in visit(f"{fake_stripe.url}/pay/{intent.client_secret}?return_url=javascript:alert(1)")[2]


def test_the_dashboard_refunds_and_disputes(client, fake_stripe):
    intent = intent_of(client)
    fake_stripe.pay(intent.id)
    page = f"{fake_stripe.url}/payments/{intent.id}"

    assert "charged back" not in visit(page, act="refund", amount="100")[2]
    assert visit(page, act="refund", amount="1000")[0] == 200
    assert visit(page, act="dispute")[0] == 303
    dispute = client.v1.disputes.list().data[0]
    assert visit(page, act="lost", dispute=dispute.id)[0] == 303

    charge = client.v1.charges.list().data[0]
    assert (charge.amount_refunded, client.v1.disputes.retrieve(dispute.id).status) == (100, "lost")
    assert dispute.amount == 400


@pytest.mark.parametrize("path", ["/nothing", "/static/../conftest.py", "/v1/nothing", "/_fake/nothing"])
def test_what_is_not_there_is_a_404_or_a_401(fake_stripe, path):
    assert visit(f"{fake_stripe.url}{path}")[0] in {401, 404}
