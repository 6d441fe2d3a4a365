"""Each kind of signal fires in its story, and says nothing in the innocent one beside it."""

from datetime import timedelta

import pytest
import time_machine
from django.utils import timezone

from apps.accounts.models import SignIn
from apps.accounts.sign_ins import begin_sign_in
from apps.audit.services import SYSTEM
from apps.bonuses.tests.factories import bid, make_rules, referred_by
from apps.core import logs
from apps.fraud.models import Signal, Trace
from apps.fraud.services import change_fraud_settings
from apps.payments.models import Payment
from apps.payments.tests.factories import charge_of, make_account, make_payment
from apps.payouts.services import add_method
from apps.referrals.services import Attribution, note_circle, record_click
from apps.referrals.tests.factories import UserFactory, make_chain, make_partner
from apps.wallet.models import Deposit


def noticed(kind=None):
    """{(whose, kind): (points, count, words)} of all that was noticed."""
    rows = Signal.objects.select_related("partner__user").filter(**({"kind": kind} if kind else {}))
    return {(row.partner.user.full_name, row.kind): (row.points, row.count, row.words) for row in rows}


def partner(name, sponsor=None, *, email="", ip="", device="", clicked_ago=60):
    """Somebody new; with an address or device they came by a click of their sponsor's."""
    user = UserFactory.create(full_name=name, **({"email": email} if email else {}))
    if not (ip or device):
        return make_partner(sponsor, user=user)
    with ago(seconds=clicked_ago):
        click = record_click(partner=sponsor or make_partner(name="Nobody"), ip=ip, device_id=device)
    with ago(seconds=0):
        return make_partner(sponsor, user=user, attribution=Attribution(click.partner, "click", click))


NOW = timezone.now()


def ago(**span):
    """News are delivered once they are due, so whatever happens apart happened before."""
    return time_machine.travel(NOW - timedelta(**span), tick=False)


def sign_in(of, ip):
    token = logs.client_ip.set(ip)
    try:
        return begin_sign_in(user=of.user, kind=SignIn.Kind.API)
    finally:
        logs.client_ip.reset(token)


def deposit(of, *, device="", ip=""):
    from apps.core import outbox

    made = Deposit.objects.create(
        user=of.user,
        amount=1_000,
        currency="INR",
        status="paid",
        device_id=device,
        ip_address=ip,
        paid_at=timezone.now(),
    )
    outbox.publish("deposit.paid", key=str(made.pk), payload={"deposit_id": str(made.pk)})


@pytest.fixture
def rita(site):
    return partner("Rita")


# --- e-mail ----------------------------------------------------------------------------------------------------------------


def test_a_throwaway_mailbox(rita, deliver):
    partner("Tom", rita, email="tom@mailinator.com")
    partner("Ann", rita, email="ann@example.com")
    deliver()

    assert noticed() == {("Tom", "disposable_email"): (20, 1, "A throwaway e-mail: t***@mailinator.com")}


def test_a_site_adds_domains_of_its_own(rita, deliver):
    change_fraud_settings(changes={"disposable_domains": ["Burner.Example"]}, actor=SYSTEM)
    partner("Tom", rita, email="tom@mail.burner.example")
    deliver()

    assert list(noticed()) == [("Tom", "disposable_email")]


@pytest.mark.parametrize(
    ("first", "second"),
    [("an.na+shop@gmail.com", "anna@googlemail.com"), ("anna@example.com", "anna+2@example.com")],
)
def test_two_spellings_of_one_mailbox_weigh_twice_in_one_line(site, deliver, first, second):
    anna = partner("Anna", email=first)
    partner("Other Anna", make_partner(anna, name="Between"), email=second)
    partner("Annabel", anna, email="anna.bel@example.com")
    deliver()

    found = noticed()
    assert {who: points for (who, _), (points, _, _) in found.items()} == {"Anna": 40, "Other Anna": 40}
    assert {kind for _, kind in found} == {"aliased_email"}
    assert found["Anna", "aliased_email"][2].startswith("2 accounts have the mailbox a***@")


def test_two_spellings_elsewhere_weigh_once(site, deliver):
    partner("Anna", email="anna@example.com")
    partner("Other Anna", email="anna+2@example.com")
    deliver()

    assert {points for points, _, _ in noticed().values()} == {20}


