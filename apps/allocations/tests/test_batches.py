"""Batches: up to 100, all or none, written down before anything is called (P12)."""

import uuid

import pytest
from django.utils import timezone

from apps.accounts.models import CryptoAddress
from apps.accounts.services import remove_address
from apps.allocations.models import Allocation, AllocationBatch, Transfer
from apps.allocations.services import retry_allocation, send_batch
from apps.allocations.services.sending import address_of
from apps.allocations.tests.factories import give_address, make_token_order, push_all, states
from apps.audit.models import AuditEvent
from apps.audit.services import SYSTEM
from apps.core.tenancy import site_context
from apps.orders.models import Order
from apps.referrals.services import join, set_partner_status
from apps.sites.models import SiteSettings

URL = "/api/v1/admin/allocations/batches"


@pytest.fixture
def boss(make_user, api):
    return api(make_user("boss@example.com", roles=["affiliate_manager"]))


def send(client, *rows):
    return client.post(URL, {"allocation_ids": [str(getattr(row, "pk", row)) for row in rows]}, format="json")


def nothing_moved():
    assert (AllocationBatch.objects.count(), Transfer.objects.count()) == (0, 0)
    assert set(states()) <= {"pending"}


def test_a_batch_is_written_down_and_waits(boss, owed):
    rows = owed(3, "12.5")

    answer = send(boss, *rows)

    assert answer.status_code == 201, answer.content
    body = answer.json()
    assert (body["count"], body["tokens"], body["asset"]) == (3, "37.5", "UPT_ETH")
    assert body["progress"] == {"waiting": 3, "sent": 0, "completed": 0, "failed": 0}
    assert states() == {"processing": 3}
    transfer = Transfer.objects.order_by("id").first()
    assert address_of(transfer) == f"0x{1:040x}"
    assert f"{1:040x}" not in transfer.destination
    assert AuditEvent.objects.filter(action="allocations.sent", after__count=3).exists()


def test_it_goes_out_and_arrives(boss, owed, fireblocks):
    (row,) = owed()
    send(boss, row)

    assert push_all() == []

    transfer = Transfer.objects.get()
    assert (transfer.status, transfer.provider_state) == ("sent", "SUBMITTED")
    fireblocks.custody.set_state(transfer.provider_id, status="COMPLETED")
    push_all()
    row.refresh_from_db()
    assert row.status == "completed"
    assert row.tx_hash.startswith("0x")
    assert row.completed_at is not None
    assert boss.get(URL).json()["results"][0]["progress"]["completed"] == 1
    (sent,) = fireblocks.store.rows("SELECT external_id FROM tx")
    assert sent[0] == transfer.external_tx_id


@pytest.mark.parametrize("kept", ["frozen", "disputed"])
def test_what_may_not_be_sent_any_more_is_not_sent(boss, owed, buyer, fireblocks, kept):
    """Frozen, or disputed by a bank, after the batch was written down."""
    (row,) = owed()
    send(boss, row)
    if kept == "frozen":
        set_partner_status(partner=join(user=buyer), status="frozen", reason="odd", actor=SYSTEM)
    else:
        Order.objects.filter(pk=row.order_id).update(disputed_at=timezone.now())

    assert push_all() == []

    row.refresh_from_db()
    assert (row.status, states()) == ("failed", {"failed": 1})
    assert fireblocks.store.rows("SELECT count(*) FROM tx") == [(0,)]


def test_a_hundred_and_one_are_too_many(boss, owed):
    rows = owed(1)

    assert send(boss, *rows, *(uuid.uuid4() for _ in range(100))).status_code == 400
    assert send(boss).status_code == 400
    assert send(boss, rows[0], rows[0]).status_code == 400
    nothing_moved()


def test_a_hundred_are_not(boss, owed):
    rows = owed(100)

    assert send(boss, *rows).json()["count"] == 100


def test_another_sites_is_like_a_missing_one(boss, owed, other_site, make_user, deliver):
    (mine,) = owed()
    with site_context(other_site.pk):
        make_token_order()
        deliver()
        theirs = Allocation.objects.get()

    there, missing = send(boss, mine, theirs), send(boss, mine, uuid.uuid4())

    assert there.status_code == missing.status_code == 404
    assert {**there.json(), "request_id": ""} == {**missing.json(), "request_id": ""}
    nothing_moved()


