"""Adding funds, told from the form to Stripe's word, and giving them back (A12)."""

import pytest

from apps.audit.models import AuditEvent
from apps.audit.services import SYSTEM
from apps.payments.models import PaymentRefund
from apps.payments.services import retry_refund, settle_refund
from apps.payments.tests.factories import charge_of, dispute_of, intent_of, refund_of
from apps.sites.services import change_settings
from apps.wallet import selectors, services
from apps.wallet.models import Deposit, Entry
from apps.wallet.services.deposits import payment_of
from apps.wallet.tests.factories import give_earnings

URL = "/api/v1/wallet/deposits"


@pytest.fixture
def ann(make_user):
    return make_user("ann@example.com")


@pytest.fixture
def boss(make_user):
    return make_user("boss@example.com", roles=["super_admin"], user_type="staff")


def pockets(user):
    found = selectors.wallet_summary(user.pk)
    return {"available": found.available, "owed": found.owed, "funds": found.funds}


def open_by(api, user, amount=50_000, **more):
    answer = api(user).post(URL, {"amount": amount, **more})
    assert answer.status_code == 201, answer.content
    return Deposit.objects.get(pk=answer.json()["id"])


def refund(api, staff, deposit, **body):
    return api(staff).post(f"{URL}/{deposit.pk}/refunds", {"external_id": "r-1", **body})


def spend(user, amount):
    """As an activity does: out of funds."""
    from apps.wallet.models import Books, Pocket
    from apps.wallet.services.entries import Draft, post

    funds = services.open_accounts([user.pk], [Pocket.FUNDS], "INR")[user.pk, Pocket.FUNDS]
    revenue = services.system_account(Books.ACTIVITIES, "INR")
    post([Draft(Entry.Kind.ACTIVITY, f"spent-{amount}", [(funds, -amount), (revenue, amount)])], "INR")


def test_a_deposit_is_credited_by_the_webhook_alone_and_once(api, bank, ann, pay_in):
    answer = api(ann).post(URL, {"amount": 50_000, "device_id": "phone-1"})

    told = answer.json()
    assert answer.status_code == 201
    assert (told["status"], told["amount"], told["currency"]) == ("pending", 50_000, "INR")
    assert told["client_secret"].startswith("pi_")
    assert pockets(ann)["funds"] == 0
    deposit = pay_in(Deposit.objects.get(), times=3)
    assert (deposit.status, deposit.device_id, deposit.ip_address) == ("paid", "phone-1", "127.0.0.1")
    assert pockets(ann) == {"available": 0, "owed": 0, "funds": 50_000}
    row = api(ann).get("/api/v1/wallet/ledger").json()["results"][0]
    assert (row["kind"], row["pocket"], row["amount"], row["ref_id"]) == ("deposit", "funds", 50_000, str(deposit.pk))
    assert selectors.contradictions() == []


def test_a_second_event_of_the_same_payment_moves_nothing(api, bank, ann, pay_in, told):
    deposit = pay_in(open_by(api, ann))

    told("payment_intent.succeeded", intent_of(payment_of(deposit)))

    assert pockets(ann)["funds"] == 50_000
    assert Entry.objects.count() == 1


def test_the_same_key_opens_one_deposit(api, bank, ann):
    client = api(ann)
    first, again = (client.post(URL, {"amount": 700}, headers={"Idempotency-Key": "k"}) for _ in range(2))

    assert first.json() == again.json()
    assert again.headers["Idempotent-Replayed"] == "true"
    assert Deposit.objects.count() == 1


@pytest.mark.parametrize(
    ("amount", "code"), [(99, "below_minimum"), (1_001, "amount_too_large"), (0, "invalid"), ("500", "invalid")]
)
def test_what_a_deposit_may_be(api, bank, ann, amount, code):
    change_settings(changes={"deposit_maximum": 1_000}, actor=SYSTEM)

    answer = api(ann).post(URL, {"amount": amount})

    assert (answer.status_code, answer.json()["code"]) == (400, code)
    assert Deposit.objects.count() == 0


