"""R25: whatever staff or servers may write, over the API or in the back office, leaves a row in the audit. Generated."""

import pytest
from django.contrib import admin

from apps.audit.models import AuditEvent
from tests.permissions.routes import api_routes
from tests.permissions.scenarios import SCENARIOS, build_world, pay_at_the_fake, send

PRIVILEGED = sorted(
    name
    for route in api_routes()
    if route.method != "GET"
    and (name := f"{route.method} {route.path.removeprefix('api/v1/')}") in SCENARIOS
    and route.view.access[route.method].kind == "keys"
    and route.view.access[route.method].at != "own"
)
# What a person does with what is their own, and that is written down nevertheless: their sign-ins and their money.
OWN = ("POST auth/password/change", "POST auth/password/reset/confirm", "POST payouts/request", "POST payout-methods",
       "DELETE payout-methods/<uuid:pk>", "POST payouts/<uuid:pk>/cancel", "PATCH notifications/preferences")  # fmt: skip


def events():
    return AuditEvent.objects.count()


def test_there_are_privileged_routes():
    assert len(PRIVILEGED) > 15


@pytest.mark.parametrize("name", [*PRIVILEGED, *OWN])
def test_a_privileged_write_is_in_the_audit(site, name, fake_stripe, settings):
    settings.STRIPE_API_BASE = fake_stripe.url
    fake_stripe.post("accounts", account="acct_alpha", secret_key="sk_test_alpha", publishable_key="pk_test_alpha")
    world = build_world(site.pk)
    pay_at_the_fake(world, fake_stripe)
    before = events()

    answer = send(world, name)

    assert 200 <= answer.status_code < 300, answer.content
    assert events() > before
    newest = AuditEvent.objects.order_by("-id").first()
    assert newest.action
    assert newest.request_id
    assert newest.actor_name != "System"


def test_what_is_refused_is_not(site):
    """By somebody without a role: nothing happens, and the audit tells of nothing that did."""
    world = build_world(site.pk)
    world.clients["boss"] = world.clients["server"] = world.clients["ben"]
    before = events()

    assert [name for name in PRIVILEGED if send(world, name).status_code not in (401, 403)] == []
    assert events() == before


# One press of each action of the back office: (model, action) → which row of the world, and what may be needed beside it.
PRESSED = {
    ("accounts.Membership", "suspend"): "ben's membership",
    ("accounts.Membership", "restore"): "ben's suspended membership",
    ("accounts.Membership", "unlock"): "ben's locked membership",
    ("accounts.Membership", "sign_out"): "ben's membership",
    ("accounts.SignIn", "sign_out"): "ben's sign-in",
    ("accounts.TwoFactorDevice", "reset"): "dora's device",
    ("activities.FormDocument", "take_off"): "form",
    ("activities.FormDocument", "put_on"): "form taken off",
    ("backoffice.BulkJob", "stop"): "running job",
    ("allocations.Allocation", "send"): "allocation",
    ("allocations.Allocation", "retry"): "failed_allocation",
    ("allocations.Transfer", "settle"): "tokens that differ",
    ("accounts.ApiKey", "rotate"): "key",
    ("accounts.ApiKey", "revoke"): "key",
    ("catalogue.Product", "put_on"): "product off sale",
    ("catalogue.Product", "take_off"): "product",
    ("orders.Service", "cancel"): "service",
    ("commissions.Commission", "approve"): "commission",
    ("commissions.Commission", "reject"): "commission",
    ("commissions.PlanVersion", "publish"): "draft",
    ("commissions.PlanVersion", "open_draft"): "published",
    ("core.OutboxEvent", "replay"): "dead job",
    ("orders.Order", "refund_rest"): "order",
    ("wallet.Deposit", "refund_rest"): "deposit",
    ("bonuses.Bonus", "approve"): "bonus",
    ("bonuses.Bonus", "credit"): "bonus",
    ("bonuses.Bonus", "reject"): "bonus",
    ("bonuses.Bonus", "freeze"): "bonus",
    ("bonuses.Bonus", "unfreeze"): "frozen_bonus",
    ("payments.PaymentRefund", "send_again"): "refund sent back",
    ("notifications.Mail", "send_again"): "failed mail",
    ("fraud.Freeze", "lift"): "freeze",
    ("fraud.Review", "clear"): "review",
    ("fraud.Review", "confirm"): "review, frozen",
    ("payouts.Payout", "approve"): "requested",
    ("payouts.Payout", "reject"): "requested",
    ("payouts.Payout", "process"): "approved",
    ("payouts.Payout", "retry"): "failed",
    ("payouts.PayoutBatch", "approve"): "proposed",
    ("payouts.PayoutTransfer", "settle"): "payout that differs",
    ("payouts.PayoutBatch", "refresh"): "proposed",
    ("payouts.PayoutBatch", "cancel"): "proposed",
    ("payouts.PayoutBatch", "close"): "paid_batch",
    ("rbac.PlatformRole", "revoke"): "platform role",
    ("rbac.Role", "remove"): "own role",
    ("rbac.UserRole", "revoke"): "assignment",
    ("referrals.Partner", "make_active"): "below, inactive",
    ("referrals.Partner", "make_inactive"): "below",
    ("referrals.Partner", "freeze"): "below",
}


