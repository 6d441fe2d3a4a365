"""System roles, assignments and their scopes (H2, H3, R20), and who may give what (settled.md "Who may")."""

from datetime import timedelta

import pytest
from django.utils import timezone

from apps.audit.models import AuditEvent
from apps.audit.services import SYSTEM
from apps.core.errors import Conflict, Denied, Invalid
from apps.core.tenancy import site_context
from apps.rbac import catalogue, services
from apps.rbac.access import Access, load_access
from apps.rbac.models import PlatformRole, Role, RolePermission, Scope, UserRole


def keys_of(key):
    return set(RolePermission.objects.filter(role__key=key).values_list("permission_id", flat=True))


def test_the_catalogue_is_document_h_and_a():
    """12 resources × 6 actions, two more of document H, eight of document A."""
    assert len(catalogue.ALL_KEYS) == len(set(catalogue.ALL_KEYS)) == 12 * 6 + 2 + 8
    assert {"support_ticket.manage", "referral.read", "invoice.manage", "rbac.user_roles.manage"} <= set(
        catalogue.ALL_KEYS
    )


# Typed from document H, "System Roles and Their Permissions", and from settled.md; the code under test is not asked.
EXPECTED = {
    "affiliate": {"affiliate.read", "commission.read", "payout.create", "payout.read", "referral.read", "user.read"},
    "affiliate_manager": {
        "affiliate.read", "commission.read", "payout.create", "payout.read", "referral.read", "user.read",
        "affiliate.manage", "commission.approve", "payout.manage", "analytics.read",
    },
    "support_agent": {"support_ticket.read", "support_ticket.update", "user.read", "server.read", "billing.read"},
    "support_manager": {
        "support_ticket.read", "support_ticket.update", "user.read", "server.read", "billing.read",
        "support_ticket.manage", "user.update", "server.update",
    },
    "sales_executive": {"user.read", "order.create", "order.read", "billing.read"},
    "billing_specialist": {"billing.read", "billing.update", "order.read", "invoice.manage"},
    "payout_manager": {"payout.read", "payout.approve", "payout.update", "commission.read"},
    "finance_manager": {"referral.history.view_all", "referral.payout.approve", "referral.wallet.view"},
    "ai_fraud_officer": {"referral.history.view_all", "referral.bonus.freeze"},
}  # fmt: skip


def test_every_site_has_the_eleven_system_roles_with_exactly_their_keys(site):
    system = Role.objects.filter(is_system=True)
    assert sorted(system.values_list("key", flat=True)) == sorted([*EXPECTED, "admin", "super_admin"])
    assert {key: keys_of(key) for key in EXPECTED} == EXPECTED
    assert keys_of("super_admin") == set(catalogue.ALL_KEYS)
    admin = keys_of("admin")
    assert len(admin) == 48 + 8
    assert not {key for key in admin if key.endswith((".approve", ".manage")) and key not in catalogue.DOCUMENT_A}


def test_seeding_again_changes_nothing_and_takes_back_what_does_not_belong(site):
    role = Role.objects.get(key="support_agent")
    before = set(RolePermission.objects.values_list("pk", flat=True))
    RolePermission.objects.create(role=role, permission_id="payout.manage")

    services.seed_roles(site.pk)

    assert set(RolePermission.objects.values_list("pk", flat=True)) == before


@pytest.fixture
def admin(make_user):
    return make_user("admin@example.com", roles=["admin"])


@pytest.fixture
def ann(make_user):
    return make_user("ann@example.com")


def test_nobody_gives_a_role_with_keys_they_lack(admin, ann):
    """admin@ holds no approve and no manage, so it can't appoint an affiliate_manager."""
    access = load_access(admin.pk)
    with pytest.raises(Denied) as refused:
        services.assign_role(user=ann, role=Role.objects.get(key="affiliate_manager"), actor=admin, access=access)

    assert "affiliate.manage" in refused.value.details["lacking"]
    assert not UserRole.objects.filter(user=ann).exists()
    services.assign_role(user=ann, role=Role.objects.get(key="sales_executive"), actor=admin, access=access)
    assert AuditEvent.objects.filter(action="role.assigned", actor_id=admin.pk).count() == 1


def test_a_role_is_held_once_per_scope(admin, ann):
    role = Role.objects.get(key="sales_executive")
    services.assign_role(user=ann, role=role, actor=SYSTEM, access=None)

    with pytest.raises(Conflict):
        services.assign_role(user=ann, role=role, actor=SYSTEM, access=None)
    with pytest.raises(Invalid):
        services.assign_role(user=ann, role=role, actor=SYSTEM, access=None, scope=Scope.DEPARTMENT)


def test_scope_says_whose_and_expiry_until_when(ann, other_site):
    role = Role.objects.get(key="sales_executive")
    assignment = services.assign_role(user=ann, role=role, actor=SYSTEM, access=None, scope=Scope.OWN)
    assert (load_access(ann.pk).has("order.read"), load_access(ann.pk).at_site("order.read")) == (True, False)

    UserRole.objects.filter(pk=assignment.pk).update(scope=Scope.SITE)
    assert load_access(ann.pk).at_site("order.read")
    with site_context(other_site.pk):
        assert load_access(ann.pk).keys == []

    UserRole.objects.filter(pk=assignment.pk).update(expires_at=timezone.now() - timedelta(days=1))
    assert load_access(ann.pk).keys == []


def test_a_revoked_role_is_refused_at_the_next_request(api, ann):
    """R20."""
    assignment = services.assign_role(user=ann, role=Role.objects.get(key="payout_manager"), actor=SYSTEM, access=None)
    client = api(ann)
    assert client.get("/api/v1/payouts").status_code == 200

    everything = Access.of([("super_admin", "site", None, list(catalogue.ALL_KEYS))])
    services.revoke_role(assignment=assignment, actor=SYSTEM, access=everything)

    assert client.get("/api/v1/payouts").status_code == 403


def test_a_platform_role_is_held_at_every_site_and_only_such_a_role_can_give_it(admin, ann, other_site):
    with pytest.raises(Denied):
        services.grant_platform_role(user=ann, role_key="super_admin", actor=admin, access=load_access(admin.pk))
    assert not PlatformRole.objects.exists()

    services.grant_platform_role(user=ann, role_key="super_admin", actor=SYSTEM, access=None)

    assert load_access(ann.pk).at_site("payout.manage")
    with site_context(other_site.pk):
        assert load_access(ann.pk).at_site("payout.manage")


def test_system_roles_never_change_and_ones_own_may(admin, ann):
    access = load_access(admin.pk)
    with pytest.raises(Conflict) as refused:
        services.set_role_permissions(role=Role.objects.get(key="admin"), permissions=[], actor=admin, access=access)
    assert refused.value.code == "system_role"
    role = services.create_role(
        key="clerk", name="Clerk", description="", permissions=["order.read"], actor=admin, access=access
    )

    services.set_role_permissions(role=role, permissions=["order.read", "billing.read"], actor=admin, access=access)

    assert keys_of("clerk") == {"order.read", "billing.read"}
    with pytest.raises(Denied):
        services.set_role_permissions(role=role, permissions=["payout.approve"], actor=admin, access=access)
    with pytest.raises(Invalid):
        services.set_role_permissions(role=role, permissions=["order.fly"], actor=admin, access=access)
    services.assign_role(user=ann, role=role, actor=SYSTEM, access=None)
    with pytest.raises(Conflict):
        services.delete_role(role=role, actor=admin)
    assert keys_of("clerk") == {"order.read", "billing.read"}
