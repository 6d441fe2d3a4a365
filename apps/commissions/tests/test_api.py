"""The contract of api.md: who sees what, what each call answers, and how many statements a list takes."""

from datetime import UTC, datetime, timedelta

import pytest
from django.utils import timezone

from apps.audit.services import SYSTEM
from apps.commissions import engine, services
from apps.commissions.models import Commission, PlanVersion
from apps.core.ids import uuid7
from apps.referrals.tests.factories import make_chain, make_partner
from apps.wallet import selectors as wallets

from .engine_values import percent
from .factories import TERMS, approve_all, make_order, make_plan, set_status

V1 = "/api/v1"
RULES = [
    {"category": "server", "level": 1, "kind": "percent", "value": "0.20"},
    {"category": "domain", "level": 1, "kind": "flat", "value": 10_000, "cap": 50_000},
]
PLAN = {"name": "Hosting", "depth": 3, "rules": RULES}


@pytest.fixture
def manager(make_user):
    return make_user("manager@example.com", roles=["affiliate_manager"])


@pytest.fixture
def admin(make_user):
    return make_user("admin@example.com", roles=["admin"])


@pytest.fixture
def chain(site, deliver):
    """Top, sponsor and buyer; the buyer has bought a server for ₹1,000 under a plan of 10 and 5 %."""
    make_plan(*percent("0.10", "0.05"))
    people = make_chain(3)
    make_order(people[-1], ("server", 100_000))
    deliver()
    return people


def of(level):
    return Commission.objects.get(level=level)


def results(answer):
    assert answer.status_code == 200, answer.content
    return answer.json()["results"]


class TestList:
    def test_a_partner_sees_their_own(self, api, chain):
        rows = results(api(chain[1].user).get(f"{V1}/commissions"))

        commission = of(1)
        assert rows == [
            {
                "id": str(commission.pk),
                "kind": "commission",
                "order_id": str(commission.order_id),
                "line_id": str(commission.line_id),
                "partner_id": str(chain[1].pk),
                "level": 1,
                "category": "server",
                "base_amount": 100_000,
                "rate": "0.10",
                "flat_amount": None,
                "original_amount": 10_000,
                "reversed_amount": 0,
                "amount": 10_000,
                "currency": "INR",
                "status": "pending",
                "hold_until": rows[0]["hold_until"],
                "earned_at": rows[0]["earned_at"],
                "created_at": rows[0]["created_at"],
                "approved_at": None,
                "paid_at": None,
                "closed_at": None,
                "rejected_reason": "",
                "plan_id": str(commission.version.plan_id),
                "plan_version": 1,
                "override": False,
                "source_user": {"id": str(chain[2].user_id), "name": chain[2].user.full_name},
                "clawback_of": None,
            }
        ]
        assert rows[0]["hold_until"].endswith("Z")

    def test_staff_see_all_and_a_buyer_nothing(self, api, chain, manager):
        assert sorted(row["level"] for row in results(api(manager).get(f"{V1}/commissions"))) == [1, 2]
        assert results(api(chain[2].user).get(f"{V1}/commissions")) == []

    def test_filters(self, api, chain, manager, deliver):
        old = make_order(chain[-1], ("domain", 5_000), paid_at=datetime(2026, 3, 31, 23, 59, 59, tzinfo=UTC))
        deliver()
        approve_all()
        make_order(chain[-1], ("addon", 3_000))
        deliver()
        client = api(manager)

        def found(**query):
            rows = results(client.get(f"{V1}/commissions", query))
            return sorted((row["category"], row["level"]) for row in rows)

        assert found(status="pending") == [("addon", 1), ("addon", 2)]
        assert found(level=2) == [("addon", 2), ("domain", 2), ("server", 2)]
        assert found(partner=str(chain[0].pk)) == [("addon", 2), ("domain", 2), ("server", 2)]
        assert found(order=str(old.pk)) == [("domain", 1), ("domain", 2)]
        assert found(date_from="2026-03-31", date_to="2026-03-31") == [("domain", 1), ("domain", 2)]
        assert found(date_to="2026-03-30") == []
        assert found(date_from="2026-04-01", level=1) == [("addon", 1), ("server", 1)]
        assert found(kind="clawback") == []

    @pytest.mark.parametrize(
        "query",
        ["status=open", "level=0", "level=21", "level=x", "partner=1", "date_from=yesterday", "lvl=1", "limit=0"],
    )
    def test_a_filter_that_makes_no_sense_is_refused(self, api, manager, query):
        answer = api(manager).get(f"{V1}/commissions?{query}")

        assert (answer.status_code, answer.json()["code"]) == (400, "invalid")
        assert answer.json()["errors"][0]["field"] == query.partition("=")[0]

    def test_pending_and_stats(self, api, chain, manager, deliver):
        make_order(chain[-1], ("server", 1_000))
        deliver()
        services.reject_commission(commission=of_amount(50), reason="No", actor=SYSTEM)
        services.approve_commission(commission=of_amount(100), actor=SYSTEM)

        pending = results(api(manager).get(f"{V1}/commissions/pending"))
        assert sorted(row["amount"] for row in pending) == [5_000, 10_000]
        assert api(manager).get(f"{V1}/commissions/stats").json() == {
            "pending": {"count": 2, "amount": 15_000},
            "approved": {"count": 1, "amount": 100},
            "paid": {"count": 0, "amount": 0},
            "rejected": {"count": 1, "amount": 50},
            "reversed": {"count": 0, "amount": 0},
            "currency": "INR",
        }
        mine = api(chain[1].user).get(f"{V1}/commissions/stats").json()
        assert (mine["pending"], mine["approved"]) == ({"count": 1, "amount": 10_000}, {"count": 1, "amount": 100})

    def test_the_statements_of_a_page_do_not_grow_with_it(
        self, api, chain, manager, deliver, django_assert_num_queries
    ):
        client = api(manager)
        client.get(f"{V1}/commissions")
        for _ in range(10):
            make_order(make_chain(3)[-1], ("server", 1_000))
        deliver()

        with django_assert_num_queries(LIST_QUERIES):
            assert len(results(client.get(f"{V1}/commissions?limit=2"))) == 2
        with django_assert_num_queries(LIST_QUERIES):
            assert len(results(client.get(f"{V1}/commissions"))) == 22

    def test_one(self, api, chain, manager):
        path = f"{V1}/commissions/{of(1).pk}"

        assert api(chain[1].user).get(path).json()["amount"] == 10_000
        assert api(manager).get(path).json()["amount"] == 10_000
        assert api(chain[0].user).get(path).status_code == 404
        assert api().get(path).status_code == 401


