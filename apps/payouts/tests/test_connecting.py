"""Be paid by Stripe: an account of one's own there, filled in on Stripe's page, ready when Stripe says so (P10)."""

import threading
from datetime import timedelta

import pytest
import time_machine
from django.db import connections
from django.utils import timezone
from rest_framework.test import APIClient

from apps.accounts.models import SignIn
from apps.accounts.sign_ins import begin_sign_in
from apps.accounts.tests.browsers import browser_of
from apps.accounts.tokens import issue_access
from apps.core import outbox
from apps.core.errors import Invalid
from apps.core.models import InboxEvent
from apps.core.tenancy import site_context
from apps.payments import stripe_api
from apps.payments.models import StripeAccount
from apps.payments.services import credentials
from apps.payments.tests import factories as stripe_events
from apps.payouts import services, tasks
from apps.payouts.models import ConnectAccount, OwnMethod, Payout, PayoutMethod
from apps.payouts.services import connecting
from apps.referrals.services import join
from apps.sites.models import Site
from apps.wallet.selectors import wallet_summary
from apps.wallet.tests.factories import give_earnings

pytestmark = pytest.mark.django_db(transaction=True)

URL = "/api/v1/payout-methods"


@pytest.fixture
def client(shop, member):
    """The member's, over HTTP."""
    with site_context(shop):
        join(user=member)
        access = issue_access(
            user=member, site=Site.objects.get(pk=shop), sign_in=begin_sign_in(user=member, kind=SignIn.Kind.API)
        )
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {access}", HTTP_X_SITE_CODE="ALPHA")
    return client


def connect(client, **details):
    return client.post(URL, {"kind": "stripe_connect", "details": details}, format="json")


def standing(shop):
    with site_context(shop):
        account = ConnectAccount.objects.get()
        return account.state, OwnMethod.objects.get().state


def ask_all(shop):
    with site_context(shop):
        ConnectAccount.objects.update(check_at=timezone.now())
    tasks.check_accounts_of_site(str(shop))


def created(fake_stripe):
    return [row for row in fake_stripe.get("requests") if row["path"] == "/v1/accounts" and not row["replayed"]]


def test_opened_filled_in_and_ready(client, shop, fake_stripe):
    made = connect(client)
    assert made.status_code == 201, made.content
    assert made.json()["state"] == "onboarding"
    assert made.json()["onboarding_url"].startswith(f"{fake_stripe.url}/connect/")
    account = fake_stripe.get("requests")[0]
    assert (account["path"], account["params"]["type"]) == ("/v1/accounts", "express")
    with site_context(shop):
        account_id = ConnectAccount.objects.get().account_id
        assert services.read_details(PayoutMethod.objects.get()) == {"account_id": account_id}

    fake_stripe.post(f"accounts/{account_id}/fill_in", outcome="ready")
    ask_all(shop)

    assert standing(shop) == ("ready", "ready")


@pytest.mark.parametrize(
    ("outcome", "state"),
    [("review", "review"), ("more", "restricted"), ("closed", "gone"), ("disconnected", "gone")],
)
def test_nothing_goes_to_one_that_is_not_ready(client, shop, fake_stripe, outcome, state):
    made = connect(client).json()
    with site_context(shop):
        account = ConnectAccount.objects.select_related("method__user").get()
        user = account.method.user
        give_earnings(user, 500)
    fake_stripe.post(f"accounts/{account.account_id}/fill_in", outcome=outcome)
    ask_all(shop)

    answer = client.post("/api/v1/payouts/request", {"method_id": made["id"]}, format="json")

    assert standing(shop) == (state, state)
    assert (answer.status_code, answer.json()["code"]) == (409, "method_not_ready")
    with site_context(shop):
        assert (Payout.objects.count(), wallet_summary(user.pk).available) == (0, 500)


def test_what_stripe_still_wants_is_kept_in_its_words(client, shop, fake_stripe):
    connect(client)
    with site_context(shop):
        pk = ConnectAccount.objects.get().account_id
    fake_stripe.post(f"accounts/{pk}/fill_in", outcome="more")
    ask_all(shop)

    with site_context(shop):
        assert ConnectAccount.objects.get().wants == "individual.verification.document"


