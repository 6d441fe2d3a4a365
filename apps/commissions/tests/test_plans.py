"""Plans: drafts are edited, published versions are final, in the services and in the database (X2)."""

from datetime import timedelta

import pytest
from django.db import DatabaseError, connection, transaction

from apps.audit.models import AuditEvent
from apps.audit.services import SYSTEM
from apps.commissions import engine, services
from apps.commissions.models import CommissionPlan, PartnerOverride, PlanRule, PlanVersion
from apps.core.errors import Conflict, Invalid
from apps.referrals.tests.factories import make_partner

from .engine_values import flat, percent
from .factories import make_plan

pytestmark = pytest.mark.usefixtures("site")


def rules_of(version):
    return [(rule.category, rule.level, rule.value) for rule in PlanRule.objects.filter(version=version)]


def change(version, rules=None, **terms):
    return services.update_plan(plan=version.plan, terms=terms, rules=rules, actor=SYSTEM)


class TestDrafts:
    def test_a_new_plan_is_a_draft_and_pays_nothing_yet(self):
        version = make_plan(*percent("0.10", "0.05"), publish=False)

        assert (version.version, version.status, version.currency) == (1, "draft", "INR")
        assert rules_of(version) == [("*", 1, "0.10"), ("*", 2, "0.05")]
        assert PlanVersion.objects.in_force(version.created_at + timedelta(days=1)) is None

    def test_a_draft_is_edited_in_place(self):
        version = make_plan(*percent("0.10", "0.05"), publish=False)

        edited = change(version, rules=flat(500, category="domain"), depth=1)

        assert (edited.pk, edited.version, edited.depth) == (version.pk, 1, 1)
        assert rules_of(edited) == [("domain", 1, 500)]

    def test_what_is_not_given_stays(self):
        version = make_plan(*percent("0.10"), publish=False, hold_days=7, minimum=5)

        edited = change(version, name="Better")

        assert (edited.name, edited.hold_days, edited.minimum) == ("Better", 7, 5)
        assert rules_of(edited) == [("*", 1, "0.10")]

    @pytest.mark.parametrize("rules", [percent("0.10") * 2, percent("0.10", "0.10")])
    def test_a_rule_twice_or_beyond_the_depth_is_refused(self, rules):
        with pytest.raises(Invalid) as refused:
            make_plan(*rules, depth=1)

        assert refused.value.field == "rules"
        assert CommissionPlan.objects.count() == PlanVersion.objects.count() == PlanRule.objects.count() == 0

    def test_a_depth_that_leaves_a_rule_behind_is_refused(self):
        version = make_plan(*percent("0.10", "0.05"), publish=False)

        with pytest.raises(Invalid):
            change(version, depth=1)

        version.refresh_from_db()
        assert version.depth == 2
        assert len(rules_of(version)) == 2


class TestPublishing:
    def test_publishing_puts_it_in_force_from_now_on(self):
        version = make_plan(*percent("0.10"))

        assert version.status == "published"
        assert PlanVersion.objects.in_force(version.published_at) == version
        assert PlanVersion.objects.in_force(version.published_at - timedelta(microseconds=1)) is None
        assert AuditEvent.objects.filter(action="plan.published", target_id=str(version.pk)).count() == 1

    def test_changing_a_published_plan_opens_the_next_version_while_it_stays_in_force(self):
        first = make_plan(*percent("0.10"))

        draft = change(first, rules=percent("0.20"))

        assert (draft.version, draft.status, draft.plan_id) == (2, "draft", first.plan_id)
        assert PlanVersion.objects.in_force(draft.created_at + timedelta(days=1)) == first
        assert rules_of(first) == [("*", 1, "0.10")]
        assert rules_of(draft) == [("*", 1, "0.20")]
        assert change(first, name="Again").pk == draft.pk

    def test_whatever_was_published_last_is_in_force(self):
        first, other = make_plan(*percent("0.10")), make_plan(*percent("0.20"))
        change(first, rules=percent("0.30"))

        third = services.publish_plan(plan=first.plan, actor=SYSTEM)

        assert PlanVersion.objects.in_force(third.published_at) == third
        assert PlanVersion.objects.in_force(other.published_at) == other

    def test_without_a_draft_there_is_nothing_to_publish(self):
        version = make_plan(*percent("0.10"))

        with pytest.raises(Conflict) as refused:
            services.publish_plan(plan=version.plan, actor=SYSTEM)

        assert refused.value.code == "invalid_state"
        assert PlanVersion.objects.count() == 1


