"""A payout in a stablecoin, by the account that also sends tokens."""

import pytest

from apps.allocations.tests.conftest import fireblocks  # noqa: F401 - a fixture
from apps.allocations.tests.factories import make_custody
from apps.custody.models import CustodyAccount
from apps.custody.senders import senders
from apps.custody.services import gateway_of
from apps.payouts import services
from apps.payouts.models import PayoutBatchItem, PayoutTransfer
from apps.payouts.tests.factories import begin, make_partner, push_all
from apps.sites.models import SiteSettings
from apps.wallet import selectors as wallet

ADDRESS = "0x52908400098527886E0F7030069857D2E4169EE7"


@pytest.fixture
def coin(site, fireblocks):  # noqa: F811
    make_custody()
    SiteSettings.objects.update(payout_asset="USDC", payout_network="ethereum")
    return fireblocks


def test_it_is_sent_asked_about_and_completed(coin, site):
    user, method = make_partner("ann", 12_345, kind="crypto", network="ethereum", address=ADDRESS)
    payout = begin(user, method)
    assert push_all() == []
    payout.refresh_from_db()
    assert (payout.status, payout.gateway, payout.provider_state) == ("processing", "fireblocks", "SUBMITTED")
    transfer = PayoutTransfer.objects.get()
    told = gateway_of(CustodyAccount.objects.get()).find(str(payout.pk))
    assert (f"{told.tokens}", told.asset, told.address) == ("123.45", "USDC", ADDRESS)

    coin.custody.set_state(transfer.provider_id, status="COMPLETED", txHash="0xabc")
    told = gateway_of(CustodyAccount.objects.get()).find(str(payout.pk))
    assert {take(told) for take in senders()} == {None, ""}

    payout.refresh_from_db()
    assert (payout.status, payout.reference) == ("completed", "0xabc")
    assert wallet.wallet_summary(user.pk).held == 0
    assert wallet.contradictions() == []
    assert services.reconcile(site_id=site.pk) == []


def test_what_fails_there_comes_back(coin):
    user, method = make_partner("ann", 500, kind="crypto", network="ethereum", address=ADDRESS)
    payout = begin(user, method)
    push_all()
    coin.custody.set_state(PayoutTransfer.objects.get().provider_id, status="FAILED", subStatus="INSUFFICIENT_FUNDS")

    push_all()

    payout.refresh_from_db()
    assert (payout.status, payout.reason) == ("failed", "FAILED: INSUFFICIENT_FUNDS")
    assert wallet.wallet_summary(user.pk).available == 500


@pytest.mark.parametrize("changes", [{"payout_asset": ""}, {"payout_network": "polygon"}])
def test_without_an_asset_on_the_addresss_network_it_is_paid_by_hand(coin, changes):
    SiteSettings.objects.update(**changes)
    user, method = make_partner("ann", 500, kind="crypto", network="ethereum", address=ADDRESS)

    assert (begin(user, method).status, PayoutTransfer.objects.count()) == ("completed", 0)


@pytest.mark.parametrize(("change", "code"), [("address", "invalid_state"), ("network", "gateway_unavailable")])
def test_a_batch_sends_to_no_address_that_was_removed_nor_on_another_network(coin, make_user, deliver, change, code):
    """Proposed as things were, run as they are."""
    user, method = make_partner("ann", 500, kind="crypto", network="ethereum", address=ADDRESS)
    proposer = make_user("proposer@example.com", roles=["affiliate_manager"])
    batch = services.propose_batch(with_requests=True, with_available=True, actor=proposer)
    assert PayoutBatchItem.objects.get().status == "ready"
    if change == "address":
        services.remove_method(method=method, actor=user)
    else:
        SiteSettings.objects.update(payout_network="polygon")

    approver = make_user("approver@example.com", roles=["payout_manager"])
    services.approve_batch(batch=batch, actor=approver, seen=batch.digest)
    deliver()

    item = PayoutBatchItem.objects.get()
    assert (item.status, item.code, PayoutTransfer.objects.count()) == ("left_out", code, 0)
    assert wallet.wallet_summary(user.pk).available == 500
