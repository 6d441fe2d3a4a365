"""Joining, the tree and its statistics (T1, T2, T4, T5)."""

import re

import psycopg
import pytest
from django.db import IntegrityError, ProgrammingError, connection, transaction
from django.db.utils import DatabaseError

from apps.audit.services import SYSTEM
from apps.core.errors import Conflict, Invalid
from apps.core.tenancy import site_context
from apps.rbac.models import UserRole
from apps.referrals import tasks
from apps.referrals.models import Partner, PartnerStats, StatsTail
from apps.referrals.models.partner import _LEVEL_COUNTS, CODE_PATTERN
from apps.referrals.selectors import _PAGE, read_stats, upline_snapshot, upline_through
from apps.referrals.services import ensure_root, fold_stats, generate_code, join, set_partner_status
from apps.referrals.services.codes import ALPHABET, LENGTH, resolve_code
from apps.referrals.services.joining import _LAST_CHILD
from apps.referrals.tests.factories import UserFactory, make_chain, make_partner
from apps.referrals.tests.trees import assert_tree_is_sound


def test_a_code_is_sixty_bits_of_unambiguous_signs():
    codes = {generate_code() for _ in range(1000)}

    assert len(codes) == 1000
    assert len(ALPHABET) ** LENGTH == 2**60
    assert not set("01IO") & set(ALPHABET)
    assert all(re.match(CODE_PATTERN, code) for code in codes)


def test_a_newcomer_gets_a_place_a_code_and_the_affiliate_role(site):
    ann = make_partner()

    bob = make_partner(ann)

    assert (bob.sponsor, bob.depth, bob.status, bob.kind) == (ann, ann.depth + 1, "active", "user")
    assert bob.code != ann.code
    assert bob.activated_at == bob.joined_at
    role = UserRole.objects.get(user=bob.user)
    assert (role.role.key, role.scope) == ("affiliate", "own")


def test_on_a_site_with_activation_a_newcomer_is_pending(db):
    from apps.sites import registry

    with site_context(registry.by_code("GAMMA").pk):
        ann = make_partner()

        assert (ann.status, ann.activated_at) == ("pending", None)


def test_a_user_joins_a_site_once(site):
    ann = make_partner()

    with pytest.raises(Conflict) as refused:
        join(user=ann.user)

    assert refused.value.code == "already_partner"
    assert Partner.objects.people().count() == 1
    assert Partner.objects.get(depth=1).numchild == 1


def test_only_an_active_sponsor_takes_somebody_in(site):
    ann = make_partner()
    set_partner_status(partner=ann, status="frozen", reason="test", actor=SYSTEM)

    with pytest.raises(Invalid) as refused:
        make_partner(ann)

    assert refused.value.code == "referral_code_inactive"
    assert Partner.objects.people().count() == 1
    with pytest.raises(Invalid, match="isn't in use"):
        resolve_code(ann.code)


def test_a_code_is_found_whatever_its_case_and_at_its_own_site_only(site, other_site):
    ann = make_partner()

    assert resolve_code(f" {ann.code.lower()} ") == ann
    with site_context(other_site.pk), pytest.raises(Invalid) as refused:
        resolve_code(ann.code)
    assert refused.value.code == "referral_code_unknown"
    with pytest.raises(Invalid):
        resolve_code("")


def test_every_site_has_one_root_that_is_nobody(site, other_site):
    ensure_root(site.pk)

    root = Partner.objects.get(depth=1)
    assert (root.kind, root.user, root.code, root.sponsor) == ("root", None, "", None)
    with site_context(other_site.pk):
        assert Partner.objects.get(depth=1).path == root.path


@pytest.mark.parametrize(
    "change",
    [
        {"code": "AAAAAAAAAAAA"}, {"joined_at": "2020-01-01T00:00:00Z"}, {"status": "root"},
    ],
)  # fmt: skip
def test_the_database_keeps_code_and_identity(site, change):
    ann = make_partner()

    with pytest.raises(DatabaseError), transaction.atomic():
        Partner.objects.filter(pk=ann.pk).update(**change)

    ann.refresh_from_db()
    assert (ann.code, ann.status) == (Partner.objects.get(pk=ann.pk).code, "active")


def test_even_the_owner_of_the_table_cannot_change_a_code(transactional_db):
    from apps.sites import registry
    from tests.harness import databases

    with site_context(registry.by_code("ALPHA").pk):
        ann = make_partner()
    owner = psycopg.connect(databases.owner_conninfo(databases.worker_database()))
    with owner, pytest.raises(psycopg.errors.InsufficientPrivilege):
        owner.execute("UPDATE referrals_partner SET code = 'AAAAAAAAAAAA' WHERE id = %s", [ann.pk])


