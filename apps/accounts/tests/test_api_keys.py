"""Keys of servers: nobody gets more out of one than they hold."""

import pytest

from apps.accounts.services import create_api_key
from apps.audit.models import AuditEvent
from apps.audit.services import SYSTEM
from apps.rbac.models import Role
from apps.rbac.services import assign_role, create_role

URL = "/api/v1/api-keys"


@pytest.fixture
def keeper(make_user):
    """Somebody who holds `permission.manage` and nothing else."""
    user = make_user("keeper@example.com")
    role = create_role(
        key="keeper", name="Keeper", description="", permissions=["permission.manage"], actor=SYSTEM, access=None
    )
    assign_role(user=user, role=Role.objects.get(pk=role.pk), actor=SYSTEM, access=None)
    return user


def test_a_key_that_may_more_is_not_rotated(api, keeper):
    key, _ = create_api_key(name="Bank", scopes=["payout.manage"], actor=SYSTEM, access=None)

    answer = api(keeper).post(f"{URL}/{key.pk}/rotate")

    assert (answer.status_code, answer.json()["code"]) == (403, "permission_denied")
    before = key.key_hash
    key.refresh_from_db()
    assert key.key_hash == before
    assert not AuditEvent.objects.filter(action="api_key.rotated").exists()


def test_a_shops_key_is_rotated(api, keeper):
    key, raw = create_api_key(name="Shop", scopes=["orders.write"], actor=SYSTEM, access=None)

    answer = api(keeper).post(f"{URL}/{key.pk}/rotate")

    assert answer.status_code == 200
    assert answer.json()["key"] != raw