class TestTheDatabaseRefuses:
    @pytest.mark.parametrize(
        "statement",
        [
            "UPDATE commissions_planversion SET depth = 20",
            "UPDATE commissions_planversion SET status = 'draft', published_at = NULL",
            "UPDATE commissions_planversion SET hold_days = 0",
            "DELETE FROM commissions_planversion",
            "DELETE FROM commissions_planrule",
            "UPDATE commissions_planrule SET rate = 0.9",
            "INSERT INTO commissions_planrule (id, site_id, version_id, category, level, kind, rate)"
            " SELECT gen_random_uuid(), site_id, id, 'x', 1, 'percent', 0.5 FROM commissions_planversion",
            "DELETE FROM commissions_commissionplan",
            "TRUNCATE commissions_planrule",
        ],
    )
    def test_any_change_of_what_was_published(self, statement):
        version = make_plan(*percent("0.10"))

        with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(statement)

        version.refresh_from_db()
        assert (version.depth, version.status) == (1, "published")
        assert rules_of(version) == [("*", 1, "0.10")]

    @pytest.mark.parametrize(
        "values",
        [
            {"rate": "1.1"},
            {"rate": "-0.1"},
            {"rate": None},
            {"flat_amount": 5},
            {"kind": "flat"},
            {"kind": "flat", "rate": None, "flat_amount": -1},
            {"level": 0},
            {"level": 21},
            {"cap": -1},
        ],
    )
    def test_a_rule_that_cannot_be(self, values):
        version = make_plan(*percent("0.10"), publish=False)
        whole = {"category": "x", "level": 1, "kind": "percent", "rate": "0.1"} | values

        with pytest.raises(DatabaseError), transaction.atomic():
            PlanRule.objects.create(version=version, **whole)


class TestOverrides:
    def set(self, partner, *rules):
        return services.set_overrides(partner=partner, rules=rules, actor=SYSTEM)

    def test_a_partner_has_their_own_rates_until_they_are_removed(self):
        partner = make_partner()

        given = self.set(partner, *percent("0.30"), *flat(500, category="domain"))
        removed = self.set(partner)

        assert [(rule.category, rule.value) for rule in given] == [("*", "0.30"), ("domain", 500)]
        assert removed == []
        assert PartnerOverride.objects.filter(ended_at=None).count() == 0
        assert AuditEvent.objects.filter(action="override.set").count() == 2

    def test_what_stays_the_same_is_not_written_again(self):
        partner = make_partner()
        first = self.set(partner, *percent("0.30", "0.10"))

        second = self.set(partner, *percent("0.30", "0.20"))

        assert second[0].pk == first[0].pk
        assert PartnerOverride.objects.count() == 3
        assert self.set(partner, *percent("0.30", "0.20"))[0].pk == first[0].pk
        assert AuditEvent.objects.filter(action="override.set").count() == 2

    def test_a_rule_twice_is_refused_and_nothing_changes(self):
        partner = make_partner()
        self.set(partner, *percent("0.30"))

        with pytest.raises(Invalid):
            self.set(partner, *percent("0.40"), *percent("0.50"))

        assert [rule.value for rule in PartnerOverride.objects.filter(ended_at=None)] == ["0.30"]

    def test_the_past_of_an_override_cannot_be_rewritten(self):
        partner = make_partner()
        self.set(partner, *percent("0.30"))

        for statement in (
            "UPDATE commissions_partneroverride SET rate = 0.9",
            "DELETE FROM commissions_partneroverride",
        ):
            with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
                cursor.execute(statement)


def test_a_rule_survives_the_database():
    rule = engine.Rule("server", 3, engine.Kind.PERCENT, percent("0.029")[0].value, 500)

    version = make_plan(rule, depth=3)

    assert [found.to_engine() for found in version.rules.all()] == [rule]
