"""Crypto addresses: right ones in one spelling, wrong ones refused in words; a person's own, at each of their sites (P15)."""

import hashlib

import pytest

from apps.accounts.addresses import NETWORKS, NoAddress, keccak256, normal_address
from apps.accounts.models import CryptoAddress, Membership
from apps.accounts.services import add_address, read_address
from apps.core.crypto import Undecryptable
from apps.core.errors import Conflict
from apps.core.tenancy import site_context

EVM = "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed"
RIGHT = [
    ("ethereum", EVM, EVM),
    ("ethereum", "0xfB6916095ca1df60bB79Ce92cE3Ea74c37c5d359", "0xfB6916095ca1df60bB79Ce92cE3Ea74c37c5d359"),
    ("polygon", EVM.lower(), EVM),
    ("bnb", "0x" + EVM[2:].upper(), EVM),
    ("bitcoin", "1BvBMSEYstWetqTFn5Au4m4GFg7xJaNVN2", "1BvBMSEYstWetqTFn5Au4m4GFg7xJaNVN2"),
    ("bitcoin", "3J98t1WpEZ73CNmQviecrnyiWrnqRhWNLy", "3J98t1WpEZ73CNmQviecrnyiWrnqRhWNLy"),
    ("bitcoin", "BC1QW508D6QEJXTDG4Y5R3ZARVARY0C5XW7KV8F3T4", "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4"),
    ("bitcoin", "bc1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vqzk5jj0",
     "bc1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vqzk5jj0"),
    ("tron", "TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6t", "TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6t"),
    ("solana", "4fYNw3dojWmQ4dXtSGE9epjRGy9pFSx62YypT7avPYvA", "4fYNw3dojWmQ4dXtSGE9epjRGy9pFSx62YypT7avPYvA"),
]  # fmt: skip
WRONG = [
    ("ethereum", ""), ("ethereum", "0x1234"), ("ethereum", EVM.replace("5a", "5A")), ("ethereum", "0x" + "0" * 40),
    ("ethereum", EVM[2:]), ("bitcoin", "1BvBMSEYstWetqTFn5Au4m4GFg7xJaNVN3"), ("bitcoin", "1BvBMSEYstWetqTFn5Au4m4GFg7xJaNVl2"),
    ("bitcoin", "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t5"), ("bitcoin", "bc1Qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4"),
    ("bitcoin", "TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6t"), ("bitcoin", "tb1qw508d6qejxtdg4y5r3zarvary0c5xw7kxpjzsx"),
    # A version 1 program with the checksum of version 0 (BIP 350).
    ("bitcoin", "bc1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vqh2y7hd"), ("bitcoin", "bc1gmk9yu"),
    ("tron", "1BvBMSEYstWetqTFn5Au4m4GFg7xJaNVN2"), ("solana", "4fYNw3dojWmQ4dXtSGE9epjRGy9pFSx62YypT7avPY"), ("solana", "0OIl"),
]  # fmt: skip


@pytest.mark.parametrize(("network", "typed", "kept"), RIGHT)
def test_a_right_address_has_one_spelling(network, typed, kept):
    assert normal_address(network, f" {typed} ") == kept


@pytest.mark.parametrize(("network", "typed"), WRONG)
def test_a_wrong_one_is_refused(network, typed):
    with pytest.raises(NoAddress):
        normal_address(network, typed)


def test_keccak_of_the_specification():
    assert keccak256(b"").hex() == "c5d2460186f7233c927e7db2dcc703c0e500b653ca82273b7bfad8045d85a470"
    assert keccak256(b"abc").hex() == "4e03657aea45a94fc7d47ba826c8d667c0d1e6e33a64a036ec44f58fa12d6c45"
    assert keccak256(b"a" * 136) != hashlib.sha3_256(b"a" * 136).digest()


def test_every_network_that_can_be_chosen_is_checked():
    assert sorted(NETWORKS) == sorted(CryptoAddress.Network.values)


@pytest.fixture
def ann(make_user):
    from apps.rbac.services import give_affiliate_role

    user = make_user("ann@example.com")
    give_affiliate_role(user=user)
    return user


def save(client, address=EVM, network="ethereum"):
    body = {"kind": "crypto", "details": {"address": address, "network": network}}
    return client.post("/api/v1/payout-methods", body, format="json")