def test_dots_are_another_mailbox_anywhere_but_at_google(site, deliver):
    partner("Anna", email="an.na@example.com")
    partner("Other Anna", email="anna@example.com")
    deliver()

    assert noticed() == {}


# --- devices and addresses ---------------------------------------------------------------------------------------------------


def test_the_sponsors_own_device(rita, deliver):
    deposit(rita, device="phone-1")
    tom = partner("Tom", rita)
    ann = partner("Ann", rita)
    deposit(tom, device="phone-1")
    deposit(ann, device="phone-2")
    deliver()

    assert noticed() == {
        ("Tom", "sponsor_device"): (30, 1, "They and their sponsor use the same device"),
        ("Rita", "sponsor_device"): (30, 1, "They and somebody they brought use the same device"),
    }

    deposit(ann, device="phone-1")
    deliver()

    assert noticed()["Rita", "sponsor_device"] == (30, 2, "They and 2 people they brought use the same device")


def test_the_sponsors_address_weighs_half_and_once_wherever_they_go(rita, deliver):
    tom = partner("Tom", rita)
    for ip in ("203.0.113.7", "198.51.100.9"):
        for who in (rita, tom):
            sign_in(who, ip)
    deliver()

    found = noticed()
    assert {who: points for (who, _), (points, _, _) in found.items()} == {"Tom": 15, "Rita": 15}
    assert found["Tom", "sponsor_device"][2].startswith("They and their sponsor were at the same address, ")
    assert Signal.objects.count() == 2


def test_an_address_that_many_have_by_no_doing_of_theirs_says_nothing(rita, deliver):
    tom = partner("Tom", rita)
    for ip in ("127.0.0.1", "::1", "10.1.2.3", "192.168.0.4", "172.20.0.1", "100.64.0.9", "nonsense", ""):
        for who in (rita, tom):
            sign_in(who, ip)
    deliver()

    assert noticed() == {}
    assert set(Trace.objects.values_list("kind", flat=True)) == {"mailbox"}


def test_a_device_of_somebody_above_the_sponsor_is_a_circle(site, deliver):
    top, middle = make_chain(2)
    low = partner("Low", middle)
    for who in (top, low):
        deposit(who, device="phone-1")
    deliver()

    assert {(who, kind): points for (who, kind), (points, _, _) in noticed().items()} == {
        ("Low", "circular_sponsorship"): 40,
        (top.user.full_name, "circular_sponsorship"): 40,
    }
    assert noticed()["Low", "circular_sponsorship"][2] == "Somebody 2 levels above them uses the same device"


def test_many_accounts_at_one_address(site, deliver):
    people = [partner(f"P{number}") for number in range(5)]
    for each in people[:4]:
        sign_in(each, "203.0.113.7")
    deliver()
    assert noticed() == {}

    sign_in(people[4], "203.0.113.7")
    deliver()

    said = "5 accounts at 203.0.113.··· within 24 hours"
    assert noticed() == {(f"P{number}", "shared_address"): (15, 5, said) for number in range(5)}


def test_many_accounts_in_one_network(site, deliver):
    change_fraud_settings(changes={"network_accounts": 3}, actor=SYSTEM)
    for number in range(3):
        sign_in(partner(f"P{number}"), f"2001:db8:1:{number}::1")
        sign_in(partner(f"Q{number}"), f"2001:db8:{number + 2}::1")
    deliver()

    said = "3 accounts at the network 2001:db8:··· within 24 hours"
    assert noticed() == {(f"P{number}", "shared_address"): (8, 3, said) for number in range(3)}


def test_accounts_that_were_there_on_other_days_are_not_many(site, deliver):
    for day in range(6):
        with ago(days=2 * day):
            sign_in(partner(f"P{day}"), "203.0.113.7")
    deliver()

    assert Trace.objects.filter(kind="address").count() == 6
    assert noticed() == {}


# --- how people come ---------------------------------------------------------------------------------------------------------


def test_a_burst_of_signups_is_about_the_sponsor(rita, deliver):
    change_fraud_settings(changes={"burst_signups": 4}, actor=SYSTEM)
    for _ in range(3):
        make_partner(rita)
    deliver()
    assert noticed() == {}

    for _ in range(2):
        make_partner(rita)
    deliver()

    assert noticed() == {("Rita", "signup_burst"): (25, 5, "5 people signed up below them within 10 minutes")}


