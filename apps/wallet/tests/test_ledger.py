"""The ledger as the database guards it (R2, R3), and the life of money in it, told with worked examples."""

import threading

import pytest
from django.db import Error, IntegrityError, ProgrammingError, connection, connections, transaction

from apps.core.errors import Conflict
from apps.core.tenancy import site_context
from apps.core.verification import verify
from apps.wallet import selectors, services
from apps.wallet.models import Account, Balance, Books, Entry, Lot, Pocket, Posting
from apps.wallet.services.entries import Draft, post
from apps.wallet.tests.factories import give_earnings


@pytest.fixture
def ann(make_user):
    return make_user("ann@example.com")


def pockets(user):
    found = selectors.wallet_summary(user.pk)
    return {"available": found.available, "held": found.held, "owed": found.owed, "funds": found.funds}


def reversal(user, amount, ref_id, key="refund-1"):
    return services.Reversal(user.pk, amount, "INR", "test", ref_id, key)


def test_a_credit_fills_earnings_and_a_key_is_posted_once(ann):
    give_earnings(ann, 2000, ref_id="a")

    with pytest.raises(IntegrityError), transaction.atomic():
        give_earnings(ann, 2000, ref_id="a")
    assert pockets(ann) == {"available": 2000, "held": 0, "owed": 0, "funds": 0}
    assert selectors.contradictions() == []


def test_a_payout_takes_the_oldest_first_and_tells_what_is_wholly_paid(ann):
    for name, amount in (("a", 100), ("b", 50), ("c", 70)):
        give_earnings(ann, amount, ref_id=name)
    services.hold_earnings(user_id=ann.pk, currency="INR", key="payout-1", amount=120)

    services.settle_hold(user_id=ann.pk, currency="INR", key="payout-1", amount=120)

    rows = Lot.objects.order_by("id").values_list("ref_id", "amount", "reserved", "consumed")
    assert list(rows) == [("a", 100, 0, 100), ("b", 50, 0, 20), ("c", 70, 0, 0)]
    assert pockets(ann) == {"available": 100, "held": 0, "owed": 0, "funds": 0}
    assert selectors.contradictions() == []


def test_a_released_hold_gives_the_same_lots_back(ann):
    give_earnings(ann, 100, ref_id="a")
    services.hold_earnings(user_id=ann.pk, currency="INR", key="payout-1")
    assert pockets(ann)["held"] == 100

    services.release_hold(user_id=ann.pk, currency="INR", key="payout-1", amount=100)

    assert pockets(ann) == {"available": 100, "held": 0, "owed": 0, "funds": 0}
    assert selectors.contradictions() == []


def test_a_debt_made_while_a_payout_was_open_is_settled_when_it_is_released(ann):
    give_earnings(ann, 100, ref_id="a")
    services.hold_earnings(user_id=ann.pk, currency="INR", key="payout-1")
    services.claw_back([reversal(ann, 30, "a")], book=Books.CREDITS)
    assert pockets(ann) == {"available": 0, "held": 100, "owed": 30, "funds": 0}

    services.release_hold(user_id=ann.pk, currency="INR", key="payout-1", amount=100)

    assert pockets(ann) == {"available": 70, "held": 0, "owed": 0, "funds": 0}
    assert selectors.contradictions() == []


def test_a_clawback_after_the_payout_is_owed_and_the_next_earning_settles_it_first(ann):
    """Worked example 8 (support.tapfiliate.com, article 3084530): 0 → +10 → paid 0 → refund −10, settled by the next."""
    give_earnings(ann, 1000, ref_id="a")
    services.hold_earnings(user_id=ann.pk, currency="INR", key="payout-1")
    services.settle_hold(user_id=ann.pk, currency="INR", key="payout-1", amount=1000)

    services.claw_back([reversal(ann, 1000, "a")], book=Books.CREDITS)

    assert selectors.wallet_summary(ann.pk).balance == -1000
    give_earnings(ann, 1500, ref_id="b")
    assert pockets(ann) == {"available": 500, "held": 0, "owed": 0, "funds": 0}
    assert selectors.contradictions() == []


def test_a_refund_shrinks_what_is_still_there_and_says_how_much(ann):
    give_earnings(ann, 100, ref_id="a")
    services.hold_earnings(user_id=ann.pk, currency="INR", key="payout-1", amount=60)

    taken = services.take_from_lots([reversal(ann, 100, "a")], book=Books.CREDITS)

    assert taken == {"refund-1": 40}
    assert pockets(ann) == {"available": 0, "held": 60, "owed": 0, "funds": 0}
    assert selectors.contradictions() == []


def test_a_transfer_moves_earnings_to_funds(ann):
    give_earnings(ann, 100)

    services.transfer_to_funds(user_id=ann.pk, amount=30, currency="INR")

    assert pockets(ann) == {"available": 70, "held": 0, "owed": 0, "funds": 30}
    with pytest.raises(Conflict):
        services.transfer_to_funds(user_id=ann.pk, amount=71, currency="INR")
    assert selectors.contradictions() == []


