"""The life of a payout over the API (H9), and every refusal with nothing moved."""

import threading
from datetime import timedelta

import pytest
from django.db import IntegrityError, connections, transaction
from django.utils import timezone

from apps.accounts.models import ApiKey
from apps.audit.models import AuditEvent
from apps.audit.services import SYSTEM
from apps.core.errors import Conflict, Denied
from apps.core.tenancy import site_context
from apps.payouts import services
from apps.payouts.models import Payout
from apps.payouts.tests.factories import money
from apps.referrals.services import join, set_partner_status
from apps.sites.models import SiteSettings
from apps.wallet import selectors as wallet
from apps.wallet.models import Lot
from apps.wallet.tests.factories import give_earnings

URL = "/api/v1/payouts"


def test_requested_approved_processed_and_the_wallet_is_empty(api, ann, approver, manager):
    asked = api(ann).post(f"{URL}/request", {})
    assert asked.status_code == 201
    assert {key: asked.json()[key] for key in ("status", "amount", "currency")} == {
        "status": "requested", "amount": 6000, "currency": "INR",
    }  # fmt: skip
    assert money(ann) == (0, 6000)
    payout = asked.json()["id"]
    assert api(approver).post(f"{URL}/{payout}/approve").json()["status"] == "approved"

    done = api(manager).post(f"{URL}/{payout}/process", {"reference": "N6912777774"})

    assert (done.json()["status"], done.json()["reference"]) == ("completed", "N6912777774")
    assert money(ann) == (0, 0)
    assert Lot.objects.get().consumed == 6000
    assert wallet.contradictions() == []
    history = api(ann).get(f"{URL}/history").json()["results"]
    assert [row["id"] for row in history] == [payout]
    actions = AuditEvent.objects.filter(action__startswith="payout.").order_by("id").values_list("action", flat=True)
    assert list(actions) == ["payout.requested", "payout.approved", "payout.completed"]


def test_a_rejected_payout_gives_the_money_back(api, ann, approver):
    payout = api(ann).post(f"{URL}/request", {"amount": 4000}).json()["id"]

    answer = api(approver).post(f"{URL}/{payout}/reject", {"reason": "bank details don't match"})

    assert (answer.json()["status"], answer.json()["reason"]) == ("rejected", "bank details don't match")
    assert money(ann) == (6000, 0)
    assert wallet.contradictions() == []


def test_the_owner_may_take_a_request_back_until_it_is_decided(api, ann, approver):
    payout = api(ann).post(f"{URL}/request", {}).json()["id"]
    api(approver).post(f"{URL}/{payout}/approve")

    late = api(ann).post(f"{URL}/{payout}/cancel")

    assert (late.status_code, late.json()["code"]) == (409, "invalid_state")
    assert money(ann) == (0, 6000)


@pytest.fixture
def rules(site):
    settings = SiteSettings.objects.get()
    settings.payout_minimum, settings.payout_cooldown_hours = 5000, 24
    settings.save()
    return settings


@pytest.mark.parametrize(
    ("amount", "code"), [(4999, "below_minimum"), (6001, "insufficient_balance"), (10**15, "insufficient_balance")]
)
def test_too_little_and_too_much_are_refused_and_nothing_moves(api, ann, rules, amount, code):
    answer = api(ann).post(f"{URL}/request", {"amount": amount})

    assert (answer.status_code, answer.json()["code"]) == (409, code)
    assert money(ann) == (6000, 0)
    assert Payout.objects.count() == 0


@pytest.mark.parametrize("amount", [0, -1, 1.5, "100", True, 10**16, 1e30, [], {}])
def test_a_malformed_amount_is_400_and_nothing_moves(api, ann, amount):
    answer = api(ann).post(f"{URL}/request", {"amount": amount})

    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (400, "amount")
    assert money(ann) == (6000, 0)