LIST_QUERIES = 6


def of_amount(amount):
    return Commission.objects.get(amount=amount)


class TestDecisions:
    def test_approving(self, api, chain, manager):
        answer = api(manager).post(f"{V1}/commissions/{of(1).pk}/approve")

        assert (answer.status_code, answer.json()["status"]) == (200, "approved")
        assert wallets.wallet_summary(chain[1].user_id).available == 10_000
        again = api(manager).post(f"{V1}/commissions/{of(1).pk}/approve")
        assert (again.status_code, again.json()["code"]) == (409, "invalid_state")
        assert wallets.wallet_summary(chain[1].user_id).available == 10_000

    def test_a_held_one_is_not_approved_yet(self, api, site, manager, deliver):
        make_plan(*percent("0.10"), hold_days=7)
        make_order(make_chain(2)[-1])
        deliver()

        answer = api(manager).post(f"{V1}/commissions/{of(1).pk}/approve")

        assert (answer.status_code, answer.json()["code"]) == (409, "invalid_state")
        assert answer.json()["hold_until"] == of(1).hold_until.isoformat().replace("+00:00", "Z")
        assert of(1).status == "pending"

    def test_rejecting_takes_a_reason(self, api, chain, manager):
        path = f"{V1}/commissions/{of(1).pk}/reject"

        assert api(manager).post(path, {}).status_code == 400
        answer = api(manager).post(path, {"reason": "Bought by themselves"})

        assert (answer.status_code, answer.json()["status"]) == (200, "rejected")
        assert answer.json()["rejected_reason"] == "Bought by themselves"
        assert api(manager).post(path, {"reason": "Again"}).status_code == 409

    def test_in_bulk(self, api, chain, manager):
        missing = str(uuid7())

        answer = api(manager).post(f"{V1}/commissions/approve", {"ids": [str(of(1).pk), missing]})

        assert answer.status_code == 200
        assert answer.json() == {"approved": [str(of(1).pk)], "refused": [{"id": missing, "code": "not_found"}]}

    @pytest.mark.parametrize("ids", [[], ["x"], [str(uuid7())] * 1001, None, "all"])
    def test_bulk_takes_one_to_a_thousand_ids(self, api, manager, ids):
        assert api(manager).post(f"{V1}/commissions/approve", {"ids": ids}).status_code == 400

    @pytest.mark.parametrize("role", ["admin", "payout_manager", "affiliate", "support_agent"])
    def test_only_who_may_approve_decides(self, api, chain, make_user, role):
        client = api(make_user(roles=[role]))

        for path in (f"{of(1).pk}/approve", f"{of(1).pk}/reject", "approve"):
            answer = client.post(f"{V1}/commissions/{path}", {"ids": [str(of(1).pk)], "reason": "x"})
            assert (answer.status_code, answer.json()["code"]) == (403, "permission_denied")
        assert of(1).status == "pending"

    def test_another_sites_commission_is_a_missing_one(self, api, chain, manager, other_site):
        from apps.core.tenancy import site_context

        with site_context(other_site.pk):
            make_plan(*percent("0.10"))
            order = make_order(make_chain(2)[-1])
            services.commission_orders([order.pk])
            foreign = Commission.objects.get().pk
        client = api(manager)

        for path in (f"{foreign}", f"{foreign}/explain"):
            there, missing = client.get(f"{V1}/commissions/{path}"), client.get(f"{V1}/commissions/{uuid7()}")
            assert (there.status_code, there.json()["message"]) == (404, missing.json()["message"])
        assert client.post(f"{V1}/commissions/{foreign}/approve").status_code == 404
        bulk = client.post(f"{V1}/commissions/approve", {"ids": [str(foreign)]}).json()
        assert bulk == {"approved": [], "refused": [{"id": str(foreign), "code": "not_found"}]}
        with site_context(other_site.pk):
            assert Commission.objects.get().status == "pending"


