"""What the custodian's events do: forward only, once, and only where they agree with what we sent."""

import pytest

from apps.allocations.models import Transfer
from apps.allocations.services import retry_allocation, send_batch, settle_difference
from apps.allocations.tests.factories import push_all, states
from apps.audit.services import SYSTEM
from apps.core.errors import Conflict, Invalid
from apps.core.models import InboxEvent


@pytest.fixture
def transfer(owed):
    (row,) = owed()
    send_batch(allocation_ids=[row.pk], actor=SYSTEM)
    push_all()
    return Transfer.objects.get()


@pytest.fixture
def tell(post, event, deliver):
    def run(transfer, status, **news):
        happened = event(transfer, status, **news)
        answer = post(happened)
        assert answer.status_code == 200, answer.content
        deliver()
        return InboxEvent.objects.get(event_id=happened["id"])

    return run


def now(transfer):
    transfer.refresh_from_db()
    return transfer.status


def test_completed_brings_hash_and_time(transfer, tell):
    row = tell(transfer, "COMPLETED")

    transfer.refresh_from_db()
    found = transfer.allocation
    assert (row.status, transfer.status, found.status, found.tx_hash) == ("done", "completed", "completed", "0xabc")
    assert found.completed_at == transfer.finished_at


@pytest.mark.parametrize("state", ["FAILED", "REJECTED", "CANCELLED", "BLOCKED"])
def test_failures_say_why(transfer, tell, state):
    tell(transfer, state, subStatus="BECAUSE")

    transfer.refresh_from_db()
    assert (transfer.status, transfer.allocation.status) == ("failed", "failed")
    assert transfer.allocation.reason == f"{state}: BECAUSE"


@pytest.mark.parametrize("state", ["SUBMITTED", "QUEUED", "PENDING_AUTHORIZATION", "CONFIRMING", "SOMETHING_NEW"])
def test_on_the_way_is_only_shown(transfer, tell, state):
    tell(transfer, state)

    assert (now(transfer), transfer.provider_state) == ("sent", state)


def test_states_only_move_forward(transfer, tell):
    tell(transfer, "COMPLETED")
    late = [tell(transfer, state) for state in ("CONFIRMING", "FAILED", "COMPLETED")]

    assert [(row.status, row.note) for row in late] == [("ignored", "known already")] * 3
    assert (now(transfer), states(), transfer.difference) == ("completed", {"completed": 1}, "")


def test_arrived_after_it_had_failed_is_shown_and_moves_nothing(transfer, tell):
    tell(transfer, "FAILED")
    row = tell(transfer, "COMPLETED")

    assert (row.status, row.note) == ("ignored", "it had failed before")
    assert (now(transfer), states()) == ("failed", {"failed": 1})
    assert transfer.difference == "Arrived after all, after it was said to have failed"
    with pytest.raises(Conflict) as again:
        retry_allocation(allocation=transfer.allocation, actor=SYSTEM)
    assert (again.value.code, states()) == ("invalid_state", {"failed": 1})
    with pytest.raises(Invalid):
        settle_difference(transfer=transfer, actor=SYSTEM, reason="")

    settle_difference(transfer=transfer, actor=SYSTEM, reason="It came back to the custodian")

    with pytest.raises(Conflict):
        settle_difference(transfer=transfer, actor=SYSTEM, reason="Again")
    assert retry_allocation(allocation=transfer.allocation, actor=SYSTEM).status == "pending"


def test_an_event_before_the_answer_to_the_call(owed, tell, fireblocks):
    (row,) = owed()
    send_batch(allocation_ids=[row.pk], actor=SYSTEM)
    transfer = Transfer.objects.get()

    tell(transfer, "COMPLETED")

    assert now(transfer) == "completed"
    assert push_all() == []
    assert fireblocks.store.rows("SELECT count(*) FROM tx") == [(0,)]


@pytest.mark.parametrize(
    ("news", "why"),
    [
        (
            {"amountInfo": {"amount": "100.000000000000000001"}},
            "Another amount than was to be sent: 100.000000000000000001",
        ),
        ({"assetId": "USDC"}, "Another asset than was to be sent: USDC"),
        ({"destinationAddress": f"0x{9:040x}"}, "Another destination than was to be sent to"),
        ({"id": "tx-of-another"}, "Another transfer of the custodian's has the same id of ours"),
        ({"externalTxId": "2f1f9d0c-5c5e-7c7e-8a8a-000000000000"}, "no transfer of ours"),
        ({"externalTxId": "garbage"}, "no transfer of ours"),
        ({"externalTxId": None}, "no transfer of ours"),
        ({"workspace": "ws-other"}, "another workspace's"),
        ({"id": None}, "this is no transaction"),
    ],
)
def test_what_disagrees_is_ignored_with_the_reason(transfer, tell, news, why):
    row = tell(transfer, "COMPLETED", **news)

    assert (row.status, row.note) == ("ignored", why)
    assert (now(transfer), states(), transfer.tx_hash) == ("sent", {"processing": 1}, "")


def test_letters_of_an_address_may_be_large_or_small(transfer, tell):
    from apps.allocations.services.sending import address_of

    tell(transfer, "COMPLETED", destinationAddress=address_of(transfer).lower())

    assert now(transfer) == "completed"


def test_another_sites_transfer_is_unknown_here(transfer, tell, other_site, post, event, deliver):
    from apps.allocations.tests.factories import make_custody
    from apps.core.tenancy import site_context

    happened = event(transfer, "COMPLETED")
    with site_context(other_site.pk):
        make_custody()
    assert post(happened, at_site="BETA").status_code == 200

    with site_context(other_site.pk):
        deliver()
        assert InboxEvent.objects.get().note == "no transfer of ours"
    assert (now(transfer), states()) == ("sent", {"processing": 1})
