"""Whatever the network does, the custodian has each transfer exactly once (R8 for tokens)."""

import pytest
from django.utils import timezone

from apps.allocations.models import Allocation, Transfer
from apps.allocations.services import push_transfer, send_batch
from apps.allocations.services.sending import _claim
from apps.allocations.tests.factories import push_all, states
from apps.audit.services import SYSTEM
from apps.core.tenancy import require_site_id
from apps.custody.gateways import fireblocks as client


@pytest.fixture(autouse=True)
def _impatient(monkeypatch):
    monkeypatch.setattr(client, "TIMEOUT", (1, 0.3))


@pytest.fixture
def sent(owed):
    def make(number=1):
        rows = owed(number)
        for start in range(0, number, 100):
            send_batch(allocation_ids=[row.pk for row in rows[start : start + 100]], actor=SYSTEM)
        return list(Transfer.objects.order_by("id"))

    return make


def at_custodian(server):
    return [row[0] for row in server.store.rows("SELECT external_id FROM tx ORDER BY number")]


def asked(server, method):
    return server.store.rows("SELECT count(*) FROM request WHERE method = ?", method)[0][0]


@pytest.mark.parametrize("fault", ["next_after_commit_500", "next_after_commit_timeout"])
def test_an_answer_that_is_lost_is_asked_for_and_not_sent_again(sent, fireblocks, fault):
    (transfer,) = sent()
    fireblocks.faults.set({fault: 1, "timeout_seconds": 0.6})

    assert len(push_all()) == 1
    transfer.refresh_from_db()
    assert (transfer.status, states()) == ("waiting", {"processing": 1})
    assert push_all() == []

    transfer.refresh_from_db()
    assert transfer.status == "sent"
    assert at_custodian(fireblocks) == [transfer.external_tx_id]
    assert asked(fireblocks, "POST") == 1


def test_what_was_never_done_is_done_the_next_time(sent, fireblocks):
    (transfer,) = sent()
    fireblocks.faults.set({"next_before_500": 1})

    assert len(push_all()) == 1
    assert at_custodian(fireblocks) == []
    assert push_all() == []

    assert at_custodian(fireblocks) == [transfer.external_tx_id]


def test_200_transfers_with_faults_are_each_there_once(sent, fireblocks):
    transfers = sent(200)
    fireblocks.faults.set(
        {"after_commit_500": 0.1, "after_commit_timeout": 0.05, "before_500": 0.1, "timeout_seconds": 0.4}
    )

    rounds = 0
    while Transfer.objects.filter(status="waiting").exists():
        push_all()
        rounds += 1
        assert rounds < 20
    fireblocks.faults.set({"after_commit_500": 0, "after_commit_timeout": 0, "before_500": 0})

    assert sorted(at_custodian(fireblocks)) == sorted(row.external_tx_id for row in transfers)
    for row in Transfer.objects.order_by("id"):
        fireblocks.custody.set_state(row.provider_id, status="COMPLETED")
    push_all()
    assert states() == {"completed": 200}
    assert Allocation.objects.filter(tx_hash="").count() == 0


def test_a_restart_of_the_custodian_forgets_nothing(sent, fireblocks, settings, tmp_path):
    from fakes.fireblocks.server import FakeFireblocks

    (transfer,) = sent()
    push_all()
    again = FakeFireblocks(0, tmp_path / "fireblocks.sqlite3").start()
    settings.FIREBLOCKS_API_BASE = again.url
    again.faults.set({"hold_transactions": True})
    try:
        again.custody.set_state(Transfer.objects.get().provider_id, status="COMPLETED")
        push_all()
    finally:
        again.stop()

    transfer.refresh_from_db()
    assert transfer.status == "completed"


def test_a_refusal_fails_at_once_and_says_why(sent, fireblocks, monkeypatch):
    from fakes.fireblocks.custody import Refusal

    (transfer,) = sent()

    def refuse(account, wanted):
        raise Refusal(400, 1400, "Insufficient funds in the vault")

    monkeypatch.setattr(fireblocks.custody, "create", refuse)
    push_all()

    transfer.refresh_from_db()
    assert (transfer.status, transfer.failure) == ("failed", "Insufficient funds in the vault")
    assert states() == {"failed": 1}


