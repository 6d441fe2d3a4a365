"""Asking for a payout, and following it."""

import pytest
import time_machine

from apps.audit.services import SYSTEM
from apps.catalogue import shelf
from apps.payouts import services
from apps.payouts.models import ConnectAccount, Payout, PayoutMethod
from apps.payouts.services.connecting import begin_connecting
from apps.payouts.tests.factories import make_stripe
from apps.sites.services import change_settings
from apps.wallet.selectors import wallet_summary
from apps.wallet.tests.factories import give_earnings

pytestmark = pytest.mark.django_db
BANK = {
    "bank-account_holder": "Ann Example", "bank-account_number": "000123454821", "bank-bank_code": "DEMO0001234",
    "bank-bank_name": "",
}  # fmt: skip


@pytest.fixture
def staff(make_user):
    return make_user("manager@example.com", roles=["affiliate_manager", "payout_manager"])


def test_the_page_teaches_the_first_step(signed_in, ann):
    page = signed_in(ann).get("/dashboard/payouts").content.decode()

    assert "Your payouts will be here" in page
    assert 'aria-disabled="true"' in page


def test_asking_for_all_of_it(signed_in, ann):
    give_earnings(ann, 12345)

    response = signed_in(ann).post("/dashboard/payouts", {"amount": "", "method": ""})

    assert response.status_code == 302
    payout = Payout.objects.get()
    assert (payout.amount, payout.status, payout.user_id) == (12345, "requested", ann.pk)
    assert wallet_summary(ann.pk).available == 0


def test_asking_for_a_part_to_a_bank_account(signed_in, ann):
    give_earnings(ann, 12345)
    client = signed_in(ann)
    client.post("/dashboard/payouts/methods/bank", BANK)
    method = PayoutMethod.objects.get()

    client.post("/dashboard/payouts", {"amount": "₹100", "method": str(method.pk)})

    payout = Payout.objects.get()
    assert (payout.amount, payout.method) == (10000, method)
    page = client.get("/dashboard/payouts").content.decode()
    assert "A person checks it" in page
    assert "··4821" in page
    assert "000123454821" not in page


def test_the_newest_method_that_is_ready_is_chosen_already(signed_in, ann):
    """A later one rests; whoever has none begins with an arrangement."""
    give_earnings(ann, 12345)
    client = signed_in(ann)
    assert client.get("/dashboard/payouts").context["form"]["method"].value() == ""
    first = services.add_method(user=ann, kind="upi", details={"vpa": "ann@bank"})
    services.add_method(user=ann, kind="upi", details={"vpa": "new@bank"})

    answer = client.get("/dashboard/payouts")

    assert answer.context["form"]["method"].value() == str(first.pk)
    assert [words.endswith("(rests)") for _, words in answer.context["form"].fields["method"].choices] == [
        True,
        False,
        False,
    ]


@pytest.mark.parametrize(
    ("schedule", "day", "net_days", "words"),
    [
        ("weekly", 1, 0, "Every week, also without asking<small>next on Monday, 30 November</small>"),
        ("weekly", 5, 0, "Every week, also without asking<small>next on Friday, 27 November</small>"),
        ("monthly", 27, 30, "next on Friday, 27 November, of what was earned 30 days before"),
        ("monthly", 26, 0, "Every month, also without asking<small>next on Saturday, 26 December</small>"),
        ("on_request", 27, 0, None),
    ],
)
def test_the_sites_schedule_is_said_to_who_waits_for_it(signed_in, ann, schedule, day, net_days, words):
    changes = {"payout_schedule": schedule, "payout_day": day, "payout_net_days": net_days}
    change_settings(changes=changes, actor=SYSTEM)

    with time_machine.travel("2026-11-27 12:00+00:00"):
        browser = signed_in(ann)
        page, offer = browser.get("/dashboard/payouts").content.decode(), browser.get("/").content.decode()

    assert (words in page) if words else ("also without asking" not in page)
    assert ("or when you ask, checked by a person" in offer) is (words is not None)


def test_a_failed_one_says_why_in_the_history(signed_in, ann, staff):
    give_earnings(ann, 12345)
    payout = services.approve_payout(payout=services.request_payout(user=ann), actor=staff)
    services.reject_payout(payout=payout, actor=staff, reason="Closed <b>account</b>")

    page = signed_in(ann).get("/dashboard/payouts").content.decode()

    assert "<small>Closed &lt;b&gt;account&lt;/b&gt;</small>" in page


@pytest.mark.parametrize(
    ("amount", "status", "words"),
    [
        ("200", 409, "There is less than that to take."),
        ("nonsense", 400, "Write an amount such as"),
        ("0.001", 400, "INR has 2 decimal places."),
    ],
)
def test_a_refusal_says_why_and_moves_nothing(signed_in, ann, amount, status, words):
    give_earnings(ann, 12345)

    response = signed_in(ann).post("/dashboard/payouts", {"amount": amount, "method": ""})

    assert response.status_code == status
    assert words in response.content.decode()
    assert not Payout.objects.exists()
    assert wallet_summary(ann.pk).available == 12345


def test_one_at_a_time(signed_in, ann):
    give_earnings(ann, 12345)
    client = signed_in(ann)
    client.post("/dashboard/payouts", {"amount": "50", "method": ""})

    response = client.post("/dashboard/payouts", {"amount": "50", "method": ""})

    assert response.status_code == 409
    assert "One payout at a time." in response.content.decode()
    assert Payout.objects.count() == 1


