"""Somebody must be left who may do everything: removed, given an end or shut out, one by one or at the same time."""

from datetime import timedelta
from threading import Barrier, Thread

import pytest
from django.db import connection
from django.utils import timezone

from apps.accounts.models import Membership, User
from apps.accounts.services import set_member_active
from apps.audit.services import SYSTEM
from apps.core.errors import Conflict
from apps.core.tenancy import site_context
from apps.rbac import services
from apps.rbac.models import Department, PlatformRole, Position, Role, UserRole

BY = {"actor": SYSTEM, "access": None}


def make_boss(user):
    return services.assign_role(user=user, role=Role.objects.get(key="super_admin"), **BY)


def refused(act, *args, **kwargs):
    with pytest.raises(Conflict) as found:
        act(*args, **kwargs)
    assert found.value.code == "last_super_admin"


def test_the_last_one_of_a_site_stays(make_user):
    ann, ben = make_user("ann@example.com"), make_user("ben@example.com")
    last = make_boss(ann)
    soon = timezone.now() + timedelta(days=1)
    refused(services.revoke_role, assignment=last, **BY)
    refused(services.change_assignment, assignment=last, expires_at=soon, **BY)
    refused(services.change_assignment, assignment=last, role=Role.objects.get(key="admin"), **BY)
    refused(services.change_assignment, assignment=last, scope="own", **BY)
    refused(set_member_active, user=ann, is_active=False, actor=SYSTEM, reason="gone")

    stored = UserRole.objects.get(pk=last.pk)
    assert (stored.role.key, stored.scope, stored.expires_at) == ("super_admin", "site", None)
    assert Membership.objects.get(user=ann).is_active
    second = make_boss(ben)
    services.change_assignment(assignment=second, expires_at=soon, **BY)
    refused(services.revoke_role, assignment=last, **BY)  # the other one ends tomorrow
    services.change_assignment(assignment=second, expires_at=None, **BY)
    services.revoke_role(assignment=last, **BY)


def test_one_who_is_shut_out_does_not_count(make_user):
    ann, ben = make_user("ann@example.com"), make_user("ben@example.com")
    last = make_boss(ann)
    make_boss(ben)
    set_member_active(user=ben, is_active=False, actor=SYSTEM, reason="gone")

    refused(services.revoke_role, assignment=last, **BY)


def test_a_super_admin_of_all_sites_is_enough(make_user):
    ann, boss = make_user("ann@example.com"), make_user("boss@example.com")
    platform = services.grant_platform_role(user=boss, role_key="super_admin", **BY)
    services.revoke_role(assignment=make_boss(ann), **BY)
    make_boss(ann)
    refused(services.revoke_role, assignment=platform, **BY)
    refused(services.change_assignment, assignment=platform, expires_at=timezone.now() + timedelta(days=1), **BY)

    assert PlatformRole.objects.get().expires_at is None
    services.grant_platform_role(user=ann, role_key="super_admin", **BY)
    services.revoke_role(assignment=platform, **BY)


def test_a_position_does_not_take_the_last_one_away(make_user):
    ann = make_user("ann@example.com")
    executives = Department.objects.get(code="EXEC")
    Position.objects.filter(key="ceo").update(role=Role.objects.get(key="super_admin"))
    ceo = Position.objects.select_related("role").get(key="ceo")
    member = services.add_member(department=executives, user=ann, position=ceo, **BY)
    refused(services.remove_member, member=member, **BY)
    refused(services.place_member, member=member, position=None, **BY)

    assert UserRole.objects.get(user=ann).role.key == "super_admin"


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("kind", ["site", "platform"])
def test_two_that_go_at_the_same_time_leave_one(transactional_alpha, kind):
    with site_context(transactional_alpha):
        found = []
        for name in ("ann", "ben"):
            user = User.objects.create_user(email=f"{name}@example.com", password=None)
            Membership.objects.create(user=user)
            granted = kind == "platform" and services.grant_platform_role(user=user, role_key="super_admin", **BY)
            found.append(granted or make_boss(user))
    outcomes, start = [], Barrier(2)

    def go(assignment):
        try:
            start.wait()
            with site_context(transactional_alpha):
                services.revoke_role(assignment=assignment, **BY)
            outcomes.append("gone")
        except Conflict as error:
            outcomes.append(error.code)
        finally:
            connection.close()

    threads = [Thread(target=go, args=(assignment,)) for assignment in found]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(outcomes) == ["gone", "last_super_admin"]
    with site_context(transactional_alpha):
        left = PlatformRole.objects if kind == "platform" else UserRole.objects.filter(role__key="super_admin")
        assert left.count() == 1