class TestExplanations:
    def test_the_partner_and_staff_get_it_and_can_recompute_it(self, api, chain, manager):
        path = f"{V1}/commissions/{of(2).pk}/explain"

        mine, staff = api(chain[0].user).get(path).json(), api(manager).get(path).json()

        assert mine == staff
        assert engine.recompute(mine) == mine["amount"] == 5_000
        assert [step["level"] for step in mine["path"]] == [1, 2]
        assert (mine["exact"], mine["rounding"], mine["plan"]["version"]) == ("5000", "half_up", 1)
        assert api(chain[1].user).get(path).status_code == 404

    def test_outcomes_for_staff_are_one_per_line_and_level(self, api, site, manager, deliver):
        make_plan(*percent("0.10", "0.05", "0.02"), *percent("0.50", category="server"), depth=4)
        chain = make_chain(4)
        set_status(chain[1], "frozen")
        order = make_order(chain[-1], ("server", 1_000), ("activation", 49_900))
        deliver()

        body = api(manager).get(f"{V1}/orders/{order.pk}/outcomes").json()

        rows = {(row["category"], row["level"]): (row["reason"], row["amount"]) for row in body["results"]}
        assert len(body["results"]) == 8
        assert rows == {
            ("server", 1): (None, 500),
            ("server", 2): ("frozen", None),
            ("server", 3): (None, 20),
            ("server", 4): ("house", None),
            ("activation", 1): ("no_rule", None),
            ("activation", 2): ("frozen", None),
            ("activation", 3): ("no_rule", None),
            ("activation", 4): ("house", None),
        }
        paying = next(row for row in body["results"] if row["amount"] == 500)
        assert paying["commission_id"] == str(Commission.objects.get(amount=500).pk)
        assert paying["partner"] == {"id": str(chain[2].pk), "name": chain[2].user.full_name}

    def test_a_partner_sees_the_rows_that_name_them(self, api, chain, make_user, deliver):
        order = Commission.objects.first().order
        path = f"{V1}/orders/{order.pk}/outcomes"

        assert [row["level"] for row in results(api(chain[0].user).get(path))] == [2]
        assert api(chain[2].user).get(path).status_code == 404
        assert api(make_partner().user).get(path).status_code == 404
        assert api(chain[0].user).get(f"{V1}/orders/{uuid7()}/outcomes").status_code == 404

    def test_who_is_skipped_or_too_far_up_is_told_so(self, api, site, deliver):
        make_plan(*percent("0.10", "0.05"), compression="standard")
        chain = make_chain(5)
        set_status(chain[3], "inactive")
        order = make_order(chain[-1])
        deliver()

        def told(partner):
            rows = results(api(partner.user).get(f"{V1}/orders/{order.pk}/outcomes"))
            return [(row["level"], row["reason"]) for row in rows]

        assert told(chain[3]) == [(1, "inactive_partner")]
        assert told(chain[2]) == [(1, None)]
        assert told(chain[0]) == [(4, "beyond_depth")]