def accounts_of(user):
    found = services.open_accounts([user.pk], [Pocket.EARNINGS, Pocket.FUNDS], "INR")
    return found[user.pk, Pocket.EARNINGS], found[user.pk, Pocket.FUNDS]


def test_the_database_refuses_an_unbalanced_entry(ann):
    earnings, funds = accounts_of(ann)

    with pytest.raises(IntegrityError, match="unbalanced"):
        post([Draft(Entry.Kind.TRANSFER, "x", [(earnings, 10), (funds, -9)])], "INR")
    assert Posting.objects.count() == Entry.objects.count() == 0


def test_the_database_refuses_an_overdraft_of_any_pocket(ann):
    earnings, funds = accounts_of(ann)

    with pytest.raises(Conflict) as refused:
        post([Draft(Entry.Kind.TRANSFER, "x", [(earnings, -1), (funds, 1)])], "INR")
    assert refused.value.code == "insufficient_balance"
    assert Posting.objects.count() == Entry.objects.count() == 0


def test_the_database_refuses_a_mixed_currency(ann):
    earnings, funds = accounts_of(ann)

    with pytest.raises(IntegrityError):
        post([Draft(Entry.Kind.TRANSFER, "x", [(earnings, 10), (funds, -10)])], "USD")


@pytest.mark.parametrize(
    "table", ["wallet_entry", "wallet_posting", "wallet_account", "wallet_balance", "wallet_holdshare"]
)
@pytest.mark.parametrize("verb", ["UPDATE {} SET site_id = site_id", "DELETE FROM {}", "TRUNCATE {} CASCADE"])
def test_the_app_role_can_change_no_history(ann, table, verb):
    give_earnings(ann, 100)

    with pytest.raises(ProgrammingError, match=r"permission denied|forbidden"), transaction.atomic():
        connection.cursor().execute(verb.format(table))
    assert pockets(ann)["available"] == 100


def test_the_app_role_writes_no_balance(ann):
    earnings, _ = accounts_of(ann)

    with pytest.raises(ProgrammingError, match="permission denied"), transaction.atomic():
        Balance.objects.filter(account_id=earnings).update(balance=10**6)
    assert pockets(ann)["available"] == 0


def test_another_sites_account_is_no_account(ann, other_site):
    earnings, _ = accounts_of(ann)

    with site_context(other_site.pk):
        assert not Account.objects.filter(pk=earnings).exists()
        source = services.system_account(Books.CREDITS, "INR")
        with pytest.raises(Error), transaction.atomic():
            post([Draft(Entry.Kind.CREDIT, "x", [(earnings, 10), (source, -10)])], "INR")
    assert pockets(ann)["available"] == 0


@pytest.mark.django_db(transaction=True)
def test_an_entry_is_sealed_once_its_transaction_ends(transactional_alpha, member):
    with site_context(transactional_alpha):
        entry = give_earnings(member, 100)
        earnings, funds = accounts_of(member)

    with pytest.raises(IntegrityError, match="sealed"), site_context(transactional_alpha):
        Posting.objects.bulk_create(
            [
                Posting(entry=entry, account_id=earnings, currency="INR", amount=-5),
                Posting(entry=entry, account_id=funds, currency="INR", amount=5),
            ]
        )


@pytest.mark.django_db(transaction=True)
def test_forty_parallel_withdrawals_of_ten_from_a_hundred_leave_ten(transactional_alpha, member):
    """R2. Check-then-insert let 15 through (measured)."""
    with site_context(transactional_alpha):
        give_earnings(member, 100)
    outcomes = []

    def withdraw():
        try:
            with site_context(transactional_alpha):
                services.transfer_to_funds(user_id=member.pk, amount=10, currency="INR")
            outcomes.append("moved")
        except Conflict as error:
            outcomes.append(error.code)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=withdraw) for _ in range(40)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(outcomes) == ["insufficient_balance"] * 30 + ["moved"] * 10
    with site_context(transactional_alpha):
        assert pockets(member) == {"available": 0, "held": 0, "owed": 0, "funds": 100}
        assert selectors.contradictions() == []


@pytest.mark.django_db(transaction=True)
def test_the_chain_names_the_altered_entry(transactional_alpha, member, as_admin, seal_rows):
    with site_context(transactional_alpha):
        entries = [give_earnings(member, amount) for amount in (10, 20, 30)]
    seal_rows("ledger", 3)
    assert verify(transactional_alpha, "ledger") is None

    as_admin("UPDATE wallet_posting SET amount = amount * 2 WHERE entry_id = %s", [entries[1].pk])

    finding = verify(transactional_alpha, "ledger")
    assert finding is not None
    assert (finding.row_id, finding.seq, finding.problem) == (entries[1].pk, 2, "row altered")
