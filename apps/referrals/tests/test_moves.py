"""Staff rearrange the tree (X6, T2)."""

from datetime import timedelta

import pytest
from django.utils import timezone

from apps.audit.models import AuditEvent
from apps.audit.services import SYSTEM
from apps.core.errors import Conflict, Invalid
from apps.core.tenancy import site_context
from apps.referrals import tasks
from apps.referrals.models import Partner, PartnerStats, TreeMove
from apps.referrals.selectors import read_stats, upline_snapshot
from apps.referrals.services import apply_due_moves, fold_stats, move_partner, preview_move, set_partner_status
from apps.referrals.tests.factories import UserFactory, make_chain, make_partner
from apps.referrals.tests.trees import assert_tree_is_sound


def names_above(partner):
    return [member.partner_id for member in upline_snapshot(Partner.objects.get(pk=partner.pk))]


def test_a_branch_moves_with_everybody_below_and_the_statistics_follow_at_once(site):
    """Ann > Bob > Carl > Dora, beside Zoe > Yves. Bob's branch goes below Yves."""
    ann = make_partner()
    bob = make_partner(ann)
    carl = make_partner(bob)
    fold_stats()
    dora = make_partner(carl)
    zoe = make_partner()
    yves = make_partner(zoe)
    actor = UserFactory()

    move = move_partner(partner=bob, new_sponsor=yves, reason="Wrong code typed", actor=actor)

    assert names_above(dora) == [carl.pk, bob.pk, yves.pk, zoe.pk]
    assert read_stats([ann.pk, yves.pk, zoe.pk]) == {
        ann.pk: [0] * 20,
        yves.pk: [1, 1, 1] + [0] * 17,
        zoe.pk: [1, 1, 1, 1] + [0] * 16,
    }
    assert (move.status, move.people, move.from_sponsor_id, move.to_sponsor_id) == ("applied", 3, ann.pk, yves.pk)
    event = AuditEvent.objects.get(action="partner.moved")
    assert (event.actor_id, event.target_id, event.reason) == (actor.pk, str(bob.pk), "Wrong code typed")
    assert event.after == {"sponsor": str(yves.pk), "people": 3}
    assert_tree_is_sound()


def test_a_branch_moves_to_the_top_and_within_its_own_upline(site):
    chain = make_chain(25)
    fold_stats()

    move_partner(partner=chain[3], new_sponsor=chain[0], reason="Up", actor=SYSTEM)
    assert_tree_is_sound()
    move_partner(partner=chain[10], new_sponsor=None, reason="Top", actor=SYSTEM)
    assert_tree_is_sound()

    assert names_above(chain[12]) == [chain[11].pk, chain[10].pk]
    assert Partner.objects.get(pk=chain[10].pk).sponsor_id is None


def test_a_preview_says_what_would_change_and_changes_nothing(site):
    ann, zoe = make_partner(), make_partner()
    bob = make_partner(ann)
    make_partner(bob)
    rows = list(Partner.objects.values("id", "path", "sponsor_id", "numchild"))

    plan = preview_move(partner=bob, new_sponsor=zoe)

    assert (plan.people, plan.depth_change, plan.deepest_level) == (2, 0, 1)
    assert plan.changes == {
        ann.pk: ([1, 1] + [0] * 18, [0] * 20),
        zoe.pk: ([0] * 20, [1, 1] + [0] * 18),
    }
    assert list(Partner.objects.values("id", "path", "sponsor_id", "numchild")) == rows
    assert not TreeMove.objects.exists()