def actions():
    found = set()
    for model, screen in admin.site._registry.items():
        if model._meta.app_label != "django_celery_beat":
            found |= {(model._meta.label, name) for name in (screen.actions or ())}
    return found


def test_every_action_is_pressed_below():
    assert actions() == set(PRESSED)


def role_of(what):
    """Something of Ben's to take back. Only a holder of a platform role takes one back, so the boss has one then."""
    from apps.accounts.models import User
    from apps.audit.services import SYSTEM
    from apps.rbac.models import PlatformRole, Role
    from apps.rbac.services import assign_role

    boss, ben = (User.objects.get(email=f"{name}@example.com") for name in ("boss", "ben"))
    if what == "platform role":
        PlatformRole.objects.create(user=boss, role_key="super_admin")
        return PlatformRole.objects.create(user=ben, role_key="admin")
    if what == "own role":
        return Role.objects.create(key="own_role", name="Own role")
    return assign_role(user=ben, role=Role.objects.get(key="support_agent"), actor=SYSTEM, access=None)


def off_sale(pk):
    from apps.audit.services import SYSTEM
    from apps.catalogue.models import Product
    from apps.catalogue.services import update_product

    return update_product(product=Product.objects.get(pk=pk), changes={"is_active": False}, actor=SYSTEM)


def form(*, offered):
    from apps.activities.services import set_form_active
    from apps.activities.tests.factories import make_form
    from apps.audit.services import SYSTEM

    made = make_form()
    if not offered:
        set_form_active(form=made, is_active=False, actor=SYSTEM)
    return made


def sent_back():
    from apps.payments.models import PaymentRefund
    from apps.payments.tests.factories import make_payment

    payment = make_payment(status="succeeded", succeeded_at="2026-01-01T00:00Z")
    return PaymentRefund.objects.create(payment=payment, amount=10, status="failed", owed=True, provider_id="re_back")


def tokens_that_differ():
    from apps.allocations.models import Transfer

    row = Transfer.objects.first()
    row.difference = "Otherwise"
    row.save(update_fields=["difference"])
    return row


def payout_that_differs(pk):
    from apps.payouts.models import PayoutTransfer

    return PayoutTransfer.objects.create(
        payout_id=pk, gateway="stripe_connect", account="acct_x", difference="Otherwise"
    )


