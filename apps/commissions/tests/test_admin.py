"""The back office: drafts are written by the services, published plans are looked at, approvals are real ones."""

import pytest
from django.contrib import admin
from django.contrib.messages.storage.fallback import FallbackStorage
from django.forms.models import inlineformset_factory
from django.test import RequestFactory

from apps.commissions.admin import PlanRuleFormSet
from apps.commissions.models import Commission, CommissionPlan, PlanRule, PlanVersion
from apps.core.ids import uuid7
from apps.referrals.tests.factories import make_chain
from apps.wallet import selectors as wallets

from .engine_values import percent
from .factories import make_order, make_plan

pytestmark = pytest.mark.usefixtures("site")


@pytest.fixture
def request_of(make_user):
    def make(*roles):
        request = RequestFactory().post("/")
        request.user, request.session = make_user(roles=roles), {}
        request._messages = FallbackStorage(request)
        return request

    return make


def site_admin(model):
    return admin.site._registry[model]


def said(request):
    return [str(message) for message in request._messages]


def submitted(instance, *rules):
    """The rules of a draft as its page sends them."""
    formset = inlineformset_factory(
        PlanVersion, PlanRule, formset=PlanRuleFormSet, fields=("category", "level", "kind", "rate", "flat_amount", "cap")
    )
    data = {"rules-TOTAL_FORMS": len(rules), "rules-INITIAL_FORMS": 0}
    for number, rule in enumerate(rules):
        data |= {f"rules-{number}-{name}": value for name, value in rule.items()}
    return formset(data, instance=instance, prefix="rules")


SERVER = {"category": "server", "level": 1, "kind": "percent", "rate": "0.2"}


def test_a_published_plan_is_read_only(request_of):
    plans, request = site_admin(PlanVersion), request_of("super_admin")
    request.user.has_perm = lambda *args: True

    assert not plans.has_change_permission(request, make_plan(*percent("0.10")))
    assert plans.has_change_permission(request, make_plan(*percent("0.10"), publish=False))
    assert not plans.has_delete_permission(request, make_plan(*percent("0.10"), publish=False))


def test_a_draft_is_saved_by_the_service(request_of):
    plans, request = site_admin(PlanVersion), request_of("admin")
    form = plans.get_form(request)(
        {"name": "Mine", "depth": 2, "base": "order", "compression": "none", "approval": "auto", "hold_days": 7, "minimum": 0}
    )
    assert form.is_valid(), form.errors
    formset = submitted(form.instance, SERVER, SERVER | {"level": 2, "kind": "flat", "rate": "", "flat_amount": 500})
    assert formset.is_valid(), formset.errors

    plans.save_related(request, form, [formset], change=False)

    version = PlanVersion.objects.get()
    assert (version.name, version.status, version.approval, version.hold_days) == ("Mine", "draft", "auto", 7)
    assert [(rule.category, rule.level, rule.value) for rule in version.rules.all()] == [
        ("server", 1, "0.20"),
        ("server", 2, 500),
    ]


@pytest.mark.parametrize(
    "rules",
    [
        [SERVER, SERVER],
        [SERVER | {"level": 4}],
        [SERVER | {"level": 0}],
        [SERVER | {"rate": "1.5"}],
        [SERVER | {"rate": ""}],
        [SERVER | {"flat_amount": 5}],
    ],
)
def test_rules_that_cannot_be_are_refused_on_the_page(rules):
    draft = PlanVersion(plan=CommissionPlan(), depth=3)

    formset = submitted(draft, *rules)

    assert not formset.is_valid()


def test_publishing_and_opening_the_next_draft(request_of):
    version = make_plan(*percent("0.10"), publish=False)
    plans, request = site_admin(PlanVersion), request_of("admin")
    chosen = PlanVersion.objects.all()

    plans.publish(request, chosen)
    plans.publish(request, chosen)
    plans.open_draft(request, chosen)

    assert list(PlanVersion.objects.order_by("version").values_list("version", "status")) == [
        (1, "published"),
        (2, "draft"),
    ]
    assert said(request)[1].startswith(f"{version}: There is no draft")


def test_approving_credits_the_partners(request_of, deliver):
    make_plan(*percent("0.10"))
    sponsor, buyer = make_chain(2)
    make_order(buyer)
    deliver()
    commissions, request = site_admin(Commission), request_of("affiliate_manager")

    assert commissions.has_approve_permission(request)
    assert not commissions.has_approve_permission(request_of("admin"))
    commissions.approve(request, Commission.objects.all())
    commissions.approve(request, Commission.objects.all())

    assert said(request) == ["1 approved, 0 refused.", "0 approved, 1 refused."]
    assert wallets.wallet_summary(sponsor.user_id).available == 10_000


def test_search_by_code_order_and_id(request_of, deliver):
    make_plan(*percent("0.10", "0.05"))
    chain = make_chain(3)
    order = make_order(chain[-1])
    deliver()
    commissions, request = site_admin(Commission), request_of("admin")
    commission = Commission.objects.get(level=1)

    def found(term):
        rows, _ = commissions.get_search_results(request, Commission.objects.all(), term)
        return sorted(rows.values_list("level", flat=True))

    assert found(f" {chain[1].code.lower()}") == [1]
    assert found(str(order.pk)) == [1, 2]
    assert found(str(commission.pk)) == [1]
    assert found("nobody") == found(str(uuid7())) == []


def test_what_a_row_shows(deliver):
    make_plan(*percent("0.125"))
    make_order(make_chain(2)[-1], ("server", 12_345_678))
    deliver()
    commissions, commission = site_admin(Commission), Commission.objects.get()

    assert commissions.worth(commission) == "₹15,432.10"
    assert commissions.rule(commission) == "12.5 %"
    assert commissions.plan(commission) == "Plan v1"