def test_refusals_come_in_the_order_progress_cooldown_minimum_balance(api, ann, rules, approver, manager):
    first = api(ann).post(f"{URL}/request", {"amount": 5000}).json()["id"]
    assert api(ann).post(f"{URL}/request", {"amount": 1}).json()["code"] == "payout_in_progress"
    api(approver).post(f"{URL}/{first}/approve")
    api(manager).post(f"{URL}/{first}/process", {})
    assert api(ann).post(f"{URL}/request", {"amount": 1}).json()["code"] == "cooldown"

    Payout.objects.filter(pk=first).update(finished_at=timezone.now() - timedelta(hours=25))

    assert api(ann).post(f"{URL}/request", {"amount": 1}).json()["code"] == "below_minimum"
    assert api(ann).post(f"{URL}/request", {"amount": 5000}).json()["code"] == "insufficient_balance"
    assert money(ann) == (1000, 0)


def test_nobody_decides_their_own(api, make_user, site):
    boss = make_user("boss@example.com", roles=["super_admin"])
    give_earnings(boss, 100)
    payout = api(boss).post(f"{URL}/request", {}).json()["id"]

    for action, body in (("approve", {}), ("reject", {"reason": "x"}), ("process", {})):
        answer = api(boss).post(f"{URL}/{payout}/{action}", body)
        assert (answer.status_code, answer.json()["code"]) == (403, "own_payout")
    assert Payout.objects.get().status == "requested"


def test_what_is_not_mine_is_not_there(api, ann, make_user):
    payout = api(ann).post(f"{URL}/request", {}).json()["id"]
    ben = make_user("ben@example.com")
    join(user=ben)

    assert api(ben).get(f"{URL}/{payout}").status_code == 404
    assert api(ben).post(f"{URL}/{payout}/cancel").status_code == 404
    assert api(ben).get(URL).json()["results"] == []
    assert api(ben).post(f"{URL}/{payout}/approve").status_code == 403


def test_a_frozen_partner_is_paid_nothing(api, ann, approver):
    payout = api(ann).post(f"{URL}/request", {"amount": 100}).json()["id"]
    set_partner_status(partner=ann.partners.get(), status="frozen", reason="fraud", actor=SYSTEM)

    answer = api(approver).post(f"{URL}/{payout}/approve")

    assert (answer.status_code, answer.json()["code"]) == (409, "partner_frozen")
    assert Payout.objects.get().status == "requested"


def test_nor_can_a_frozen_partner_move_earnings_to_funds(api, ann):
    set_partner_status(partner=ann.partners.get(), status="frozen", reason="fraud", actor=SYSTEM)

    answer = api(ann).post("/api/v1/wallet/transfers", {"from": "earnings", "to": "funds", "amount": 10})

    assert (answer.status_code, answer.json()["code"]) == (409, "partner_frozen")
    assert money(ann) == (6000, 0)


@pytest.mark.parametrize("action", ["approve", "process", "reject"])
def test_a_finished_payout_stays_as_it_is(api, ann, make_user, action):
    owner = make_user("owner@example.com", roles=["super_admin"])
    payout = api(ann).post(f"{URL}/request", {}).json()["id"]
    api(owner).post(f"{URL}/{payout}/approve")
    api(owner).post(f"{URL}/{payout}/process", {})

    answer = api(owner).post(f"{URL}/{payout}/{action}", {"reason": "x"} if action == "reject" else {})

    assert (answer.status_code, answer.json()["code"]) == (409, "invalid_state")
    assert money(ann) == (0, 0)


def test_where_four_eyes_are_wanted_whoever_approved_does_not_pay(api, ann, make_user):
    SiteSettings.objects.update(four_eyes=True)
    first, second = (make_user(f"{name}@example.com", roles=["super_admin"]) for name in ("first", "second"))
    payout = api(ann).post(f"{URL}/request", {"amount": 1000}).json()["id"]
    assert api(first).post(f"{URL}/{payout}/approve").status_code == 200

    answer = api(first).post(f"{URL}/{payout}/process", {"reference": "UTR 1"})

    assert (answer.status_code, answer.json()["code"]) == (403, "four_eyes")
    assert (Payout.objects.get().status, Payout.objects.get().reference, money(ann)) == ("approved", "", (5000, 1000))
    assert not AuditEvent.objects.filter(action="payout.completed").exists()
    assert api(second).post(f"{URL}/{payout}/process", {"reference": "UTR 1"}).json()["status"] == "completed"