def test_a_second_try_goes_on_with_the_same_account(client, shop, fake_stripe):
    first, second = connect(client).json(), connect(client).json()

    assert (first["id"], first["onboarding_url"] == second["onboarding_url"]) == (second["id"], False)
    assert len(created(fake_stripe)) == 1
    more = client.post(f"{URL}/{first['id']}/onboarding", {}, format="json")
    assert (more.status_code, len(created(fake_stripe))) == (200, 1)


def test_when_stripe_dies_after_opening_it_the_next_try_finds_that_one(client, shop, fake_stripe):
    fake_stripe.faults(after_commit_500=1.0)
    lost = connect(client)
    assert (lost.status_code, lost.json()["code"]) == (503, "payment_provider_unavailable")
    fake_stripe.faults(after_commit_500=0.0)

    made = connect(client)

    assert (made.status_code, len(created(fake_stripe))) == (201, 1)
    with site_context(shop):
        assert PayoutMethod.objects.count() == ConnectAccount.objects.count() == 1


def test_a_country_that_stripe_refuses_leaves_no_method(client, shop):
    answer = connect(client, country="ZZ")

    assert (answer.status_code, answer.json()["code"]) == (409, "payment_provider_refused")
    with site_context(shop):
        assert not OwnMethod.objects.exists()
    assert connect(client, country="IN").status_code == 201


def test_two_clicks_at_once_are_one_account(client, shop, fake_stripe):
    answers = []

    def click():
        try:
            answers.append(connect(client).status_code)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=click) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert set(answers) <= {201, 503}
    assert (201 in answers, len(created(fake_stripe))) == (True, 1)
    with site_context(shop):
        assert PayoutMethod.objects.filter(removed_at=None).count() == 1


def test_an_account_that_is_not_connected_here_is_refused(client, shop):
    answer = connect(client, account_id="acct_1somebodyelse")

    assert (answer.status_code, answer.json()["code"]) == (400, "account_unknown")
    with site_context(shop):
        assert not OwnMethod.objects.exists()


@pytest.mark.parametrize("outcome", ["", "more"])
def test_nobody_gets_the_page_of_an_account_that_was_not_opened_for_them(client, shop, fake_stripe, outcome):
    """One that the site opened elsewhere: whoever has its page says where its money goes."""
    with site_context(shop):
        who = credentials()
    elsewhere = stripe_api.call(lambda stripe: stripe.v1.accounts.create({"type": "express"}), who).id
    if outcome:
        fake_stripe.post(f"accounts/{elsewhere}/fill_in", outcome=outcome)

    answer = connect(client, account_id=elsewhere)

    assert (answer.status_code, answer.json()["code"]) == (400, "account_unknown")
    assert not [row for row in fake_stripe.get("requests") if row["path"] == "/v1/account_links"]
    with site_context(shop):
        assert not OwnMethod.objects.exists()


def test_an_account_that_is_ready_may_be_named(client, shop, fake_stripe):
    with site_context(shop):
        who = credentials()
    elsewhere = stripe_api.call(lambda stripe: stripe.v1.accounts.create({"type": "express"}), who).id
    fake_stripe.post(f"accounts/{elsewhere}/fill_in", outcome="ready")

    answer = connect(client, account_id=elsewhere)

    assert (answer.status_code, answer.json()["state"], answer.json()["onboarding_url"]) == (201, "ready", None)


def test_the_account_of_another_partner_is_refused(client, shop, make_user):
    connect(client)
    with site_context(shop):
        pk = ConnectAccount.objects.get().account_id
        zoe = make_user("zoe@example.com")
        with pytest.raises(Invalid) as refused:
            connecting.begin_connecting(user=zoe, details={"account_id": pk})
        assert (refused.value.code, PayoutMethod.objects.count()) == ("account_taken", 1)


def test_where_the_site_has_no_account_nothing_is_begun(client, shop):
    with site_context(shop):
        StripeAccount.objects.update(is_active=False)

    answer = connect(client)

    assert (answer.status_code, answer.json()["code"]) == (409, "payments_unavailable")
    with site_context(shop):
        assert PayoutMethod.objects.count() == 0


def test_somebody_elses_method_is_none(client, shop, make_user):
    with site_context(shop):
        account = connecting.begin_connecting(user=make_user("zoe@example.com"), details={})

    assert client.post(f"{URL}/{account.method_id}/onboarding", {}, format="json").status_code == 404