def test_somebody_else_s_bank_account_is_no_choice(signed_in, ann, stranger):
    give_earnings(ann, 12345)
    theirs = services.add_method(user=stranger, kind="upi", details={"vpa": "zoe@bank"})

    response = signed_in(ann).post("/dashboard/payouts", {"amount": "", "method": str(theirs.pk)})

    assert response.status_code == 400
    assert not Payout.objects.exists()


def test_it_can_be_taken_back_until_it_is_decided(signed_in, ann, staff):
    give_earnings(ann, 12345)
    client = signed_in(ann)
    client.post("/dashboard/payouts", {"amount": "", "method": ""})
    payout = Payout.objects.get()

    client.post(f"/dashboard/payouts/{payout.pk}/cancel")

    payout.refresh_from_db()
    assert payout.status == "cancelled"
    assert wallet_summary(ann.pk).available == 12345
    assert client.post(f"/dashboard/payouts/{payout.pk}/cancel").status_code == 409


def test_a_paid_one_shows_its_reference_and_its_parts(signed_in, ann, staff):
    give_earnings(ann, 10000)
    give_earnings(ann, 2345)
    client = signed_in(ann)
    client.post("/dashboard/payouts", {"amount": "", "method": ""})
    payout = services.approve_payout(payout=Payout.objects.get(), actor=staff)
    services.process_payout(payout=payout, actor=staff, reference="N6912777774")

    page = client.get(f"/dashboard/payouts/{payout.pk}")

    assert sorted(entry.share.amount for entry in page.context["entries"]) == [2345, 10000]
    assert "N6912777774" in page.content.decode()
    assert "1 paid so far" in client.get("/dashboard/payouts").content.decode()


def test_other_people_s_payouts_do_not_exist(signed_in, ann, stranger):
    give_earnings(stranger, 500)
    theirs = services.request_payout(user=stranger)
    client = signed_in(ann)

    assert client.get(f"/dashboard/payouts/{theirs.pk}").status_code == 404
    assert client.post(f"/dashboard/payouts/{theirs.pk}/cancel").status_code == 404
    theirs.refresh_from_db()
    assert theirs.status == "requested"


def test_a_bank_account_that_is_none_is_refused_beside_its_field(signed_in, ann):
    response = signed_in(ann).post("/dashboard/payouts/methods/bank", {**BANK, "bank-account_number": "12"})

    assert response.status_code == 400
    assert "An account number has 6 to 42 letters and digits." in response.content.decode()
    assert response.content.decode().count("autofocus") == 1
    assert response.context["bank_form"].fields["account_number"].widget.attrs["autofocus"]
    assert not PayoutMethod.objects.exists()


def test_who_is_connected_at_stripe_is_not_offered_it_again(signed_in, ann, settings, fake_stripe):
    settings.STRIPE_API_BASE = fake_stripe.url
    make_stripe(fake_stripe.register())
    client, offer = signed_in(ann), "Connect with Stripe"
    assert offer in client.get("/dashboard/payouts").content.decode()

    begin_connecting(user=ann, details={})
    ConnectAccount.objects.update(account_id="acct_annann", state="ready")

    assert offer not in client.get("/dashboard/payouts").content.decode()
    answer = client.post("/dashboard/payouts/methods/stripe", follow=True)
    assert answer.redirect_chain == [("/dashboard/payouts", 302)]
    assert "Your Stripe account is connected already." in answer.content.decode()
    assert PayoutMethod.objects.count() == 1


def test_a_part_that_is_too_much_is_shown_beside_its_refusal(signed_in, ann):
    give_earnings(ann, 12345)

    response = signed_in(ann).post("/dashboard/payouts", {"amount": "500", "method": ""})

    assert response.status_code == 409
    assert '<details class="fold" open>' in response.content.decode()


def test_a_method_in_use_stays(signed_in, ann):
    give_earnings(ann, 12345)
    client = signed_in(ann)
    client.post("/dashboard/payouts/methods/bank", BANK)
    method = PayoutMethod.objects.get()
    client.post("/dashboard/payouts", {"amount": "", "method": str(method.pk)})

    response = client.post(f"/dashboard/payouts/methods/{method.pk}/remove")

    assert response.status_code == 409
    assert "An open payout goes there." in response.content.decode()
    method.refresh_from_db()
    assert method.removed_at is None


def test_queries_do_not_grow_with_the_payouts(signed_in, ann, staff, nested, django_assert_num_queries):
    for _ in range(4):
        give_earnings(ann, 100)
        payout = services.approve_payout(payout=services.request_payout(user=ann), actor=staff)
        services.process_payout(payout=payout, actor=staff, reference="R")
    client = signed_in(ann)

    # Session, caller, partner, methods, wallet, rows, expected, settings (2), open payout, entry counts, paid,
    # whether Stripe pays, whether somebody looks, the token's network, how long addresses rest, tokens, the bell.
    # Whether there is a shop is known from the first time.
    client.get("/dashboard/payouts")
    with django_assert_num_queries(nested + 18):
        client.get("/dashboard/payouts")


def test_the_parts_name_the_sales_they_were_earned_by(
    signed_in, ann, ben, plan, deliver, staff, nested, django_assert_num_queries
):
    from apps.commissions.tests.factories import approve_all, make_order

    for _ in range(3):
        make_order(ben.partner, ("server", 80000))
    deliver()
    approve_all()
    payout = services.request_payout(user=ann)
    client = signed_in(ann)

    # Session, caller, partner, payout, parts, their sales.
    shelf.products()  # warm, as it mostly is
    with django_assert_num_queries(nested + 7):
        page = client.get(f"/dashboard/payouts/{payout.pk}")

    assert [entry.sale.people for entry in page.context["entries"]] == [["Ben Example"]] * 3
