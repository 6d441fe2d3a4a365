"""Where money goes may change, but neither unseen nor at once."""

from datetime import timedelta

import pytest
import time_machine
from django.db import connection
from django.utils import timezone

from apps.accounts.models import SignIn
from apps.core import crypto, outbox
from apps.core.errors import Conflict
from apps.core.models import OutboxEvent
from apps.payouts import services
from apps.payouts.models import OwnMethod, Payout, PayoutMethod
from apps.sites.models import SiteSettings
from apps.wallet import selectors as wallet

URL = "/api/v1/payout-methods"
BANK = {"account_holder": "Ann", "account_number": "000123454821", "bank_code": "HDFC0001234"}
WALLET = {"network": "ethereum", "address": "0x" + "1" * 40}


def add(user, kind="upi", details=None):
    return services.add_method(user=user, kind=kind, details=details or {"vpa": "ann@bank"})


def again(method):
    return OwnMethod.objects.get(pk=method.pk)


def test_methods_are_checked_masked_and_encrypted(api, ann):
    details = {"account_holder": "Ann", "account_number": "1234 5678 4821", "bank_code": "HDFC0001234"}
    made = api(ann).post(URL, {"kind": "bank", "details": details})
    assert made.status_code == 201
    assert made.json()["label"] == "Bank account ··4821"

    listed = api(ann).get(URL)

    assert b"5678" not in listed.content
    method = PayoutMethod.objects.get()
    assert services.read_details(method)["account_number"] == "1234 5678 4821"
    with connection.cursor() as cursor:
        cursor.execute("SELECT details FROM payouts_payoutmethod")
        assert "5678" not in cursor.fetchone()[0]
    other = PayoutMethod(user=ann, details=method.details)
    with pytest.raises(crypto.Undecryptable):
        services.read_details(other)


@pytest.mark.parametrize(
    ("kind", "details", "field"),
    [
        ("bank", {"account_holder": "Ann"}, "details.account_number"),
        ("upi", {"vpa": "not a vpa"}, "details.vpa"),
        ("upi", {"vpa": 5}, "details.vpa"),
        ("upi", {"vpa": "-ann@upi"}, "details.vpa"),
        ("upi", {"vpa": "ann@upi", "pin": "1"}, "details.pin"),
        ("paypal", {}, "kind"),
    ],
)
def test_a_malformed_method_is_refused(api, ann, kind, details, field):
    answer = api(ann).post(URL, {"kind": kind, "details": details})

    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (400, field)
    assert PayoutMethod.objects.count() == 0


@pytest.mark.parametrize(
    "details",
    [
        {}, {"network": "ethereum"}, {"network": "moon", "address": "0x" + "1" * 40}, {"network": ["ethereum"], "address": "0x1"},
        {"network": "ethereum", "address": "0x" + "1" * 39}, {"network": "ethereum", "address": "0x" + "1" * 40 + "\x00"},
        {"network": "ethereum", "address": "0x" + "é" * 40}, {"network": "ethereum", "address": 10**40},
        {"network": "ethereum", "address": "0x" + "1" * 40, "user_id": "x"}, [], "0x", None, {"a\x00": "b"},
    ],
)  # fmt: skip
def test_what_is_no_crypto_address_is_not_saved(api, ann, details):
    answer = api(ann).post(URL, {"kind": "crypto", "details": details}, format="json")

    assert (answer.status_code, answer.json()["code"] != "") == (400, True)
    assert api(ann).get(URL).json()["results"] == []


# --- the rest of another one ------------------------------------------------------------------------------------------------


def test_the_first_one_takes_money_at_once(ann):
    method = add(ann)

    assert (method.state, method.is_ready) == ("ready", True)
    assert services.request_payout(user=ann, method=method).status == "requested"


@pytest.mark.parametrize(("kind", "details"), [("bank", BANK), ("crypto", WALLET)])
def test_another_one_rests_and_nothing_moves(api, ann, kind, details):
    add(ann)
    second = add(ann, kind, details)

    answer = api(ann).post("/api/v1/payouts/request", {"method_id": str(second.pk)})

    assert (answer.status_code, answer.json()["code"]) == (409, "cooldown")
    assert answer.json()["retry_at"] == second.ready_at.isoformat()
    assert (Payout.objects.count(), wallet.wallet_summary(ann.pk).available) == (0, 6000)
    row = next(row for row in api(ann).get(URL).json()["results"] if row["id"] == str(second.pk))
    assert (row["state"], second.ready_at - second.created_at) == ("rests", timedelta(hours=24))


def test_after_its_rest_it_takes_money(ann):
    add(ann)
    second = add(ann, "bank", BANK)

    with time_machine.travel(timezone.now() + timedelta(hours=23, minutes=59)), pytest.raises(Conflict):
        services.request_payout(user=ann, method=again(second))

    with time_machine.travel(timezone.now() + timedelta(hours=24, minutes=1)):
        assert services.request_payout(user=ann, method=again(second)).method_id == second.pk


def test_removing_the_old_one_first_is_no_way_around(ann):
    services.remove_method(method=add(ann), actor=ann)

    assert add(ann, "bank", BANK).state == "rests"


def test_what_somebody_else_has_makes_nobody_wait(ann, make_user):
    add(make_user("ben@example.com"))

    assert add(ann).state == "ready"


def test_a_site_may_do_without(ann):
    SiteSettings.objects.update(method_cooldown_hours=0)
    add(ann)

    assert add(ann, "bank", BANK).state == "ready"