@pytest.mark.parametrize(
    ("target", "code"),
    [
        ("itself", "move_into_own_downline"), ("below", "move_into_own_downline"), ("frozen", "sponsor_frozen"),
        ("same", "already_there"),
    ],
)  # fmt: skip
def test_impossible_moves_are_refused_and_nothing_moves(site, target, code):
    ann = make_partner()
    bob = make_partner(ann)
    carl = make_partner(bob)
    frozen = make_partner()
    set_partner_status(partner=frozen, status="frozen", reason="fraud", actor=SYSTEM)
    frozen.refresh_from_db()
    targets = {"itself": bob, "below": carl, "frozen": frozen, "same": ann}

    for attempt in (preview_move, lambda **kwargs: move_partner(**kwargs, reason="x", actor=SYSTEM)):
        with pytest.raises(Invalid) as refused:
            attempt(partner=bob, new_sponsor=targets[target])
        assert refused.value.code == code

    assert names_above(carl) == [bob.pk, ann.pk]
    assert not TreeMove.objects.exists()
    assert_tree_is_sound()


def test_a_branch_too_deep_for_the_place_is_refused(site, monkeypatch):
    long, short = make_chain(4), make_chain(3)
    monkeypatch.setattr(Partner._meta.get_field("path"), "max_length", 5 * 6)

    with pytest.raises(Conflict) as refused:
        move_partner(partner=short[0], new_sponsor=long[-1], reason="x", actor=SYSTEM)

    assert refused.value.code == "tree_full"
    assert_tree_is_sound()


def test_a_stale_instance_does_not_bring_an_old_path_back(site):
    ann, zoe = make_partner(), make_partner()
    bob = make_partner(ann)
    carl = make_partner(bob)
    move_partner(partner=bob, new_sponsor=zoe, reason="1", actor=SYSTEM)

    move_partner(partner=carl, new_sponsor=ann, reason="2", actor=SYSTEM)
    make_partner(bob)

    assert names_above(carl) == [ann.pk]
    assert_tree_is_sound()


def test_a_move_waits_for_its_day(site):
    ann, zoe = make_partner(), make_partner()
    bob = make_partner(ann)
    due = timezone.now() + timedelta(days=1)

    move = move_partner(partner=bob, new_sponsor=zoe, reason="Next month", actor=SYSTEM, effective_at=due)

    assert (move.status, names_above(bob)) == ("scheduled", [ann.pk])
    assert apply_due_moves() == 0
    with pytest.raises(Conflict) as refused:
        move_partner(partner=bob, new_sponsor=zoe, reason="Again", actor=SYSTEM, effective_at=due)
    assert refused.value.code == "move_scheduled"
    with pytest.raises(Invalid) as refused:
        move_partner(
            partner=bob, new_sponsor=zoe, reason="Past", actor=SYSTEM, effective_at=timezone.now() - timedelta(hours=1)
        )
    assert refused.value.code == "effective_in_past"


def due_move(partner, sponsor):
    return TreeMove.objects.create(partner=partner, to_sponsor=sponsor, reason="Planned", effective_at=timezone.now())


def test_a_planned_move_is_made_or_refused_when_it_is_due(site):
    ann, zoe = make_partner(), make_partner()
    bob, carl = make_partner(ann), make_partner(ann)
    good, bad = due_move(bob, zoe), due_move(carl, zoe)
    move_partner(partner=carl, new_sponsor=zoe, reason="Sooner", actor=SYSTEM)

    assert apply_due_moves() == 2

    good.refresh_from_db()
    bad.refresh_from_db()
    assert (good.status, good.people, names_above(bob)) == ("applied", 1, [zoe.pk])
    assert (bad.status, bad.refusal) == ("refused", "already_there")
    assert apply_due_moves() == 0
    assert_tree_is_sound()


@pytest.mark.django_db(transaction=True)
def test_the_beat_task_finds_due_moves_at_every_site():
    from apps.sites import registry

    site_id = registry.by_code("BETA").pk
    with site_context(site_id):
        ann, zoe = make_partner(), make_partner()
        due_move(ann, zoe)

    assert tasks.apply_due_moves() == 1

    with site_context(site_id):
        assert names_above(ann) == [zoe.pk]
        assert PartnerStats.objects.get(partner=zoe).levels[0] == 1