def test_nobody_is_two_people_by_a_key_of_their_own(api, ann, make_user):
    SiteSettings.objects.update(four_eyes=True)
    first, second = (make_user(f"{name}@example.com", roles=["super_admin"]) for name in ("first", "second"))
    scopes = ["payout.approve", "payout.manage"]
    raw = api(first).post("/api/v1/api-keys", {"name": "Bank", "scopes": scopes}).json()["key"]
    payout = api(ann).post(f"{URL}/request", {"amount": 1000}).json()["id"]
    assert api(first).post(f"{URL}/{payout}/approve").status_code == 200

    answer = api(key=raw).post(f"{URL}/{payout}/process", {})

    assert (answer.status_code, answer.json()["code"]) == (403, "four_eyes")
    assert (Payout.objects.get().status, money(ann)) == ("approved", (5000, 1000))
    key = ApiKey.objects.get()
    rotated = api(second).post(f"/api/v1/api-keys/{key.pk}/rotate").json()["key"]
    assert api(key=rotated).post(f"{URL}/{payout}/process", {}).json()["status"] == "completed"


def test_nobody_decides_their_own_by_a_key_of_their_own(api, make_user):
    boss = make_user("boss@example.com", roles=["super_admin"])
    give_earnings(boss, 5000)
    raw = api(boss).post("/api/v1/api-keys", {"name": "Bank", "scopes": ["payout.approve"]}).json()["key"]
    payout = api(boss).post(f"{URL}/request", {"amount": 1000}).json()["id"]

    answer = api(key=raw).post(f"{URL}/{payout}/approve")

    assert (answer.status_code, answer.json()["code"]) == (403, "own_payout")
    assert (Payout.objects.get().status, money(boss)) == ("requested", (4000, 1000))


def test_two_machines_are_no_four_eyes(ann, make_user):
    SiteSettings.objects.update(four_eyes=True)
    payout = services.approve_payout(payout=services.request_payout(user=ann, amount=1000), actor=SYSTEM)

    with pytest.raises(Denied):
        services.process_payout(payout=payout, actor=SYSTEM)

    assert (Payout.objects.get().status, money(ann)) == ("approved", (5000, 1000))


def test_the_database_refuses_a_jump_too(ann):
    payout = services.request_payout(user=ann)

    with pytest.raises(IntegrityError, match="can not go from requested to completed"), transaction.atomic():
        Payout.objects.filter(pk=payout.pk).update(status="completed")


def test_a_method_of_somebody_else_is_none(api, ann, make_user):
    ben = make_user("ben@example.com")
    method = services.add_method(user=ben, kind="upi", details={"vpa": "ben@upi"})

    answer = api(ann).post(f"{URL}/request", {"method_id": str(method.pk)})

    assert answer.status_code == 404
    assert money(ann) == (6000, 0)


def test_the_list_asks_the_same_number_of_questions_however_long(
    api, ann, approver, make_user, django_assert_num_queries
):
    services.request_payout(user=ann)
    for number in range(5):
        ben = make_user(f"ben{number}@example.com")
        give_earnings(ben, 100)
        services.request_payout(user=ben, method=services.add_method(user=ben, kind="manual", details={}))
    client = api(approver)

    # savepoint, caller with access, page, savepoint release; and the site setting going in and out of the test's transaction
    with django_assert_num_queries(6):
        answer = client.get(URL)

    assert len(answer.json()["results"]) == 6


@pytest.mark.django_db(transaction=True)
def test_of_many_requests_at_once_one_gets_in(transactional_alpha, member):
    with site_context(transactional_alpha):
        give_earnings(member, 1000)
    outcomes = []

    def ask():
        try:
            with site_context(transactional_alpha):
                services.request_payout(user=member, amount=100)
            outcomes.append("requested")
        except Conflict as error:
            outcomes.append(error.code)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=ask) for _ in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(outcomes) == ["payout_in_progress"] * 11 + ["requested"]
    with site_context(transactional_alpha):
        assert money(member) == (900, 100)
        assert wallet.contradictions() == []