def test_keys_that_are_refused_say_nothing_about_the_transfer(sent, fireblocks):
    sent()
    fireblocks.store.rows("DELETE FROM account")

    assert push_all() == ["Fireblocks answered 401"]
    assert states() == {"processing": 1}


def test_two_workers_at_once_send_one(sent, fireblocks):
    (transfer,) = sent()

    assert push_transfer(site_id=require_site_id(), transfer_id=transfer.pk)
    assert not push_transfer(site_id=require_site_id(), transfer_id=transfer.pk)
    assert asked(fireblocks, "POST") == 1


def test_the_same_transfer_sent_twice_is_one_there(sent, fireblocks):
    """Both workers past their claim, which a minute of sleep would allow: the id decides."""
    (transfer,) = sent()
    claimed = _claim(transfer.pk)
    gateway, instruction = claimed.gateway, claimed.instruction
    first, second = gateway.send(instruction), gateway.send(instruction)
    other = type(gateway)(gateway.credentials)

    assert first.provider_id == second.provider_id == other.find(instruction.external_tx_id).provider_id
    assert len(at_custodian(fireblocks)) == 1


def test_a_known_external_id_under_another_key_is_found(sent, fireblocks):
    (transfer,) = sent()
    push_all()
    fireblocks.store.rows("DELETE FROM answer")  # keys are forgotten after a while, ids never
    Transfer.objects.filter(pk=transfer.pk).update(next_at=timezone.now())

    claimed = _claim(transfer.pk)
    gateway, instruction = claimed.gateway, claimed.instruction

    assert gateway.send(instruction).external_tx_id == transfer.external_tx_id
    assert len(at_custodian(fireblocks)) == 1


def test_what_the_custodian_says_otherwise_is_shown_and_moves_nothing(sent, fireblocks):
    (transfer,) = sent()
    push_all()
    transfer.refresh_from_db()
    fireblocks.custody.set_state(transfer.provider_id, status="COMPLETED", amountInfo={"amount": "1000"})

    push_all()

    transfer.refresh_from_db()
    assert (transfer.status, states()) == ("sent", {"processing": 1})
    assert transfer.difference == "Another amount than was to be sent: 1000"


def test_what_the_custodian_has_lost_is_shown(sent, fireblocks):
    (transfer,) = sent()
    push_all()
    fireblocks.store.rows("DELETE FROM tx")

    push_all()

    transfer.refresh_from_db()
    assert transfer.difference == "The custodian has no transfer of this id any more"
    assert (transfer.status, at_custodian(fireblocks)) == ("sent", [])


def test_the_fake_refuses_what_fireblocks_refuses(custody, fireblocks):
    import hashlib
    import json
    import time

    import jwt
    import requests

    from apps.allocations.tests.factories import API_KEY, key
    from fakes.fireblocks.signing import private_pem

    body = json.dumps({"assetId": "X"})
    good = {
        "uri": "/v1/transactions", "nonce": "n", "iat": int(time.time()), "exp": int(time.time()) + 25, "sub": API_KEY,
        "bodyHash": hashlib.sha256(body.encode()).hexdigest(),
    }  # fmt: skip

    def ask(**news):
        token = jwt.encode(good | news, private_pem(key()), algorithm="RS256")
        headers = {"X-API-Key": API_KEY, "Authorization": f"Bearer {token}"}
        return requests.post(f"{fireblocks.url}/v1/transactions", data=body, headers=headers, timeout=5).status_code

    wrong = [
        {"uri": "/v1/other"}, {"bodyHash": "00"}, {"sub": "other"}, {"exp": good["iat"] + 60}, {"exp": good["iat"] - 60},
    ]  # fmt: skip
    assert [ask(nonce=f"w{number}", **one) for number, one in enumerate(wrong)] == [401] * len(wrong)
    assert ask() == 400  # let in, and the body is no transaction
    assert ask() == 401  # the nonce was used
    assert at_custodian(fireblocks) == []