class TestPlans:
    def test_a_life_of_a_plan(self, api, admin):
        client = api(admin)

        made = client.post(f"{V1}/commission-plans", PLAN)
        assert made.status_code == 201
        plan = made.json()
        assert {name: plan[name] for name in ("version", "status", "base", "compression", "approval", "hold_days")} == {
            "version": 1,
            "status": "draft",
            "base": "order",
            "compression": "none",
            "approval": "manual",
            "hold_days": 0,
        }
        assert sorted(plan["rules"], key=lambda rule: rule["category"], reverse=True) == [
            RULES[0] | {"cap": None},
            RULES[1],
        ]
        path = f"{V1}/commission-plans/{plan['id']}"
        assert client.patch(path, {"hold_days": 7}).json()["version"] == 1
        published = client.post(f"{path}/publish")
        assert (published.status_code, published.json()["status"], published.json()["hold_days"]) == (
            200,
            "published",
            7,
        )
        assert client.post(f"{path}/publish").json()["code"] == "invalid_state"

        draft = client.patch(path, {"rules": RULES[:1]}).json()
        assert (draft["id"], draft["version"], draft["status"], len(draft["rules"])) == (plan["id"], 2, "draft", 1)
        assert client.get(path).json() == draft
        assert PlanVersion.objects.in_force(timezone.now()).version == 1
        assert [row["id"] for row in results(client.get(f"{V1}/commission-plans"))] == [plan["id"]]

    @pytest.mark.parametrize(
        "change",
        [
            {"depth": 0},
            {"depth": 21},
            {"depth": "many"},
            {"name": ""},
            {"base": "profit"},
            {"compression": "some"},
            {"approval": "never"},
            {"hold_days": -1},
            {"minimum": -1},
            {"minimum": 10**30},
            {"rules": None},
            {"rules": [RULES[0], RULES[0]]},
            {"rules": [RULES[0] | {"level": 4}]},
            {"rules": [RULES[0] | {"level": 0}]},
            {"rules": [RULES[0] | {"value": "1.5"}]},
            {"rules": [RULES[0] | {"value": "-0.1"}]},
            {"rules": [RULES[0] | {"value": "NaN"}]},
            {"rules": [RULES[0] | {"value": "0.123456789"}]},
            {"rules": [RULES[0] | {"value": 0.2}]},
            {"rules": [RULES[0] | {"value": 1}]},
            {"rules": [RULES[0] | {"value": None}]},
            {"rules": [RULES[1] | {"value": "100"}]},
            {"rules": [RULES[1] | {"value": -1}]},
            {"rules": [RULES[1] | {"value": 10**30}]},
            {"rules": [RULES[1] | {"value": True}]},
            {"rules": [RULES[1] | {"cap": -1}]},
            {"rules": [{"category": "x"}]},
        ],
    )
    def test_what_is_no_plan(self, api, admin, change):
        client = api(admin)
        made = client.post(f"{V1}/commission-plans", PLAN).json()

        refused = client.post(f"{V1}/commission-plans", PLAN | change)
        changed = client.patch(f"{V1}/commission-plans/{made['id']}", change)

        assert (refused.status_code, refused.json()["code"]) == (400, "invalid")
        assert (changed.status_code, changed.json()["code"]) == (400, "invalid")
        assert refused.json()["errors"][0]["field"].partition(".")[0] == next(iter(change))
        assert PlanVersion.objects.count() == 1
        assert client.get(f"{V1}/commission-plans/{made['id']}").json() == made

    def test_nothing_else_can_be_set(self, api, admin, site):
        stowaways = {"status": "published", "version": 9, "id": str(uuid7()), "site": str(uuid7()), "currency": "USD"}

        plan = api(admin).post(f"{V1}/commission-plans", PLAN | stowaways).json()

        assert (plan["status"], plan["version"], plan["currency"]) == ("draft", 1, "INR")
        assert plan["id"] != stowaways["id"]

    def test_who_may(self, api, make_user, admin):
        plan = api(admin).post(f"{V1}/commission-plans", PLAN).json()
        path = f"{V1}/commission-plans/{plan['id']}"
        manager, partner = api(make_user(roles=["affiliate_manager"])), api(make_partner().user)

        assert manager.get(path).status_code == 200
        assert manager.post(f"{V1}/commission-plans", PLAN).status_code == 403
        assert manager.patch(path, {"depth": 5}).status_code == 403
        assert manager.post(f"{path}/publish").status_code == 403
        assert partner.get(path).status_code == 403
        assert partner.get(f"{V1}/commission-plans").status_code == 403

    def test_a_missing_plan(self, api, admin):
        path = f"{V1}/commission-plans/{uuid7()}"

        assert [api(admin).get(path).status_code, api(admin).patch(path, {}).status_code] == [404, 404]
        assert api(admin).post(f"{path}/publish").status_code == 404

    def test_the_statements_of_the_list_do_not_grow(self, api, admin, site, django_assert_num_queries):
        client = api(admin)
        client.get(f"{V1}/commission-plans")
        for number in range(6):
            services.create_plan(terms=TERMS | {"depth": 1, "name": f"P{number}"}, rules=percent("0.10"), actor=SYSTEM)

        with django_assert_num_queries(LIST_QUERIES + 1):
            client.get(f"{V1}/commission-plans?limit=1")
        with django_assert_num_queries(LIST_QUERIES + 1):
            assert len(results(client.get(f"{V1}/commission-plans"))) == 6