def test_who_cant_be_sent_to_holds_up_all_and_is_named(boss, owed, deliver, make_user):
    (good,) = owed()
    make_token_order()
    make_token_order(make_user("homeless@example.com"))
    deliver()
    guest, homeless = Allocation.objects.exclude(pk=good.pk).order_by("id")

    answer = send(boss, good, guest, homeless)

    assert (answer.status_code, answer.json()["code"]) == (409, "invalid_state")
    assert answer.json()["refused"] == [
        {"id": str(guest.pk), "code": "account_missing"}, {"id": str(homeless.pk), "code": "address_missing"},
    ]  # fmt: skip
    nothing_moved()


def test_what_is_on_its_way_isnt_sent_again(boss, owed):
    first, second = owed(2)
    send(boss, first)

    answer = send(boss, first, second)

    assert answer.json()["refused"] == [{"id": str(first.pk), "code": "invalid_state"}]
    assert (Transfer.objects.count(), states()) == (1, {"processing": 1, "pending": 1})


def test_dust_below_the_assets_decimals_isnt_sent(boss, owed, custody):
    from apps.allocations.tests.factories import make_custody

    make_custody(decimals=6)
    small, large = owed(1, "0.0000001")[0], owed(1, "1.23456789")[1]

    assert send(boss, small).json()["refused"][0]["code"] == "nothing_to_send"
    assert send(boss, large).json()["tokens"] == "1.234567"


def test_nobody_sends_their_own(owed, buyer, api):
    from apps.rbac.models import Role
    from apps.rbac.services import assign_role

    (row,) = owed()
    assign_role(user=buyer, role=Role.objects.get(key="affiliate_manager"), actor=SYSTEM, access=None)

    answer = send(api(buyer), row)

    assert (answer.status_code, answer.json()["code"]) == (403, "own_allocation")
    nothing_moved()


def test_without_a_custodian(site, make_user, deliver, boss):
    make_token_order(make_user())
    deliver()

    answer = send(boss, Allocation.objects.get())

    assert (answer.status_code, answer.json()["code"]) == (409, "custody_unavailable")
    nothing_moved()


def test_the_newest_address_of_the_network_counts(boss, owed, buyer):
    SiteSettings.objects.update(method_cooldown_hours=0)
    give_address(buyer, 2)
    give_address(buyer, 3, network="polygon")
    (row,) = owed()

    send(boss, row)

    assert address_of(Transfer.objects.get()) == f"0x{2:040x}"


@pytest.mark.parametrize("is_removed", [False, True])
def test_an_address_that_took_anothers_place_rests_before_tokens_go_there(
    boss, api, owed, buyer, make_user, deliver, is_removed
):
    """As a payout method does: whoever stole a sign-in waits, and is seen."""
    give_address(other := make_user("other@example.com"), 4)
    (row,) = owed()
    make_token_order(other)
    deliver()
    theirs = Allocation.objects.exclude(pk=row.pk).get()
    if is_removed:
        remove_address(user=buyer, address_id=CryptoAddress.objects.get(user=buyer).pk)
    give_address(buyer, 2)

    answer = send(boss, row, theirs)

    assert answer.json()["refused"] == [{"id": str(row.pk), "code": "address_rests"}]
    nothing_moved()
    waits = {one["id"]: one["waits_for"] for one in boss.get("/api/v1/admin/allocations").json()["results"]}
    assert waits == {str(row.pk): "address_rests", str(theirs.pk): ""}
    (mine,) = api(buyer).get("/api/v1/allocations").json()["results"]
    assert mine["waits_for"] == "address_rests"

    SiteSettings.objects.update(method_cooldown_hours=0)
    (mine,) = api(buyer).get("/api/v1/allocations").json()["results"]
    assert mine["waits_for"] == ""
    assert send(boss, row).status_code == 201
    assert address_of(Transfer.objects.get()) == f"0x{2:040x}"


def test_the_first_address_of_a_network_takes_tokens_at_once(boss, owed, buyer):
    """One of another network took nobody's place, and hides no newer one."""
    give_address(buyer, 3, network="polygon")
    (row,) = owed()

    assert boss.get("/api/v1/admin/allocations").json()["results"][0]["waits_for"] == ""
    assert send(boss, row).status_code == 201