def test_news_of_it_is_signed_with_the_secret_of_its_own_endpoint(client, shop):
    connect(client)
    with site_context(shop):
        pk = ConnectAccount.objects.get().account_id
        ConnectAccount.objects.update(check_at=None)
    body = stripe_events.event("account.updated", {"id": pk, "object": "account"}, account=pk)

    forged = stripe_events.send(APIClient(), body, secret="whsec_somebody")
    heard = stripe_events.send(APIClient(), body, secret="whsec_ALPHAconnect")

    assert (forged.status_code, heard.status_code) == (400, 200)
    outbox.drain(shop, "payments")
    with site_context(shop):
        assert InboxEvent.objects.get().status == "done"
        assert ConnectAccount.objects.get().check_at is not None


def test_news_of_an_account_that_nobody_knows_moves_nothing(shop):
    body = stripe_events.event("account.updated", {"id": "acct_x", "object": "account"}, account="acct_x")
    stripe_events.send(APIClient(), body, secret="whsec_ALPHAconnect")
    outbox.drain(shop, "payments")

    with site_context(shop):
        assert InboxEvent.objects.get().status == "ignored"


def test_a_removed_one_is_asked_about_no_more(client, shop):
    made = connect(client).json()

    assert client.delete(f"{URL}/{made['id']}").status_code == 204

    with site_context(shop):
        assert ConnectAccount.objects.get().check_at is None


# --- whoever took over a sign-in -------------------------------------------------------------------------------------------


def test_going_on_at_stripe_asks_who_one_is(client, shop, member):
    made = connect(client).json()
    with site_context(shop):
        SignIn.objects.filter(user=member).update(authenticated_at=timezone.now() - timedelta(hours=2))
        stale = issue_access(user=member, site=Site.objects.get(pk=shop), sign_in=SignIn.objects.get(user=member))
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {stale}", HTTP_X_SITE_CODE="ALPHA")

    answer = client.post(f"{URL}/{made['id']}/onboarding", {}, format="json")

    assert (answer.status_code, answer.json()["code"]) == (403, "step_up_required")
    with site_context(shop):
        browser = browser_of(member, Site.objects.get(pk=shop), signed_in_ago=7200)
    page = browser.post(f"/dashboard/payouts/methods/{made['id']}/stripe")
    assert (page.status_code, "proof-password" in page.content.decode()) == (200, True)
    assert "/connect/link_" not in page.content.decode()


def in_three_days(shop, fake_stripe):
    """Only then somebody fills it in. What is said of the method at that moment."""
    with site_context(shop):
        pk = ConnectAccount.objects.get().account_id
    with time_machine.travel(timezone.now() + timedelta(days=3)):
        fake_stripe.post(f"accounts/{pk}/fill_in", outcome="ready")
        ask_all(shop)
        with site_context(shop):
            method = OwnMethod.objects.get(kind="stripe_connect")
            return method.state, method.ready_at - timezone.now()


def test_one_that_is_filled_in_late_rests_from_then(client, shop, member, fake_stripe):
    """It was begun first, and lay there: who finishes it now says where money goes."""
    connect(client)
    with site_context(shop):
        services.add_method(user=member, kind="upi", details={"vpa": "ann@bank"})

    state, rest = in_three_days(shop, fake_stripe)

    assert (state, rest > timedelta(hours=23)) == ("rests", True)


def test_the_first_one_rests_never_however_long_it_took(client, shop, fake_stripe):
    connect(client)

    assert in_three_days(shop, fake_stripe)[0] == "ready"


def test_what_is_begun_and_not_filled_in_makes_the_next_one_no_second_one(client, shop, member):
    connect(client)

    with site_context(shop):
        assert services.add_method(user=member, kind="upi", details={"vpa": "ann@bank"}).state == "ready"


def test_what_stripe_never_opened_makes_the_next_one_no_second_one(client, shop, member):
    connect(client, country="ZZ")

    with site_context(shop):
        assert services.add_method(user=member, kind="upi", details={"vpa": "ann@bank"}).state == "ready"


def test_who_is_asked_for_more_gets_another_link(client, shop, fake_stripe):
    made = connect(client).json()
    with site_context(shop):
        pk = ConnectAccount.objects.get().account_id
    fake_stripe.post(f"accounts/{pk}/fill_in", outcome="more")

    answer = client.post(f"{URL}/{made['id']}/onboarding", {}, format="json").json()

    assert answer["state"] == "restricted"
    assert answer["onboarding_url"].startswith(f"{fake_stripe.url}/connect/")