class TestOverrides:
    RATES = [{"category": "*", "level": 1, "kind": "percent", "value": "0.25", "cap": None}]

    def test_put_replaces_and_the_next_order_is_paid_by_it(self, api, admin, chain, deliver):
        path = f"{V1}/commission-plans/overrides/{chain[1].pk}"
        client = api(admin)

        assert client.get(path).json() == {"partner_id": str(chain[1].pk), "rules": []}
        assert client.put(path, {"rules": self.RATES}).json() == {"partner_id": str(chain[1].pk), "rules": self.RATES}
        assert client.get(path).json()["rules"] == self.RATES
        make_order(chain[-1], ("server", 1_000))
        deliver()
        assert Commission.objects.filter(amount=250, override=True).count() == 1
        assert client.put(path, {"rules": []}).json()["rules"] == []

    def test_refusals(self, api, admin, chain, manager):
        path = f"{V1}/commission-plans/overrides/{chain[1].pk}"

        assert api(admin).put(path, {}).status_code == 400
        assert api(admin).put(path, {"rules": self.RATES * 2}).status_code == 400
        assert api(manager).put(path, {"rules": self.RATES}).status_code == 403
        assert api(admin).put(f"{V1}/commission-plans/overrides/{uuid7()}", {"rules": self.RATES}).status_code == 404
        assert api(admin).get(path).json()["rules"] == []


def test_a_hold_that_is_over_by_a_second(api, site, manager, deliver):
    make_plan(*percent("0.10"), hold_days=1)
    make_order(make_chain(2)[-1], paid_at=timezone.now() - timedelta(days=1, seconds=1))
    deliver()

    assert api(manager).post(f"{V1}/commissions/{of(1).pk}/approve").status_code == 200