def test_a_site_without_stripe_takes_no_deposits(api, ann):
    answer = api(ann).post(URL, {"amount": 500})

    assert (answer.status_code, answer.json()["code"]) == (409, "payments_unavailable")
    assert Deposit.objects.count() == 0


def test_where_stripe_is_silent_the_deposit_is_given_up(api, bank, ann, settings):
    settings.STRIPE_API_BASE = "http://127.0.0.1:9"

    answer = api(ann).post(URL, {"amount": 500})

    assert answer.status_code == 503
    assert Deposit.objects.get().status == "cancelled"


def test_a_payment_that_was_cancelled_gives_the_deposit_up(api, bank, ann, told):
    deposit = open_by(api, ann)
    told("payment_intent.canceled", intent_of(payment_of(deposit), status="canceled"))

    deposit.refresh_from_db()
    assert deposit.status == "cancelled"
    assert pockets(ann)["funds"] == 0


def test_others_deposits_are_not_there(api, bank, ann, make_user):
    deposit = open_by(api, ann)

    assert api(make_user()).get(f"{URL}/{deposit.pk}").status_code == 404
    assert api(make_user()).get(URL).json()["results"] == []
    assert [row["id"] for row in api(ann).get(URL).json()["results"]] == [str(deposit.pk)]


def test_staff_give_a_part_back_and_then_the_rest(api, bank, ann, boss, pay_in, deliver):
    deposit = open_by(api, ann)
    bank.pay(payment_of(deposit).provider_id)
    pay_in(deposit)

    part = refund(api, boss, deposit, amount=20_000)
    again = refund(api, boss, deposit, amount=20_000)

    assert (part.status_code, again.status_code) == (201, 200)
    assert (part.json()["status"], part.json()["refunded_amount"]) == ("partially_refunded", 20_000)
    assert pockets(ann)["funds"] == 30_000
    rest = refund(api, boss, deposit, external_id="r-2")
    assert (rest.json()["status"], rest.json()["refunded_amount"]) == ("refunded", 50_000)
    assert pockets(ann) == {"available": 0, "owed": 0, "funds": 0}
    deliver()
    deposit.refresh_from_db()
    assert deposit.taken == deposit.refunded_amount == 50_000
    assert refund(api, boss, deposit, external_id="r-3").json()["code"] == "invalid_state"
    assert selectors.contradictions() == []


def test_what_was_spent_is_not_given_back(api, bank, ann, boss, pay_in):
    deposit = pay_in(open_by(api, ann))
    spend(ann, 10_000)

    answer = refund(api, boss, deposit)

    assert (answer.status_code, answer.json()["code"]) == (409, "insufficient_balance")
    assert pockets(ann)["funds"] == 40_000
    assert PaymentRefund.objects.count() == 0


def test_more_than_was_paid_in_is_not_given_back(api, bank, ann, boss, pay_in):
    pay_in(open_by(api, ann))
    deposit = pay_in(open_by(api, ann, 1_000))

    answer = refund(api, boss, deposit, amount=1_001)

    assert (answer.status_code, answer.json()["code"]) == (400, "refund_exceeds_deposit")
    assert pockets(ann)["funds"] == 51_000


def test_an_unpaid_deposit_is_not_given_back(api, bank, ann, boss):
    answer = refund(api, boss, open_by(api, ann))

    assert (answer.status_code, answer.json()["code"]) == (409, "invalid_state")


def test_a_refund_that_stripe_refuses_puts_the_money_back(api, bank, ann, boss, pay_in):
    deposit = pay_in(open_by(api, ann))
    asked, _ = services.ask_deposit_refund(deposit=deposit, external_id="r", amount=20_000, actor=SYSTEM)
    assert pockets(ann)["funds"] == 30_000

    settle_refund(refund_id=asked.pk, provider_id="", state="failed", failure="no")

    deposit.refresh_from_db()
    assert (deposit.status, deposit.taken, deposit.refunded_amount) == ("paid", 0, 0)
    assert pockets(ann)["funds"] == 50_000
    assert selectors.contradictions() == []


