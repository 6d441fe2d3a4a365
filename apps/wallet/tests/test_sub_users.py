"""A sub-user's activities are paid by the enterprise: there is nothing to fill or move."""

import pytest

from apps.activities.tests.factories import make_enterprise, make_sub_user
from apps.wallet.models import Deposit
from apps.wallet.tests.factories import give_earnings
from apps.wallet.tests.test_deposits import pockets


@pytest.mark.parametrize(
    ("path", "body"), [("deposits", {"amount": 500}), ("transfers", {"from": "earnings", "to": "funds", "amount": 100})]
)
def test_a_sub_user_has_no_funds_of_their_own(api, bank, path, body):
    sub = make_sub_user(make_enterprise()).user
    give_earnings(sub, 100)

    answer = api(sub).post(f"/api/v1/wallet/{path}", body)

    assert (answer.status_code, answer.json()["code"]) == (409, "enterprise_pays")
    assert (Deposit.objects.count(), pockets(sub)) == (0, {"available": 100, "owed": 0, "funds": 0})
