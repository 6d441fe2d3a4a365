import json
import time

import pytest
from django.test import Client

from apps.allocations.tests import factories
from apps.custody.services import webhooks
from fakes.fireblocks.server import FakeFireblocks
from fakes.fireblocks.signing import detached, public_pem
from fakes.fireblocks.store import Account


@pytest.fixture
def fireblocks(settings, tmp_path):
    """A Fireblocks that knows ALPHA's key. Its transactions stand still until a test moves them."""
    server = FakeFireblocks(0, tmp_path / "fireblocks.sqlite3").start()
    server.faults.set({"hold_transactions": True, "hold_events": True})
    settings.FIREBLOCKS_API_BASE = server.url
    settings.FIREBLOCKS_JWKS_URL = f"{server.url}/.well-known/jwks.json"
    webhooks._known.clear()
    server.store.register(Account(factories.API_KEY, public_pem(factories.key()), factories.WORKSPACE, ""))
    yield server
    server.stop()


@pytest.fixture
def custody(site, fireblocks):
    return factories.make_custody()


@pytest.fixture
def buyer(make_user):
    user = make_user("buyer@example.com", full_name="Bo Buyer")
    factories.give_address(user)
    return user


@pytest.fixture
def owed(custody, buyer, deliver):
    """owed(3) → so many pending allocations of 100 tokens, the buyer's."""
    from apps.allocations.models import Allocation

    def make(number=1, tokens="100"):
        for _ in range(number):
            factories.make_token_order(buyer, tokens)
        deliver()
        return list(Allocation.objects.filter(status="pending").order_by("id"))

    return make


@pytest.fixture
def post(site, fireblocks):
    """post(event, ...) → the door's answer to an event that the custodian signed."""
    client = Client()

    def send(event, *, at_site="ALPHA", root=True, signer=None, raw=None, header=None, tamper=None, **headers):
        body = raw if raw is not None else json.dumps(event).encode()
        signed = header if header is not None else detached(body, signer or fireblocks.custody.signer.key)
        path = f"{'' if root else '/api/v1'}/webhooks/fireblocks/{at_site}"
        body = tamper(body) if tamper else body
        named = {"Fireblocks-Webhook-Signature": signed} if signed else {}
        return client.post(path, data=body, content_type="application/json", headers=named | headers)

    return send


@pytest.fixture
def event(fireblocks):
    """event(transfer, "COMPLETED", ...) → what the custodian would tell of it; keywords change the transaction."""

    def make(transfer, status, *, event_id=None, workspace=factories.WORKSPACE, at=None, **news):
        from apps.allocations.services.sending import address_of

        body = {
            "id": transfer.provider_id or "tx-1", "externalTxId": transfer.external_tx_id, "status": status,
            "assetId": transfer.asset, "amountInfo": {"amount": f"{transfer.tokens:f}"},
            "destinationAddress": address_of(transfer), "txHash": "0xabc" if status == "COMPLETED" else "", **news,
        }  # fmt: skip
        return {
            "id": event_id or f"evt-{time.time_ns()}", "eventType": "transaction.status.updated",
            "createdAt": int((at or time.time()) * 1000), "workspaceId": workspace, "resourceId": body["id"], "data": body,
        }  # fmt: skip

    return make