def test_the_database_refuses_a_sponsor_who_is_not_the_parent(site):
    ann, bob = make_partner(), make_partner()
    carl = make_partner(ann)

    for sponsor in (bob, None):
        with pytest.raises(IntegrityError), transaction.atomic():
            Partner.objects.filter(pk=carl.pk).update(sponsor=sponsor)

    assert Partner.objects.get(pk=carl.pk).sponsor_id == ann.pk


def test_nobody_is_deleted(site):
    ann = make_partner()

    with pytest.raises(ProgrammingError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("DELETE FROM referrals_partner WHERE id = %s", [ann.pk])

    assert Partner.objects.filter(pk=ann.pk).exists()


def test_downline_upline_children_and_levels(site):
    ann = make_partner()
    bob, carl = make_partner(ann), make_partner(ann)
    dora = make_partner(bob)
    eve = make_partner(dora)
    make_partner()

    assert list(Partner.objects.downline_of(ann)) == [bob, dora, eve, carl]
    assert list(Partner.objects.downline_of(ann, depth=2)) == [bob, dora, carl]
    assert list(Partner.objects.downline_of(ann, level=2)) == [dora]
    assert list(Partner.objects.children_of(ann)) == [bob, carl]
    assert list(Partner.objects.upline_of(eve)) == [dora, bob, ann]
    assert list(Partner.objects.upline_of(eve, depth=2)) == [dora, bob]
    assert Partner.objects.level_counts(ann) == {1: 2, 2: 1, 3: 1}


def test_the_upline_snapshot_is_nearest_first_and_never_names_the_root(site):
    ann = make_partner(name="Ann")
    bob = make_partner(ann, name="Bob")
    carl = make_partner(bob, name="Carl")

    assert [(member.level, member.name, member.user_id) for member in upline_snapshot(carl)] == [
        (1, "Bob", bob.user_id),
        (2, "Ann", ann.user_id),
    ]
    assert [(member.level, member.name) for member in upline_through(carl)] == [(1, "Carl"), (2, "Bob"), (3, "Ann")]
    assert [member.level for member in upline_through(carl, depth=1)] == [1]
    assert upline_snapshot(ann) == []


def test_a_chain_of_a_hundred(site):
    chain = make_chain(100)
    fold_stats()

    snapshot = upline_snapshot(chain[-1])
    assert [member.partner_id for member in snapshot] == [partner.pk for partner in reversed(chain[79:99])]
    assert [member.level for member in snapshot] == list(range(1, 21))
    levels = read_stats([chain[0].pk, chain[90].pk])
    assert levels[chain[0].pk] == [1] * 20
    assert levels[chain[90].pk] == [1] * 9 + [0] * 11
    assert_tree_is_sound()


def test_a_path_overflow_is_a_full_tree(site, monkeypatch):
    chain = make_chain(3)
    monkeypatch.setattr(Partner._meta.get_field("path"), "max_length", chain[-1].depth * 5)

    with pytest.raises(Conflict) as refused:
        make_partner(chain[-1])

    assert refused.value.code == "tree_full"
    assert Partner.objects.people().count() == 3


def test_stats_are_exact_before_during_and_after_the_fold(site):
    ann = make_partner()
    bob = make_partner(ann)
    make_partner(bob)

    assert read_stats([ann.pk])[ann.pk][:3] == [1, 1, 0]
    assert PartnerStats.objects.get(partner=ann).levels == [0] * 20

    assert fold_stats() == 3
    assert StatsTail.objects.count() == 0
    assert PartnerStats.objects.get(partner=ann).levels[:3] == [1, 1, 0]
    assert read_stats([ann.pk])[ann.pk][:3] == [1, 1, 0]

    make_partner(bob)
    assert read_stats([ann.pk, bob.pk]) == {ann.pk: [1, 2] + [0] * 18, bob.pk: [2] + [0] * 19}
    assert fold_stats() == 1
    assert fold_stats() == 0
    assert_tree_is_sound()


def test_the_beat_task_folds_every_site_that_waits(transactional_db):
    from apps.sites import registry

    sites = [registry.by_code(code).pk for code in ("ALPHA", "BETA")]
    for site_id in sites:
        with site_context(site_id):
            make_chain(2)

    assert tasks.fold_stats() == 4
    assert tasks.fold_stats() == 0
    for site_id in sites:
        with site_context(site_id):
            assert_tree_is_sound()


@pytest.fixture
def twenty_thousand(transactional_db):
    """ALPHA with 100 people at the top and 200 below each, loaded in one statement; yields the first at the top."""
    from apps.sites import registry
    from tests.harness import databases

    site_id = registry.by_code("ALPHA").pk
    with site_context(site_id):
        ann = make_partner()
    admin = psycopg.connect(databases.admin_conninfo(databases.worker_database()), autocommit=True)
    with admin:
        admin.execute("SET session_replication_role = replica")
        admin.execute(
            "INSERT INTO referrals_partner (id, site_id, path, depth, numchild, user_id, code, status, kind, joined_at)"
            " SELECT gen_random_uuid(), %s, '00001' || lpad(a::text, 5, '0') || CASE b WHEN 0 THEN '' ELSE lpad(b::text, 5, '0')"
            " END, CASE b WHEN 0 THEN 2 ELSE 3 END, CASE b WHEN 0 THEN 200 ELSE 0 END, gen_random_uuid(),"
            " translate(lpad((a * 1000 + b)::text, 12, 'Z'), '01', 'AB'), 'active', 'user', now()"
            " FROM generate_series(1, 100) a, generate_series(0, 200) b WHERE (a, b) <> (1, 0)",
            [site_id],
        )
        admin.execute("UPDATE referrals_partner SET numchild = 200 WHERE id = %s", [ann.pk])
        admin.execute("ANALYZE referrals_partner")
    with site_context(site_id):
        yield Partner.objects.get(pk=ann.pk)


def test_a_subtree_is_an_index_range_under_row_level_security(twenty_thousand):
    query = Partner.objects.downline_of(twenty_thousand, depth=3)

    plan = query.explain()

    assert query.count() == 200
    assert "LIKE" not in str(query.query)
    assert "~~" not in plan
    assert re.search(r"Index Cond: .*path.* >= .*path.* < ", plan), plan


def test_a_page_of_the_tree_reads_the_index_in_order(twenty_thousand):
    """No sort: the first page of a million costs what it shows."""
    root = Partner.objects.get(depth=1)
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL plan_cache_mode = force_generic_plan")
        cursor.execute(f"PREPARE page AS {_PAGE.replace('%s', '{}').format('$1', '$2', '$3', '$4', '$5')}")
        cursor.execute("EXPLAIN EXECUTE page (%s, %s, 21, 51, 0)", [root.path, f"{root.path}~"])
        plan = "\n".join(line for (line,) in cursor.fetchall())

    assert "Index Scan using referrals_partner_place" in plan, plan
    assert "Sort" not in plan


def test_levels_are_counted_from_one_range_of_an_index_alone(twenty_thousand):
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL plan_cache_mode = force_generic_plan")
        cursor.execute(f"PREPARE counts AS {_LEVEL_COUNTS.replace('%s', '{}').format('$1', '$2', '$3')}")
        path = twenty_thousand.path
        cursor.execute("EXPLAIN EXECUTE counts (%s, %s, 22)", [path, f"{path}~"])
        plan = "\n".join(line for (line,) in cursor.fetchall())

    assert "Index Only Scan using referrals_partner_place" in plan, plan
    assert re.search(r"Index Cond: .*path.* > .*path.* < ", plan), plan


def test_the_last_child_is_found_without_reading_the_branch(twenty_thousand):
    """A sponsor whose only recruit has a large team gets a second one: no scan of that team."""
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN {_LAST_CHILD}", {"parent_id": twenty_thousand.pk})
        plan = "\n".join(line for (line,) in cursor.fetchall())

    assert re.search(r"Index (Only )?Scan Backward using referrals_partner_depth", plan), plan
    assert re.search(r"Index Cond: .*depth = .* AND .*path.* > .*path.* < ", plan), plan


def test_a_signup_locks_its_sponsor_and_nobody_above(transactional_db):
    from apps.sites import registry
    from tests.harness import databases

    site_id = registry.by_code("ALPHA").pk
    with site_context(site_id):
        chain = make_chain(4)
        user = UserFactory()
    other = psycopg.connect(databases.owner_conninfo(databases.worker_database()), autocommit=True)
    with other, site_context(site_id):
        join(user=user, sponsor=chain[-1])
        fields = "SELECT id FROM {} FOR NO KEY UPDATE SKIP LOCKED"
        free = {row[0] for row in other.execute(fields.format("referrals_partner")).fetchall()}
        free_stats = other.execute("SELECT partner_id FROM referrals_partnerstats FOR UPDATE SKIP LOCKED").fetchall()
        referable = other.execute(
            "SELECT id FROM referrals_partner WHERE id = %s FOR KEY SHARE SKIP LOCKED", [chain[-1].pk]
        )

        assert {partner.pk for partner in chain} - free == {chain[-1].pk}
        assert len(free_stats) == 4
        assert len(referable.fetchall()) == 1