def test_a_shorter_rest_wants_a_reason(site):
    from apps.audit.services import SYSTEM
    from apps.core.errors import Invalid
    from apps.sites.services import change_settings

    with pytest.raises(Invalid) as refused:
        change_settings(changes={"method_cooldown_hours": 1}, actor=SYSTEM)

    assert (refused.value.code, SiteSettings.objects.get().method_cooldown_hours) == ("reason_required", 24)
    change_settings(changes={"method_cooldown_hours": 48}, actor=SYSTEM)
    change_settings(changes={"method_cooldown_hours": 1}, actor=SYSTEM, reason="Tests of an integration")


# --- proving who you are ---------------------------------------------------------------------------------------------------


def old_client(ann, minutes):
    from rest_framework.test import APIClient

    from apps.accounts.sign_ins import begin_sign_in
    from apps.accounts.tokens import issue_access
    from apps.sites.selectors import current_site

    before = timezone.now() - timedelta(minutes=minutes)
    sign_in = begin_sign_in(user=ann, kind=SignIn.Kind.API, authenticated_at=before)
    client = APIClient()
    client.credentials(
        HTTP_AUTHORIZATION=f"Bearer {issue_access(user=ann, site=current_site(), sign_in=sign_in)}",
        HTTP_X_SITE_CODE="ALPHA",
    )
    return client


def test_an_old_sign_in_changes_nothing_until_the_password_is_given_again(ann):
    ann.set_password("long enough 77")
    ann.save()
    client, mine = old_client(ann, 16), add(ann)

    refused = client.post(URL, {"kind": "bank", "details": BANK}, format="json")
    kept = client.delete(f"{URL}/{mine.pk}")

    assert [(answer.status_code, answer.json()["code"]) for answer in (refused, kept)] == [
        (403, "step_up_required")
    ] * 2
    assert [row.pk for row in OwnMethod.objects.filter(user=ann)] == [mine.pk]
    assert client.get(URL).status_code == 200
    wrong = client.post("/api/v1/auth/step-up", {"password": "something else"}, format="json")
    assert (wrong.status_code, wrong.json()["code"]) == (400, "invalid_credentials")
    access = client.post("/api/v1/auth/step-up", {"password": "long enough 77"}, format="json").json()["access"]
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {access}", HTTP_X_SITE_CODE="ALPHA")
    assert client.post(URL, {"kind": "bank", "details": BANK}, format="json").status_code == 201


def test_a_fresh_sign_in_is_enough(ann):
    assert old_client(ann, 10).post(URL, {"kind": "bank", "details": BANK}, format="json").status_code == 201


def test_proving_nothing_is_refused(ann):
    answer = old_client(ann, 16).post("/api/v1/auth/step-up", {}, format="json")

    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (400, "otp")


# --- the same account twice ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "mine", "theirs"),
    [
        (
            "bank",
            BANK,
            {**BANK, "account_holder": "Ben", "account_number": "0001 2345 4821", "bank_code": "hdfc0001234"},
        ),
        ("upi", {"vpa": "ann@bank"}, {"vpa": "Ann@Bank"}),
    ],
)
def test_the_same_account_of_two_has_one_print_however_it_was_typed(ann, make_user, kind, mine, theirs):
    add(ann, kind, mine)
    add(make_user("ben@example.com"), kind, theirs)

    prints = list(PayoutMethod.objects.values_list("fingerprint", flat=True))
    assert (len(set(prints)), len(prints[0])) == (1, 64)


def test_another_account_has_another_print_and_at_another_site_too(ann, other_site):
    from apps.core.tenancy import site_context
    from apps.payouts.services.shapes import print_of

    here = print_of("upi", {"vpa": "ann@bank"})

    assert here != print_of("upi", {"vpa": "ben@bank"})
    with site_context(other_site.pk):
        assert here != print_of("upi", {"vpa": "ann@bank"})


def test_what_cannot_be_told_apart_has_no_print(ann):
    add(ann, "manual", {"note": "Cash at the desk"})

    assert PayoutMethod.objects.get().fingerprint == ""


@pytest.mark.parametrize(
    ("number", "fits"),
    [("DE89 3704 0044 0532 0130 00", True), ("DE88 3704 0044 0532 0130 00", False), ("GB82WEST12345698765432", True)],
)
def test_the_checksum_of_an_iban_is_checked(api, ann, number, fits):
    answer = api(ann).post(URL, {"kind": "bank", "details": {**BANK, "account_number": number}}, format="json")

    assert answer.status_code == (201 if fits else 400)
    assert PayoutMethod.objects.count() == (1 if fits else 0)


def heed(events):
    """A consumer, so that there is news."""


def test_adding_and_removing_is_news_once(ann, monkeypatch):
    for topic in ("payout_method.added", "payout_method.removed"):
        monkeypatch.setitem(
            outbox._by_topic, topic, {"test": outbox.Subscription(topic, "test", f"{__name__}.heed", 1)}
        )
    method = add(ann)
    address = add(ann, "crypto", WALLET)
    services.remove_method(method=method, actor=ann)

    news = OutboxEvent.objects.filter(topic__startswith="payout_method.").order_by("id")
    assert [(row.topic, row.payload["method_id"]) for row in news] == [
        ("payout_method.added", str(method.pk)),
        ("payout_method.added", str(address.pk)),
        ("payout_method.removed", str(method.pk)),
    ]


def test_twenty_are_the_most(ann):
    for number in range(20):
        add(ann, "upi", {"vpa": f"ann{number}@bank"})

    with pytest.raises(Conflict) as refused:
        add(ann, "upi", {"vpa": "one@more"})

    assert (refused.value.code, PayoutMethod.objects.count()) == ("too_many", 20)