def test_signups_over_an_afternoon_are_no_burst(rita, deliver):
    change_fraud_settings(changes={"burst_signups": 3}, actor=SYSTEM)
    for number in range(6):
        with ago(minutes=60 - 6 * number):
            make_partner(rita)
    deliver()

    assert noticed() == {}


def test_a_signup_right_after_the_click(rita, deliver):
    partner("Bot", rita, ip="203.0.113.7", clicked_ago=1.2)
    partner("Ann", rita, ip="198.51.100.3", clicked_ago=40)
    deliver()

    assert noticed() == {
        ("Bot", "fast_signup"): (15, 1, "Signed up 1.2 seconds after the click"),
        ("Rita", "fast_signup"): (15, 1, "Somebody signed up within 3 seconds of a click on their link"),
    }


def test_who_tries_to_stand_below_themselves(rita, deliver):
    for _ in range(2):
        note_circle(partner_id=rita.pk, reason="self_referral", actor=SYSTEM)
    deliver()

    assert noticed() == {("Rita", "circular_sponsorship"): (40, 2, "Tried to stand below themselves, 2 times")}


# --- money -------------------------------------------------------------------------------------------------------------------


def pay(tell, of, fingerprint, kind="charge.succeeded"):
    payment = make_payment(user=of.user)
    details = {"type": "card", "card": {"fingerprint": fingerprint, "last4": "4242"}}
    return payment, tell(kind, charge_of(payment, 0, payment_method_details=details))


@pytest.fixture
def tell(site, deliver):
    """Stripe tells us of an object."""
    from apps.core import inbox
    from apps.core.models import InboxEvent
    from apps.payments.tests.factories import event

    make_account()

    def told(kind, found):
        body = event(kind, found)
        inbox.receive("stripe", event_id=body["id"], kind=kind, payload=body)
        deliver()
        return InboxEvent.objects.get(event_id=body["id"])

    return told


def test_one_card_in_two_accounts(site, tell):
    first, second, third = partner("Ann"), partner("Ben"), partner("Cid")
    pay(tell, first, "fp-1")
    pay(tell, third, "fp-2")
    assert noticed() == {}

    payment, row = pay(tell, second, "fp-1")

    words = "2 accounts pay with the same card"
    assert noticed() == {(who, "payment_fingerprint"): (25, 2, words) for who in ("Ann", "Ben")}
    payment.refresh_from_db()
    assert row.status == "done"
    assert len(payment.card_key) == 64
    assert "fp-1" not in payment.card_key


def test_the_sponsors_card_weighs_twice(rita, tell):
    tom = partner("Tom", rita)
    pay(tell, tom, "fp-1")
    pay(tell, rita, "fp-1", kind="charge.updated")

    assert {who: points for (who, _), (points, _, _) in noticed().items()} == {"Tom": 50, "Rita": 50}


def test_ones_own_card_is_no_news(rita, tell):
    for _ in range(2):
        pay(tell, rita, "fp-1")

    assert noticed() == {}


def test_a_charge_that_doesnt_say_what_it_was_paid_with_is_passed_over(rita, tell):
    payment = make_payment(user=rita.user)
    row = tell("charge.succeeded", charge_of(payment, 0))

    assert row.status == "ignored"
    assert Payment.objects.get(pk=payment.pk).card_key == ""


BANK = {"account_holder": "Ann Example", "account_number": "000123454821", "bank_code": "DEMO0001234"}
METHODS = {
    "bank": (BANK, BANK | {"account_number": "000123454822"}),
    "upi": ({"vpa": "ann@bank"}, {"vpa": "cid@bank"}),
    "crypto": (
        {"network": "ethereum", "address": f"0x{'1' * 40}"},
        {"network": "ethereum", "address": f"0x{'2' * 40}"},
    ),
}


@pytest.mark.parametrize("kind", METHODS)
def test_one_payout_method_in_two_accounts(site, deliver, kind):
    same, other = METHODS[kind]
    for name, details in (("Ann", same), ("Ben", same), ("Cid", other)):
        add_method(user=partner(name).user, kind=kind, details=details)
    deliver()

    words = "2 accounts are paid out to the same place"
    assert noticed() == {(who, "shared_payout_method"): (40, 2, words) for who in ("Ann", "Ben")}


