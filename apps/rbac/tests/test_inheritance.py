"""Roles that take over from others: stored effective keys follow every change (H2)."""

import pytest

from apps.audit.models import AuditEvent
from apps.audit.services import SYSTEM
from apps.core.errors import Conflict, Denied, Invalid
from apps.rbac import services
from apps.rbac.access import load_access
from apps.rbac.models import Role, RolePermission
from apps.rbac.services.inheritance import people_of

BY = {"actor": SYSTEM, "access": None}


def held(role, **how):
    return set(RolePermission.objects.filter(role=role, **how).values_list("permission_id", flat=True))


@pytest.fixture
def chain(site):
    """Clerk, a senior above it that takes over from it, and a lead that takes over from the senior."""
    clerk = services.create_role(key="clerk", name="Clerk", description="", permissions=["order.read"], **BY)
    senior = services.create_role(
        key="senior", name="Senior", description="", permissions=["order.update"], parent=clerk, **BY
    )
    lead = services.create_role(key="lead", name="Lead", description="", permissions=["user.read"], parent=senior, **BY)
    return clerk, senior, lead


def test_a_role_holds_its_own_keys_and_its_parents(chain, make_user):
    clerk, _, lead = chain
    assert held(lead) == {"order.read", "order.update", "user.read"}
    assert held(lead, inherited=False) == {"user.read"}
    user = make_user("lead@example.com", roles=["lead"])

    services.give_permissions(role=clerk, permissions=["billing.read"], **BY)

    assert load_access(user.pk).keys == ["billing.read", "order.read", "order.update", "user.read"]
    services.take_permission(role=clerk, permission="order.read", **BY)
    assert load_access(user.pk).keys == ["billing.read", "order.update", "user.read"]
    assert people_of(clerk.pk) == people_of(lead.pk) == 1


def test_another_parent_brings_its_keys_and_takes_the_former_ones(chain):
    _, senior, lead = chain

    services.update_role(role=senior, parent=Role.objects.get(key="sales_executive"), **BY)

    assert held(senior) == {"order.update", "user.read", "order.create", "order.read", "billing.read"}
    assert held(lead) == held(senior) | {"user.read"}
    event = AuditEvent.objects.filter(action="role.changed").last()
    assert (event.before["parent"], event.after["parent"]) == ("clerk", "sales_executive")


def test_what_the_parent_holds_is_not_stored_twice(chain):
    _, senior, _ = chain

    services.set_role_permissions(role=senior, permissions=["order.read", "order.update", "server.read"], **BY)

    assert held(senior, inherited=False) == {"order.update", "server.read"}


def test_a_loop_is_refused(chain):
    clerk, senior, lead = chain
    before = list(RolePermission.objects.order_by("pk").values())
    for above in (clerk, senior, lead):
        with pytest.raises(Invalid) as refused:
            services.update_role(role=clerk, parent=above, **BY)
        assert refused.value.code == "role_cycle"

    assert list(RolePermission.objects.order_by("pk").values()) == before
    assert Role.objects.get(key="clerk").parent is None


def test_an_inherited_key_is_taken_where_it_was_given(chain):
    _, senior, _ = chain
    with pytest.raises(Conflict) as refused:
        services.take_permission(role=senior, permission="order.read", **BY)

    assert refused.value.code == "permission_inherited"
    assert held(senior) == {"order.read", "order.update"}


def test_a_parent_is_not_deleted(chain):
    clerk, _, lead = chain
    with pytest.raises(Conflict) as refused:
        services.delete_role(role=clerk, actor=SYSTEM)
    assert refused.value.code == "role_in_use"
    assert Role.objects.filter(key="clerk").exists()

    services.delete_role(role=lead, actor=SYSTEM)

    assert not RolePermission.objects.filter(role_id=lead.pk).exists()


def test_nobody_hands_on_through_a_parent_what_they_lack(chain, make_user):
    _, senior, _ = chain
    admin = make_user("admin@example.com", roles=["admin"])
    access = load_access(admin.pk)
    with pytest.raises(Denied) as refused:
        services.update_role(role=senior, parent=Role.objects.get(key="payout_manager"), actor=admin, access=access)
    assert refused.value.details["lacking"] == ["payout.approve"]
    with pytest.raises(Denied):
        services.create_role(
            key="x", name="X", description="", permissions=[], parent=Role.objects.get(key="affiliate_manager"),
            actor=admin, access=access,
        )  # fmt: skip

    assert Role.objects.get(pk=senior.pk).parent.key == "clerk"
    assert not Role.objects.filter(key="x").exists()


def test_a_change_that_somebody_else_made_meanwhile_is_not_overwritten(chain):
    clerk, _, _ = chain
    seen = services.fingerprint(clerk)
    services.give_permissions(role=clerk, permissions=["billing.read"], **BY)

    with pytest.raises(Conflict) as refused:
        services.update_role(role=clerk, permissions=["user.read"], expected=seen, **BY)

    assert refused.value.code == "changed_meanwhile"
    assert held(clerk) == {"order.read", "billing.read"}