def test_a_failed_one_is_sent_again_by_staff_under_another_id(boss, owed, fireblocks):
    (row,) = owed()
    send(boss, row)
    push_all()
    fireblocks.custody.set_state(Transfer.objects.get().provider_id, status="REJECTED", subStatus="REJECTED_BY_USER")
    push_all()
    row.refresh_from_db()
    assert (row.status, row.reason) == ("failed", "REJECTED: REJECTED_BY_USER")

    assert boss.post(f"/api/v1/admin/allocations/{row.pk}/retry").json()["status"] == "pending"
    assert boss.post(f"/api/v1/admin/allocations/{row.pk}/retry").status_code == 409
    assert send(boss, row).status_code == 201
    push_all()
    ids = [found[0] for found in fireblocks.store.rows("SELECT external_id FROM tx")]
    assert len(set(ids)) == 2
    assert sorted(Transfer.objects.values_list("status", flat=True)) == ["failed", "sent"]


def test_a_second_transfer_beside_an_open_one_is_refused_by_the_database(owed):
    from django.db import IntegrityError, transaction

    (row,) = owed()
    batch = send_batch(allocation_ids=[row.pk], actor=SYSTEM)
    with pytest.raises(IntegrityError), transaction.atomic():
        Transfer.objects.create(
            batch=batch, allocation=row, asset="X", tokens=1, destination="x", destination_label="x"
        )


def test_only_failed_ones_are_tried_again(owed):
    from apps.core.errors import Conflict

    (row,) = owed()
    with pytest.raises(Conflict):
        retry_allocation(allocation=row, actor=SYSTEM)
    assert states() == {"pending": 1}


@pytest.mark.parametrize("role", ["admin", "payout_manager", "support_agent"])
def test_sending_is_for_those_who_process_payouts(owed, make_user, api, role):
    (row,) = owed()

    assert send(api(make_user(roles=[role])), row).status_code == 403
    nothing_moved()


def test_thirty_digits_are_sent_to_the_last(boss, owed):
    rows = owed(2, "123456789012.123456789012345678")

    answer = send(boss, *rows)

    assert answer.status_code == 201, answer.content
    assert answer.json()["tokens"] == "246913578024.246913578024691356"


def test_tokens_of_a_disputed_order_are_not_sent(boss, owed):
    """What is on the chain doesn't come back, and the money may."""
    rows = owed(2)
    Order.objects.filter(pk=rows[1].order_id).update(disputed_at=timezone.now())

    answer = send(boss, *rows)

    assert (answer.status_code, answer.json()["code"]) == (409, "invalid_state")
    assert str(answer.json()).count("order_disputed") == 1
    nothing_moved()


@pytest.mark.parametrize("odd", [None, "x", 1, {}, [], [1], ["x"], [None], [[]], ["\x00"], {"0": "x"}])
def test_what_names_no_allocations_sends_nothing(boss, owed, odd):
    owed(1)

    assert boss.post(URL, {"allocation_ids": odd}, format="json").status_code in (400, 404)
    nothing_moved()


def test_nobody_sends_their_own_in_a_crowd_and_buyers_send_nothing(api, make_user, owed, buyer, custody, deliver):
    both = make_user("both@example.com", roles=["affiliate_manager"])
    give_address(both, 7)
    make_token_order(both)
    rows = owed(2)

    answers = [send(api(both), *rows), send(api(buyer), *rows)]

    assert [(answer.status_code, answer.json()["code"]) for answer in answers] == [
        (403, "own_allocation"), (403, "permission_denied"),
    ]  # fmt: skip
    nothing_moved()


def test_a_batch_says_how_far_it_is(boss, owed, fireblocks):
    first, second = owed(2, "12.5")
    pk = send(boss, first, second).json()["id"]

    body = boss.get(f"{URL}/{pk}").json()
    assert (body["state"], body["count"], body["tokens"]) == ("running", 2, "25")
    assert [row["id"] for row in body["allocations"]] == [str(first.pk), str(second.pk)]
    assert {row["status"] for row in body["allocations"]} == {"processing"}

    push_all()
    for transfer, status in zip(Transfer.objects.order_by("id"), ("COMPLETED", "FAILED"), strict=True):
        fireblocks.custody.set_state(transfer.provider_id, status=status)
    push_all()
    body = boss.get(f"{URL}/{pk}").json()
    assert (body["state"], body["progress"]) == ("finished", {"waiting": 0, "sent": 0, "completed": 1, "failed": 1})
    assert [row["status"] for row in body["allocations"]] == ["completed", "failed"]
    assert body["allocations"][0]["tx_hash"]
    assert boss.get(URL).json()["results"][0]["state"] == "finished"


def test_one_nobody_has_is_not_found(boss, owed, api, make_user):
    assert boss.get(f"{URL}/{uuid.uuid4()}").json()["code"] == "not_found"
    pk = send(boss, *owed()).json()["id"]
    assert api(make_user()).get(f"{URL}/{pk}").status_code == 403