def test_a_method_that_says_nothing_is_nobodys(site, deliver):
    for name in ("Ann", "Ben"):
        add_method(user=partner(name).user, kind="manual", details={})
    deliver()

    assert noticed() == {}


def test_bonuses_that_a_device_froze_are_evidence_too(rita, deliver):
    make_rules({"type": "first_bid", "kind": "fixed", "value": 2_500})
    made = [bid(each, device="tablet", ip=f"203.0.{number}.1") for number, each in enumerate(referred_by(rita, 3))]
    deliver()

    assert [found.bonus.status for found in made] == ["pending", "pending", "frozen"]
    assert noticed("bonus_device") == {
        ("Rita", "bonus_device"): (20, 3, "3 bonuses came from one device within 24 hours")
    }


def test_two_bonuses_of_a_device_are_not(rita, deliver):
    make_rules({"type": "first_bid", "kind": "fixed", "value": 2_500})
    for each in referred_by(rita, 2):
        bid(each, device="tablet")
    deliver()

    assert noticed() == {}


# --- what is kept ------------------------------------------------------------------------------------------------------------


def test_nothing_is_kept_as_it_was_typed(rita, deliver, tell):
    tom = partner("Tom", rita, email="tom@mailinator.com", ip="203.0.113.77", device="phone-77", clicked_ago=1)
    deposit(rita, device="phone-77", ip="203.0.113.77")
    pay(tell, tom, "fp-77")
    pay(tell, rita, "fp-77")
    deliver()

    kept = [*Signal.objects.values_list("evidence_key", "words"), *Trace.objects.values_list("key", "kind")]
    for raw in ("tom@", "203.0.113.77", "phone-77", "fp-77"):
        assert not any(raw in text for row in kept for text in row)
    assert len(kept) > 10


def test_the_same_is_another_print_at_another_site(site, other_site):
    from apps.core.tenancy import site_context
    from apps.fraud.services.keys import print_of

    here = print_of("device", "phone-1")
    with site_context(other_site.pk):
        there = print_of("device", "phone-1")

    assert here != there
    assert here != print_of("address", "phone-1")


def test_points_of_nothing_switch_a_kind_off(rita, deliver):
    change_fraud_settings(changes={"points": {"disposable_email": 0}}, actor=SYSTEM)
    partner("Tom", rita, email="tom@mailinator.com")
    deliver()

    assert noticed() == {}


def test_another_sites_people_are_no_evidence(site, other_site, deliver):
    from apps.core.tenancy import site_context

    with site_context(other_site.pk):
        partner("Anna", email="anna@example.com")
        deliver()
    partner("Other Anna", email="anna+2@example.com")
    deliver()

    assert noticed() == {}
    assert Trace.objects.count() == 1


def test_who_is_no_partner_is_passed_over(site, make_user, deliver):
    begin_sign_in(user=make_user(), kind=SignIn.Kind.API)

    assert deliver() >= 1
    assert noticed() == {}


def test_what_was_there_before_anybody_listened_is_found_by_looking_again(rita, deliver, capsys):
    from django.core.management import call_command

    from apps.fraud.models import Review

    tom = partner("Tom", rita, email="tom@mailinator.com")
    for who in (rita, tom):
        deposit(who, device="phone-1")
    deliver()
    known = noticed()
    as_before = sorted(Trace.objects.values_list("partner", "kind", "key", "first_seen", "last_seen"))
    assert set(known) == {("Tom", "disposable_email"), ("Tom", "sponsor_device"), ("Rita", "sponsor_device")}
    for number in range(2):
        call_command("look_for_fraud", site="alpha")
        assert noticed() == known
        assert sorted(Trace.objects.values_list("partner", "kind", "key", "first_seen", "last_seen")) == as_before
        if not number:
            Trace.objects.all().delete()

    assert "ALPHA: 2 partners" in capsys.readouterr().out
    assert sorted(Review.objects.values_list("partner__user__full_name", "score")) == [("Rita", 30), ("Tom", 50)]