def test_a_refund_at_stripe_of_what_was_spent_is_owed_by_the_earnings(api, bank, ann, pay_in, told):
    deposit = pay_in(open_by(api, ann))
    spend(ann, 45_000)

    told("charge.refunded", charge_of(payment_of(deposit), 50_000))

    deposit.refresh_from_db()
    assert deposit.status == "refunded"
    assert pockets(ann) == {"available": 0, "owed": 45_000, "funds": 0}
    give_earnings(ann, 50_000)
    assert pockets(ann) == {"available": 5_000, "owed": 0, "funds": 0}
    assert selectors.contradictions() == []


def test_what_is_owed_for_a_deposit_is_taken_from_earnings_before_they_can_leave(api, bank, ann, pay_in, told):
    """Else a bank gives the deposit back, and the site pays the same sum out."""
    deposit = pay_in(open_by(api, ann))
    give_earnings(ann, 50_000)
    spend(ann, 45_000)

    told("charge.refunded", charge_of(payment_of(deposit), 50_000))

    assert pockets(ann) == {"available": 5_000, "owed": 0, "funds": 0}
    assert selectors.contradictions() == []


def test_a_lost_dispute_takes_the_funds(api, bank, ann, pay_in, told):
    deposit = pay_in(open_by(api, ann))

    told("charge.dispute.closed", dispute_of(payment_of(deposit), status="lost"))

    assert pockets(ann) == {"available": 0, "owed": 0, "funds": 0}


def test_a_refund_that_was_faster_than_the_payment(api, bank, ann, told):
    deposit = open_by(api, ann)
    told("charge.refunded", charge_of(payment_of(deposit), 50_000))

    told("payment_intent.succeeded", intent_of(payment_of(deposit)))

    deposit.refresh_from_db()
    assert (deposit.status, pockets(ann)["funds"]) == ("refunded", 0)


def ask(deposit, external_id, amount):
    return services.ask_deposit_refund(deposit=deposit, external_id=external_id, amount=amount, actor=SYSTEM)[0]


@pytest.mark.parametrize("first", [0, 1])
def test_what_is_sent_again_is_taken_out_once(api, bank, ann, pay_in, first):
    """The bank sent 4,000 back; while they are sent again, staff give 1,000 more back."""
    deposit = pay_in(open_by(api, ann, 10_000))
    sent = ask(deposit, "r-1", 4_000)
    settle_refund(refund_id=sent.pk, provider_id="re_1", state="succeeded")
    settle_refund(refund_id=sent.pk, provider_id="re_1", state="failed")
    sent.refresh_from_db()
    again = retry_refund(refund=sent, actor=SYSTEM)

    more = ask(deposit, "r-2", 1_000)

    assert pockets(ann) == {"available": 0, "owed": 0, "funds": 5_000}
    told = [(again, "re_2"), (more, "re_3")]
    for refund, provider_id in (told[first], told[1 - first]):
        settle_refund(refund_id=refund.pk, provider_id=provider_id, state="succeeded")
        assert pockets(ann) == {"available": 0, "owed": 0, "funds": 5_000}
    deposit.refresh_from_db()
    assert (deposit.taken, deposit.refunded_amount, deposit.status) == (5_000, 5_000, "partially_refunded")
    assert selectors.contradictions() == []


