"""The wallet over HTTP: what moved, credits once per ref, transfers."""

import pytest

from apps.wallet import selectors
from apps.wallet.models import Entry
from apps.wallet.tests.factories import give_earnings

URL = "/api/v1/wallet"


@pytest.fixture
def ann(make_user):
    return make_user("ann@example.com")


@pytest.fixture
def manager(make_user):
    return make_user("manager@example.com", roles=["affiliate_manager"])


def credit(client, ann, **changes):
    body = {
        "user_id": str(ann.pk),
        "amount": 100,
        "currency": "INR",
        "ref_type": "goodwill",
        "ref_id": "G-1",
        "meta": {"why": "late"},
    }
    return client.post(f"{URL}/credits", body | changes)


def test_the_ledger_tells_each_movement_with_the_balance_after_it(api, ann):
    give_earnings(ann, 100)
    give_earnings(ann, 50)
    api(ann).post(f"{URL}/transfers", {"from": "earnings", "to": "funds", "amount": 30})

    rows = api(ann).get(f"{URL}/ledger").json()["results"]

    told = [(row["kind"], row["pocket"], row["amount"], row["balance_after"]) for row in rows]
    assert sorted(told[:2]) == [("transfer", "earnings", -30, 120), ("transfer", "funds", 30, 30)]
    assert told[2:] == [("credit", "earnings", 50, 150), ("credit", "earnings", 100, 100)]


def test_filters_of_the_ledger(api, ann):
    give_earnings(ann, 100)
    api(ann).post(f"{URL}/transfers", {"from": "earnings", "to": "funds", "amount": 30})

    assert len(api(ann).get(f"{URL}/ledger", {"pocket": "funds"}).json()["results"]) == 1
    assert len(api(ann).get(f"{URL}/ledger", {"kind": "credit"}).json()["results"]) == 1
    assert api(ann).get(f"{URL}/ledger", {"date_to": "2020-01-01"}).json()["results"] == []
    assert api(ann).get(f"{URL}/ledger", {"pocket": "sock"}).status_code == 400


def test_the_wallet_of_a_newcomer_is_zeros(api, ann):
    assert api(ann).get(URL).json() == {
        "currency": "INR", "earnings": {"balance": 0, "available": 0, "held": 0, "owed": 0}, "funds": {"balance": 0},
        "pending_commissions": 0,
    }  # fmt: skip


def test_a_credit_happens_once_per_ref(api, ann, manager):
    first, again = credit(api(manager), ann), credit(api(manager), ann)

    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json() == again.json()
    other = credit(api(manager), ann, amount=101)
    assert (other.status_code, other.json()["code"]) == (409, "ref_conflict")
    assert selectors.wallet_summary(ann.pk).available == 100


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({"currency": "USD"}, 400), ({"amount": 0}, 400), ({"amount": -5}, 400), ({"amount": "5"}, 400), ({"ref_id": ""}, 400),
        ({"ref_type": "Bad Type"}, 400), ({"user_id": "018f0000-0000-7000-8000-000000000000"}, 404),
    ],
)  # fmt: skip
def test_a_refused_credit_moves_nothing(api, ann, manager, changes, status):
    assert credit(api(manager), ann, **changes).status_code == status
    assert Entry.objects.count() == 0


@pytest.mark.parametrize("amount", [0, -1, 101, "10", None])
def test_a_refused_transfer_moves_nothing(api, ann, amount):
    give_earnings(ann, 100)

    answer = api(ann).post(f"{URL}/transfers", {"from": "earnings", "to": "funds", "amount": amount})

    assert answer.status_code == (409 if amount == 101 else 400)
    assert selectors.wallet_summary(ann.pk).available == 100


def test_funds_never_go_back_to_earnings(api, ann):
    answer = api(ann).post(f"{URL}/transfers", {"from": "funds", "to": "earnings", "amount": 10})

    assert answer.status_code == 400


def test_nobody_credits_in_the_name_of_a_commission(api, ann, manager):
    """Its ref would be taken, and approving it would fail for good."""
    answer = credit(api(manager), ann, ref_type="commission")

    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (400, "ref_type")
    assert Entry.objects.count() == 0
