"""One of each thing a site has, made by the services."""

from uuid import UUID

from apps.accounts.models import CryptoAddress, Membership, User
from apps.accounts.services import create_api_key
from apps.activities.services import run_activity
from apps.activities.tests.factories import give_funds, make_enterprise, make_form, make_sub_user, offer
from apps.audit.models import AuditEvent
from apps.audit.services import SYSTEM
from apps.brokers.services import save_account
from apps.commissions.models import Commission
from apps.commissions.services import commission_orders
from apps.commissions.tests.engine_values import percent
from apps.commissions.tests.factories import make_order, make_plan
from apps.fraud.services import freeze_partner
from apps.payments.tests.factories import make_account
from apps.payouts.services import add_method, propose_batch, request_payout
from apps.rbac.models import Department, Role, UserRole
from apps.rbac.services import add_member, assign_role
from apps.referrals.models import Partner
from apps.referrals.services import create_link, join
from apps.sites.models import Site
from apps.wallet.tests.factories import give_earnings
from tests.permissions.scenarios import owe_tokens, reward, suspect


def ids_of(site: Site) -> dict[str, UUID]:
    """Call it inside the site's context."""
    user = User.objects.create_user(email=f"stranger@{site.code.lower()}.example", password=None, full_name="Stranger")
    Membership.objects.create(user=user)
    partner = join(user=user)
    give_earnings(user, 1000, currency=site.currency)
    plan = make_plan(*percent("0.10")).plan
    order = make_order(None, below=partner)
    commission_orders([order.pk])
    department = Department.objects.get(code="SUPPORT")
    assign_role(user=user, role=Role.objects.get(key="sales_executive"), actor=SYSTEM, access=None)
    key, _ = create_api_key(name="shop", scopes=["orders.write"], actor=SYSTEM, access=None)
    tokens = owe_tokens(user)
    save_account(user=user, broker_name="Zerodha", client_id="AB1234", api_key="kite-key-0123456789")
    offer()
    make_form()
    code = site.code.lower()
    firm = make_enterprise(f"firm@{code}.example")
    give_funds(firm.user, 5000, site.currency)
    sub = make_sub_user(firm, f"sub@{code}.example")
    act = run_activity(user=sub.user, type="report_generation", params={"format": "xlsx"})
    make_account()
    brought = [
        User.objects.create_user(email=f"{name}@{site.code.lower()}.example", password=None)
        for name in ("new", "other")
    ]
    Membership.objects.bulk_create([Membership(user=one) for one in brought])
    rewards = reward(user, *brought)
    frozen = freeze_partner(partner=Partner.objects.get(user=brought[1]), reason="odd", actor=SYSTEM)
    return {
        "freeze": frozen.pk,
        "review": suspect(partner, points=30),
        "sub-user": sub.user_id,
        "membership": sub.pk,
        "activity": act.pk,
        "allocation": tokens["allocation"],
        "failed allocation": tokens["failed_allocation"],
        "crypto address": CryptoAddress.objects.of(user.pk).get().pk,
        "deposit": rewards["deposit"],
        "bonus": rewards["bonus"],
        "notification": rewards["notification"],
        "user": user.pk,
        "partner": partner.pk,
        "order": order.pk,
        "plan": plan.pk,
        "commission": Commission.objects.get(order=order).pk,
        "link": create_link(partner=partner, name="Blog").pk,
        "role": Role.objects.get(key="admin").pk,
        "department": department.pk,
        "department member": add_member(department=department, user=user, actor=SYSTEM, access=None).pk,
        "assignment": UserRole.objects.get(user=user, role__key="sales_executive").pk,
        "api key": key.pk,
        "payout method": add_method(user=user, kind="upi", details={"vpa": "stranger@upi"}).pk,
        "payout": request_payout(user=user, amount=100).pk,
        "payout batch": propose_batch(with_requests=False, with_available=True, actor=SYSTEM).pk,
        "audit event": AuditEvent.objects.first().pk,  # type: ignore[union-attr]
    }