def test_a_refund_that_the_bank_sent_back_was_not_refused(api, bank, ann, boss, pay_in, told):
    deposit = open_by(api, ann)
    bank.pay(payment_of(deposit).provider_id)
    pay_in(deposit)
    assert refund(api, boss, deposit, amount=20_000).status_code == 201
    made = PaymentRefund.objects.get()
    bank.post(f"refunds/{made.provider_id}", status="failed")
    told("refund.failed", bank.server.store.find("acct_ALPHA", "refund", made.provider_id))

    again = refund(api, boss, deposit, amount=20_000)

    made.refresh_from_db()
    assert (made.status, made.owed) == ("failed", True)
    assert (again.status_code, again.json()["refunded_amount"]) == (200, 20_000)
    assert pockets(ann)["funds"] == 30_000


def test_a_refund_that_stripe_refuses_is_told_as_refused(api, bank, ann, boss, pay_in):
    deposit = open_by(api, ann)
    bank.pay(payment_of(deposit).provider_id)
    pay_in(deposit)
    bank.post("disputes", payment_intent=payment_of(deposit).provider_id)

    answers = [refund(api, boss, deposit) for _ in range(2)]

    assert {(answer.status_code, answer.json()["code"]) for answer in answers} == {(409, "payment_provider_refused")}
    assert pockets(ann)["funds"] == 50_000


def test_what_stripe_made_after_all_is_taken_out_again(api, bank, ann, pay_in, told):
    """Told that it was refused, somebody spent what was in the funds again; then Stripe says that it was made."""
    deposit = pay_in(open_by(api, ann))
    asked = ask(deposit, "r-1", 20_000)
    settle_refund(refund_id=asked.pk, provider_id="", state="failed", failure="no")
    assert pockets(ann)["funds"] == 50_000

    told("refund.updated", refund_of(payment_of(deposit), 20_000, "re_1", metadata={"refund_id": str(asked.pk)}))

    deposit.refresh_from_db()
    assert (deposit.status, deposit.taken, deposit.refunded_amount) == ("partially_refunded", 20_000, 20_000)
    assert pockets(ann)["funds"] == 30_000
    assert selectors.contradictions() == []


def test_nobody_gives_their_own_deposit_back(api, bank, boss, pay_in):
    deposit = pay_in(open_by(api, boss))

    answer = refund(api, boss, deposit)

    assert (answer.status_code, answer.json()["code"]) == (403, "own_deposit")
    deposit.refresh_from_db()
    assert (deposit.status, deposit.taken, PaymentRefund.objects.count()) == ("paid", 0, 0)
    assert pockets(boss)["funds"] == 50_000
    assert not AuditEvent.objects.filter(action="payment.refund_requested").exists()


def test_what_comes_back_settles_the_debt_of_its_deposit_first(api, bank, ann, pay_in, told):
    """20,000 are set aside, 30,000 spent and given back at Stripe all the same; then the 20,000 are refused."""
    deposit = pay_in(open_by(api, ann))
    asked = ask(deposit, "r-1", 20_000)
    spend(ann, 30_000)
    told("refund.created", refund_of(payment_of(deposit), 30_000))
    assert pockets(ann) == {"available": 0, "owed": 30_000, "funds": 0}

    settle_refund(refund_id=asked.pk, provider_id="", state="failed", failure="no")

    deposit.refresh_from_db()
    assert (deposit.taken, deposit.refunded_amount) == (30_000, 30_000)
    assert pockets(ann) == {"available": 0, "owed": 10_000, "funds": 0}
    assert selectors.contradictions() == []


def test_what_comes_back_pays_no_other_debt(api, bank, ann, pay_in, told):
    """One that an earlier deposit left, say: the next earnings settle that."""
    earlier = pay_in(open_by(api, ann, 9_000))
    spend(ann, 9_000)
    told("charge.refunded", charge_of(payment_of(earlier), 9_000))
    deposit = pay_in(open_by(api, ann))
    asked = ask(deposit, "r-1", 20_000)

    settle_refund(refund_id=asked.pk, provider_id="", state="failed", failure="no")

    assert pockets(ann) == {"available": 0, "owed": 9_000, "funds": 50_000}
    assert selectors.contradictions() == []
