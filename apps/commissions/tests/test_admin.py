"""The back office: drafts are written by the services, published plans are looked at, approvals are real ones."""

import pytest
from django.apps import apps
from django.contrib import admin
from django.contrib.messages.storage.fallback import FallbackStorage
from django.forms.models import inlineformset_factory
from django.test import RequestFactory

from apps.accounts.middleware import SESSION_SITE
from apps.audit.services import SYSTEM
from apps.commissions import services
from apps.commissions.admin import PlanRuleFormSet
from apps.commissions.models import Commission, CommissionPlan, PlanRule, PlanVersion
from apps.core.ids import uuid7
from apps.rbac.access import access_of
from apps.referrals.tests.factories import make_chain
from apps.wallet import selectors as wallets

from .engine_values import percent
from .factories import make_order, make_plan

pytestmark = pytest.mark.usefixtures("site")


@pytest.fixture
def request_of(make_user):
    def make(*roles, **data):
        request = RequestFactory().post("/", data)
        request.user, request.session = make_user(roles=roles), {}
        request.access = access_of(request)
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
        PlanVersion,
        PlanRule,
        formset=PlanRuleFormSet,
        fields=("category", "level", "kind", "rate", "flat_amount", "cap"),
    )
    data = {"rules-TOTAL_FORMS": len(rules), "rules-INITIAL_FORMS": 0}
    for number, rule in enumerate(rules):
        data |= {f"rules-{number}-{name}": value for name, value in rule.items()}
    return formset(data, instance=instance, prefix="rules")


SERVER = {"category": "server", "level": 1, "kind": "percent", "rate": "0.2"}


def test_a_published_plan_is_read_only(request_of):
    plans, request = site_admin(PlanVersion), request_of("super_admin")
    rules = plans.inlines[0](PlanVersion, admin.site)

    assert not rules.has_change_permission(request, make_plan(*percent("0.10")))
    assert rules.has_delete_permission(request, make_plan(*percent("0.10"), publish=False))
    assert not plans.has_change_permission(request, make_plan(*percent("0.10")))
    assert plans.has_change_permission(request, make_plan(*percent("0.10"), publish=False))
    assert not plans.has_delete_permission(request, make_plan(*percent("0.10"), publish=False))


def test_a_draft_is_saved_by_the_service(request_of):
    plans, request = site_admin(PlanVersion), request_of("admin")
    form = plans.get_form(request)(
        {
            "name": "Mine",
            "depth": 2,
            "base": "order",
            "compression": "none",
            "approval": "auto",
            "hold_days": 7,
            "minimum": 0,
        }
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

    assert commissions.has_decide_permission(request)
    assert not commissions.has_decide_permission(request_of("admin"))
    commissions.approve(request, Commission.objects.all())
    commissions.approve(request, Commission.objects.all())

    assert said(request) == ["1 approved.", "anything level 1: decided before"]
    assert wallets.wallet_summary(sponsor.user_id).available == 10_000


def test_rejecting_takes_a_reason(request_of, deliver):
    make_plan(*percent("0.10"))
    make_order(make_chain(2)[-1])
    deliver()
    commissions = site_admin(Commission)

    commissions.reject(request_of("affiliate_manager"), Commission.objects.all())
    assert Commission.objects.get().status == "pending"
    commissions.reject(request_of("affiliate_manager", note="Returned"), Commission.objects.all())
    assert (Commission.objects.get().status, Commission.objects.get().rejected_reason) == ("rejected", "Returned")


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

    assert commissions.amount_shown(commission) == '<span class="money">₹15,432.10</span>'
    assert commissions.rule(commission) == "12.5 %"


@pytest.mark.parametrize(
    "model", ["planversion", "partneroverride", "commission", "commissionoutcome", "commissionplan"]
)
def test_lists_and_pages_open_in_as_many_statements_whatever_they_show(
    client, make_user, site, deliver, model, django_assert_max_num_queries
):
    version = make_plan(*percent("0.10", "0.05"), depth=4)
    chain = make_chain(3)
    services.set_overrides(partner=chain[0], rules=percent("0.30", "0.20"), actor=SYSTEM)
    for _ in range(8):
        make_order(chain[-1], ("a", 1000), ("b", 2000))
    deliver()
    sign_in(client, make_user(roles=["admin"]), site)

    with django_assert_max_num_queries(22):
        answer = client.get(f"/admin/commissions/{model}/", headers=HOST)
    assert answer.status_code == 200, answer.content[:300]
    row = admin.site._registry[apps.get_model("commissions", model)].model.objects.first()
    page = client.get(f"/admin/commissions/{model}/{row.pk}/change/", headers=HOST)
    assert page.status_code == 200
    assert version.pk


def test_a_draft_is_added_and_changed_on_its_page(client, make_user, site):
    sign_in(client, make_user(roles=["admin"]), site)
    terms = {
        "name": "Mine", "depth": 3, "base": "order", "compression": "none", "approval": "manual", "hold_days": 0, "minimum": 0,
    }  # fmt: skip
    rule = {f"rules-0-{name}": value for name, value in SERVER.items()}
    form = {"rules-TOTAL_FORMS": 1, "rules-INITIAL_FORMS": 0, **terms, **rule}

    answer = client.post("/admin/commissions/planversion/add/", form, headers=HOST)
    assert answer.status_code == 302, answer.content.decode()[:3000]
    draft = PlanVersion.objects.get()
    kept = {"rules-0-id": draft.rules.get().pk, "rules-0-version": draft.pk}
    form |= {"rules-INITIAL_FORMS": 1, "depth": 5, "rules-0-level": 5, **kept}
    answer = client.post(f"/admin/commissions/planversion/{draft.pk}/change/", form, headers=HOST)
    assert answer.status_code == 302, answer.content.decode()[:3000]

    draft.refresh_from_db()
    assert (draft.version, draft.depth, draft.rules.get().level) == (1, 5, 5)


HOST = {"host": "alpha.localhost"}


def sign_in(client, user, site):
    client.force_login(user, backend="apps.accounts.backends.MembershipBackend")
    session = client.session
    session[SESSION_SITE] = site.code
    session.save()