def row_of(world, key):
    """The row that an action is pressed on, brought into the state it needs."""
    from apps.accounts.models import ApiKey, Membership, SignIn, TwoFactorDevice, User
    from apps.accounts.services import set_member_active
    from apps.allocations.models import Allocation
    from apps.audit.services import SYSTEM
    from apps.backoffice.jobs import create_job
    from apps.bonuses.models import Bonus
    from apps.catalogue.models import Product
    from apps.commissions.models import Commission, PlanVersion
    from apps.core.api.throttling import LOGIN_LOCKOUT
    from apps.core.models import OutboxEvent
    from apps.fraud.models import Freeze, Review
    from apps.fraud.services import freeze_partner
    from apps.notifications.models import Mail
    from apps.orders.models import Order, Service
    from apps.payouts.models import Payout, PayoutBatch
    from apps.referrals.models import Partner
    from apps.referrals.services import set_partner_status
    from apps.wallet.models import Deposit

    ids, what = world.ids, PRESSED[key]
    if what == "ben's suspended membership":
        set_member_active(user=User.objects.get(email="ben@example.com"), is_active=False, actor=SYSTEM, reason="x")
    if what == "below, inactive":
        partner = Partner.objects.get(pk=ids["below"])
        set_partner_status(partner=partner, status="inactive", reason="x", actor=SYSTEM)
    if what == "review, frozen":
        freeze_partner(partner=Review.objects.get(pk=ids["review"]).partner, reason="x", actor=SYSTEM)
    if what == "dead job":
        OutboxEvent.objects.update(done_at=None, dead_at="2026-01-01T00:00Z")
        return OutboxEvent.objects.first()
    if what == "ben's locked membership":
        ben = User.objects.get(email="ben@example.com")
        while not LOGIN_LOCKOUT.fail(ben.email):
            pass
    if key[0].startswith("rbac."):
        return role_of(what)
    found = {
        "ben's sign-in": lambda: SignIn.objects.filter(user__email="ben@example.com").first(),
        "dora's device": lambda: TwoFactorDevice.objects.get(user__email="dora@example.com"),
        "refund sent back": sent_back,
        "product off sale": lambda: off_sale(ids["product"]),
        "form": lambda: form(offered=True),
        "form taken off": lambda: form(offered=False),
        "tokens that differ": tokens_that_differ,
        "payout that differs": lambda: payout_that_differs(ids["approved"]),
    }
    if what in found:
        return found[what]()
    if what == "running job":
        boss = User.objects.get(email="boss@example.com")
        rows, screen = Commission.objects.all(), "commissions.commission"
        return create_job(actor=boss, screen=screen, action="approve", query="", note="", rows=rows)
    if "membership" in what:
        return Membership.objects.get(user__email="ben@example.com")
    if what in ("draft", "published"):
        plan = ids["draft"] if what == "draft" else ids["plan"]
        return PlanVersion.objects.get(plan_id=plan)
    models = {
        "allocation": Allocation,
        "failed_allocation": Allocation,
        "key": ApiKey,
        "bonus": Bonus,
        "frozen_bonus": Bonus,
        "deposit": Deposit,
        "failed mail": Mail,
        "freeze": Freeze,
        "review": Review,
        "commission": Commission,
        "order": Order,
        "product": Product,
        "service": Service,
        "requested": Payout,
        "approved": Payout,
        "failed": Payout,
        "proposed": PayoutBatch,
        "paid_batch": PayoutBatch,
        "below": Partner,
    }
    name = what.partition(",")[0]
    return models[name].objects.get(pk=ids[name])


@pytest.mark.parametrize("key", sorted(PRESSED), ids=".".join)
def test_an_action_of_the_back_office_is_in_the_audit(site, key, settings):
    from apps.accounts.models import User
    from apps.backoffice.tests.conftest import Office

    settings.UPLINE_THROTTLE = True  # without limits nobody is ever locked out
    world = build_world(site.pk)
    row = row_of(world, key)
    desk = Office(User.objects.get(email="boss@example.com"), site)
    before = events()

    desk.do(key[1], row, note="For a reason", confirmed="yes", **{f"seen-{row.pk}": getattr(row, "digest", "")})

    assert events() > before, desk.said
    assert AuditEvent.objects.order_by("-id").first().actor_name == "boss@example.com"