def test_it_is_saved_masked_and_kept_encrypted(api, ann):
    answer = save(api(ann))

    assert answer.status_code == 201
    kept = CryptoAddress.objects.get()
    body = answer.json()
    assert (body["id"], body["kind"]) == (str(kept.pk), "crypto")
    assert body["details"] == {"masked": "Ethereum 0x5aAe···eAed"}
    assert EVM not in answer.content.decode()
    assert EVM not in kept.address
    assert read_address(kept) == EVM


def test_it_appears_at_each_site_of_its_person_and_nowhere_else(api, ann, site, other_site, make_user):
    from apps.rbac.services import give_affiliate_role

    saved = save(api(ann)).json()
    with site_context(other_site.pk):
        Membership.objects.create(user=ann)
        give_affiliate_role(user=ann)
    there = api(at=other_site)
    from apps.accounts.tokens import issue_pair

    with site_context(other_site.pk):
        there.credentials(HTTP_AUTHORIZATION=f"Bearer {issue_pair(user=ann, site=other_site)['access']}")
        assert [row["id"] for row in there.get("/api/v1/payout-methods").json()["results"]] == [saved["id"]]
    ben = make_user("ben@example.com")
    give_affiliate_role(user=ben)
    assert api(ben).get("/api/v1/payout-methods").json()["results"] == []
    assert api(ben).delete(f"/api/v1/payout-methods/{saved['id']}").status_code == 404
    assert CryptoAddress.objects.get().removed_at is None


def test_removed_it_is_gone_and_may_come_again(api, ann):
    saved = save(api(ann)).json()

    assert api(ann).delete(f"/api/v1/payout-methods/{saved['id']}").status_code == 204
    assert api(ann).delete(f"/api/v1/payout-methods/{saved['id']}").status_code == 404
    assert api(ann).get("/api/v1/payout-methods").json()["results"] == []
    assert save(api(ann)).status_code == 201


@pytest.mark.parametrize(
    ("details", "field"),
    [
        ({"address": EVM.replace("5a", "5A"), "network": "ethereum"}, "details.address"),
        ({"address": EVM, "network": "dogecoin"}, "details.network"),
        ({"address": EVM}, "details.network"),
        ({"network": "ethereum"}, "details.address"),
        ({"address": EVM, "network": "ethereum", "user": "x"}, "details.user"),
        ({"address": ["x"], "network": "ethereum"}, "details.address"),
    ],
)
def test_a_refusal_names_the_detail_and_keeps_nothing(api, ann, details, field):
    answer = api(ann).post("/api/v1/payout-methods", {"kind": "crypto", "details": details}, format="json")

    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (400, field)
    assert CryptoAddress.objects.count() == 0


def test_the_same_one_twice_and_too_many_are_refused(site, ann, api):
    add_address(user=ann, network="ethereum", address=EVM)

    answer = save(api(ann), EVM.lower())
    assert (answer.status_code, answer.json()["code"]) == (400, "address_known")
    for number in range(1, 20):
        add_address(user=ann, network="polygon", address=f"0x{number:040x}")
    with pytest.raises(Conflict, match="20 addresses"):
        add_address(user=ann, network="polygon", address=f"0x{99:040x}")
    assert CryptoAddress.objects.count() == 20


def test_a_ciphertext_of_another_row_opens_nothing(site, ann, make_user):
    mine = add_address(user=ann, network="ethereum", address=EVM)
    other = add_address(user=make_user(), network="ethereum", address=f"0x{1:040x}")
    mine.address = other.address

    with pytest.raises(Undecryptable):
        read_address(mine)


def test_a_payout_may_go_there_and_then_names_this_sites_copy(api, ann, site):
    from apps.payouts.models import Payout, PayoutMethod
    from apps.referrals.services import join
    from apps.wallet.tests.factories import give_earnings

    join(user=ann)
    give_earnings(ann, 1000)
    saved = save(api(ann)).json()

    answer = api(ann).post("/api/v1/payouts/request", {"amount": 500, "method_id": saved["id"]}, format="json")

    assert answer.status_code == 201, answer.content
    assert answer.json()["method"]["label"] == saved["label"]
    copy = PayoutMethod.objects.get()
    assert (copy.kind, str(copy.address_id), Payout.objects.get().method) == ("crypto", saved["id"], copy)
    refused = api(ann).delete(f"/api/v1/payout-methods/{saved['id']}")
    assert (refused.status_code, refused.json()["code"]) == (409, "method_in_use")
    assert [row["id"] for row in api(ann).get("/api/v1/payout-methods").json()["results"]] == [saved["id"]]
