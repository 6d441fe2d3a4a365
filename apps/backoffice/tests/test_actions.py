"""What staff decide: through the services, with a reason, by those who may. A refusal is told, and changes nothing."""

from decimal import Decimal

import pytest
from django.utils import timezone

from apps.accounts.models import ApiKey, Membership
from apps.accounts.services import create_api_key
from apps.audit.models import AuditEvent
from apps.audit.services import SYSTEM
from apps.commissions.engine import Kind, Rule
from apps.commissions.models import Commission, PlanVersion
from apps.commissions.tests.factories import make_order, make_plan
from apps.core import outbox
from apps.core.models import OutboxEvent
from apps.payments.tests.factories import make_payment
from apps.payouts.services import approve_payout, request_payout
from apps.referrals.models import Partner, TreeMove
from apps.referrals.services import join
from apps.referrals.tests.factories import make_chain
from apps.sites.models import SiteSettings
from apps.wallet.models import Account, Balance, Deposit, Entry, Lot, Posting
from apps.wallet.selectors import wallet_summary
from apps.wallet.services import deposit_funds
from apps.wallet.tests.factories import give_earnings

from .conftest import listing, page_of

TEN = Rule("*", 1, Kind.PERCENT, Decimal("0.10"))
NOTHING_CHOSEN = "No action selected."
NO_REASON = "Say why: write the reason beside the action."


@pytest.fixture
def chain(site):
    """Four partners, each below the one before."""
    return make_chain(4)


@pytest.fixture
def commissions(chain, deliver):
    """Two that wait for approval, 100.00 each."""
    make_plan(TEN)
    make_order(chain[1])
    make_order(chain[1])
    deliver()
    return list(Commission.objects.order_by("id"))


@pytest.fixture
def payout(chain):
    give_earnings(chain[0].user, 50_000)
    return request_payout(user=chain[0].user, amount=20_000)


def now(row):
    row.refresh_from_db()
    return row.status


def test_commissions_are_approved_in_bulk(office, commissions, chain):
    desk = office("affiliate_manager")

    desk.do("approve", *commissions)

    assert [now(row) for row in commissions] == ["approved", "approved"]
    assert wallet_summary(chain[0].user_id).available == 20_000
    assert desk.said == ["2 approved."]
    desk.do("approve", *commissions)
    assert desk.said == ["anything level 1, anything level 1: decided before"]
    assert wallet_summary(chain[0].user_id).available == 20_000


def test_a_held_commission_stays_held(office, chain, deliver):
    make_plan(TEN, hold_days=7)
    make_order(chain[1])
    deliver()
    desk, held = office("affiliate_manager"), Commission.objects.get()

    desk.do("approve", held)

    assert now(held) == "pending"
    assert desk.said == ["anything level 1: still held"]


def test_a_rejection_needs_a_reason(office, commissions):
    desk = office("affiliate_manager")

    desk.do("reject", commissions[0])
    assert (now(commissions[0]), desk.said) == ("pending", [NO_REASON])
    desk.do("reject", commissions[0], note="Returned")

    assert (now(commissions[0]), commissions[0].rejected_reason) == ("rejected", "Returned")
    assert now(commissions[1]) == "pending"


@pytest.mark.parametrize("role", ["admin", "payout_manager"])
def test_without_the_key_commissions_are_only_read(office, commissions, role):
    desk = office(role)

    assert b"Choose what to do" not in desk.get("/admin/commissions/commission/").content
    desk.do("approve", *commissions)

    assert [now(row) for row in commissions] == ["pending", "pending"]


def test_an_action_on_a_rows_page_leads_back_to_it(office, commissions):
    desk, row = office("affiliate_manager"), commissions[0]
    page = f"/admin/commissions/commission/{row.pk}/change/"
    assert b'value="approve"' in desk.get(page).content

    data = {"action": "approve", "index": "0", "_selected_action": str(row.pk), "note": "", "next": page}
    answer = desk.post("/admin/commissions/commission/", data)

    assert answer["Location"] == page
    assert now(row) == "approved"
    assert b'value="approve"' not in desk.get(page).content
    elsewhere = desk.post("/admin/commissions/commission/", data | {"next": "https://elsewhere.example/"})
    assert elsewhere["Location"].startswith("/admin/")


def test_a_payout_from_review_to_the_banks_reference(office, payout):
    office("payout_manager").do("approve", payout)
    assert now(payout) == "approved"

    office("affiliate_manager").do("process", payout, note="UTR 123")

    assert (now(payout), payout.reference) == ("completed", "UTR 123")
    assert wallet_summary(payout.user_id).held == 0


def test_a_payout_is_rejected_with_a_reason_and_the_money_is_back(office, payout):
    desk = office("payout_manager")
    desk.do("reject", payout)
    assert (now(payout), desk.said) == ("requested", [NO_REASON])

    desk.do("reject", payout, note="Wrong account")

    assert (now(payout), payout.reason) == ("rejected", "Wrong account")
    assert wallet_summary(payout.user_id).available == 50_000


def test_refusals_of_payouts_are_told(office, payout, make_user):
    desk = office("super_admin")
    desk.do("process", payout)
    assert desk.said == [f"{payout}: A payout can't go from requested to processing."]
    give_earnings(desk.user, 1000)
    own = request_payout(user=desk.user, amount=1000)

    desk.do("approve", own)

    assert desk.said == [f"{own}: Somebody else has to decide your own payout."]
    assert (now(payout), now(own)) == ("requested", "requested")


def test_approving_and_processing_are_two_roles(office, payout):
    office("affiliate_manager").do("approve", payout)
    assert now(payout) == "requested"
    approve_payout(payout=payout, actor=SYSTEM)

    office("payout_manager").do("process", payout, note="x")

    assert now(payout) == "approved"


def test_a_partner_is_frozen_and_made_active_with_reasons(office, chain):
    desk, partner = office("affiliate_manager"), chain[1]
    desk.do("freeze", partner)
    assert (now(partner), desk.said) == ("active", [NO_REASON])

    desk.do("freeze", partner, note="Many accounts")
    assert now(partner) == "frozen"
    desk.do("make_active", partner, note="Cleared up")

    assert now(partner) == "active"
    reasons = AuditEvent.objects.filter(action="partner.status_changed").order_by("id").values_list("reason", flat=True)
    assert list(reasons) == ["Many accounts", "Cleared up"]


def test_a_reader_freezes_nobody(office, chain):
    desk = office("admin")

    desk.do("freeze", chain[1], note="Because")

    assert now(chain[1]) == "active"


def test_a_move_is_looked_at_before_it_is_made(office, chain):
    desk, top = office("affiliate_manager"), chain[0]
    move = f"/admin/referrals/partner/{chain[2].pk}/move/"
    wanted = {"sponsor": top.code, "reason": "Wrong sponsor", "effective_at": ""}

    preview = desk.post(move, wanted).content.decode()
    assert "What would change" in preview
    assert "Move 2 people" in preview
    assert not TreeMove.objects.exists()
    answer = desk.post(move, wanted | {"confirm": "yes"})

    assert answer.status_code == 302
    chain[2].refresh_from_db()
    assert chain[2].sponsor_id == top.pk
    assert TreeMove.objects.get().reason == "Wrong sponsor"


@pytest.mark.parametrize(
    ("sponsor", "said"),
    [
        ("below", "Nobody can stand below themselves."),
        ("present", "That is their sponsor already."),
        ("nobody", "No partner of this site has that code or e-mail."),
    ],
)
def test_moves_that_cannot_be(office, chain, sponsor, said):
    desk = office("affiliate_manager")
    codes = {"below": chain[3].code, "present": chain[1].code, "nobody": "ZZZZZZZZZZZZ"}

    answer = desk.post(
        f"/admin/referrals/partner/{chain[2].pk}/move/", {"sponsor": codes[sponsor], "reason": "x", "confirm": "yes"}
    )

    assert said in answer.content.decode()
    assert Partner.objects.get(pk=chain[2].pk).sponsor_id == chain[1].pk


def test_moving_takes_the_key_and_a_reason(office, chain):
    url = f"/admin/referrals/partner/{chain[2].pk}/move/"
    assert office("admin").get(url).status_code == 403

    answer = office("affiliate_manager").post(url, {"sponsor": chain[0].code, "reason": "", "confirm": "yes"})

    assert "This field is required." in answer.content.decode()
    assert not TreeMove.objects.exists()


def test_an_order_is_refunded_with_a_reason(office, chain):
    order, desk = make_order(chain[1]), office("admin")
    desk.do("refund_rest", order)
    assert (now(order), desk.said) == ("paid", [NO_REASON])

    desk.do("refund_rest", order, note="Broken")
    assert (now(order), order.refunds.get().reason, desk.said) == ("refunded", "Broken", ["1 order refunded."])
    desk.do("refund_rest", order, note="Again")

    assert desk.said == [f"{order}: This order is refunded."]
    assert order.refunds.count() == 1


def test_refunding_takes_the_key(office, chain):
    order = make_order(chain[1])

    office("sales_executive").do("refund_rest", order, note="x")

    assert now(order) == "paid"


def test_a_failed_job_is_tried_again(office, site, chain):
    outbox.publish("partner.activated", key="x", payload={})
    make_order(chain[1])
    job = OutboxEvent.objects.first()
    OutboxEvent.objects.filter(pk=job.pk).update(dead_at=job.created_at, attempts=8, last_error="it broke")
    office("affiliate_manager").do("replay", job)
    job.refresh_from_db()
    assert job.dead_at is not None

    office("super_admin").do("replay", job)

    job.refresh_from_db()
    assert (job.dead_at, job.attempts) == (None, 0)
    assert AuditEvent.objects.filter(action="job.replayed").count() == 1


def test_a_member_is_suspended_and_restored(office, make_user):
    member = Membership.objects.get(user=make_user("m@example.com"))
    desk = office("admin")
    desk.do("suspend", member)
    assert Membership.objects.get(pk=member.pk).is_active

    desk.do("suspend", member, note="Left the company")
    assert not Membership.objects.get(pk=member.pk).is_active
    desk.do("restore", member, note="Came back")

    assert Membership.objects.get(pk=member.pk).is_active
    office("support_agent").do("suspend", member, note="x")
    assert Membership.objects.get(pk=member.pk).is_active


def test_a_key_is_shown_once(office, site):
    desk = office("super_admin")

    answer = desk.post("/admin/accounts/apikey/add/", {"name": "Shop", "scopes": ["orders.write"]})

    key = ApiKey.objects.get()
    page = answer.content.decode()
    raw = page.split('value="upl_')[1].split('"')[0]
    assert raw[:8] == key.prefix[4:]
    assert "no-store" in answer["Cache-Control"]
    later = desk.get(f"/admin/accounts/apikey/{key.pk}/change/").content.decode()
    assert raw not in later
    assert key.key_hash not in later


def test_nobody_gives_a_key_more_than_they_hold(office, site):
    desk = office("admin")  # no permission.manage

    assert desk.get("/admin/accounts/apikey/add/").status_code == 403
    assert desk.post("/admin/accounts/apikey/add/", {"name": "Shop", "scopes": ["orders.write"]}).status_code == 403
    assert not ApiKey.objects.exists()


def test_keys_are_rotated_and_revoked(office, site):
    key, raw = create_api_key(name="Shop", scopes=["orders.write"], actor=SYSTEM, access=None)
    desk, before = office("super_admin"), key.key_hash

    answer = desk.do("rotate", key)
    key.refresh_from_db()
    assert key.key_hash != before
    assert raw not in answer.content.decode()
    assert key.prefix in answer.content.decode()
    office("admin").do("revoke", key)
    key.refresh_from_db()
    assert key.revoked_at is None
    desk.do("revoke", key)

    key.refresh_from_db()
    assert key.revoked_at is not None


def test_a_plan_is_made_with_amounts_as_people_write_them(office, site):
    desk = office("admin")
    terms = {"name": "Mine", "depth": 2, "base": "order", "compression": "none", "approval": "manual", "hold_days": 0}
    rule = {"category": "server", "level": 1, "kind": "flat", "rate": "", "flat_amount": "1,234.50", "cap": ""}
    rows = {f"rules-0-{name}": value for name, value in rule.items()}

    answer = desk.post(
        "/admin/commissions/planversion/add/",
        {**terms, "minimum": "0.50", "rules-TOTAL_FORMS": 1, "rules-INITIAL_FORMS": 0, **rows},
    )

    assert answer.status_code == 302, answer.content.decode()[:4000]
    version = PlanVersion.objects.get()
    assert (version.minimum, version.rules.get().flat_amount) == (50, 123_450)
    desk.do("publish", version)
    assert now(version) == "published"
    page = desk.get(f"/admin/commissions/planversion/{version.pk}/change/").content.decode()
    assert "₹1,234.50 each" in page
    assert 'name="_save"' not in page


def test_settings_are_changed_in_the_sites_currency_and_audited(office, site):
    settings, desk = SiteSettings.objects.get(), office("admin")
    url = f"/admin/sites/sitesettings/{settings.pk}/change/"
    form = {
        "activation": "none", "activation_fee": "0", "qualifying_categories": "server\ndomain", "attribution": "last_click",
        "attribution_days": "30", "payout_minimum": "500.00", "payout_cooldown_hours": "24", "landing_url": "",
        "shop_origins": "", "step_up_minutes": "15", "method_cooldown_hours": "24", "order_minutes": "30",
        "deposit_minimum": "1.00", "deposit_maximum": "0", "low_balance": "0", "bonus_daily_cap": "10",
        "bonus_device_limit": "2", "bonus_device_hours": "24", "first_bid_category": "", "payout_schedule": "on_request",
        "payout_day": "1", "payout_net_days": "0", "payout_without_method": "waits", "payout_asset": "",
        "payout_network": "ethereum", "tax_year_month": "1",
    }  # fmt: skip

    assert 'value="0.01"' in desk.get(url).content.decode()
    assert desk.post(url, form).status_code == 302

    settings.refresh_from_db()
    assert (settings.payout_minimum, settings.payout_cooldown_hours) == (50_000, 24)
    assert settings.qualifying_categories == ["server", "domain"]
    event = AuditEvent.objects.get(action="sitesettings.changed")
    assert event.before == {"payout_minimum": 1, "payout_cooldown_hours": 0, "qualifying_categories": []}
    wrong = desk.post(url, form | {"payout_minimum": "0.001"})
    assert "Write an amount such as" in wrong.content.decode()
    assert office("affiliate_manager").post(url, form | {"payout_minimum": "1.00"}).status_code == 403


@pytest.mark.parametrize("model", [Entry, Posting, Account, Balance, Lot, AuditEvent], ids=lambda model: model.__name__)
def test_books_and_audit_are_only_read(office, payout, model):
    desk, row = office("super_admin"), model.objects.first()

    assert b"Choose what to do" not in desk.get(listing(model)).content
    assert b'name="_save"' not in desk.get(page_of(row)).content
    assert desk.get(f"{listing(model)}add/").status_code == 403
    assert desk.post(page_of(row), {"amount": "1", "reason": "x"}).status_code == 403
    assert desk.post(page_of(row).replace("change", "delete"), {"post": "yes"}).status_code == 403


@pytest.mark.parametrize("chosen", ["x", "", "1"])
def test_what_can_be_no_row_is_refused(office, site, chosen):
    desk = office("super_admin")

    answer = desk.post(listing(ApiKey), {"action": "revoke", "index": "0", "_selected_action": chosen, "note": ""})

    assert (answer.status_code, desk.said) == (302, ["Choose rows of this list."])


def test_staff_do_not_refund_their_own_order(office, site):
    desk = office("admin")
    order = make_order(join(user=desk.user))

    desk.do("refund_rest", order, note="Broken")

    assert desk.said == [f"{order}: Somebody else has to refund your own order."]
    assert (now(order), order.refunds.count()) == ("paid", 0)


def test_staff_do_not_refund_their_own_deposit(office, site):
    desk = office("admin")
    deposit = Deposit.objects.create(user=desk.user, amount=500, currency="INR", status="paid", paid_at=timezone.now())
    deposit_funds(user_id=desk.user.pk, amount=500, currency="INR", ref_id=str(deposit.pk))
    payment = make_payment(
        purpose="deposit", subject_id=deposit.pk, amount=500, status="succeeded", user=desk.user, succeeded_at=timezone.now()
    )  # fmt: skip

    desk.do("refund_rest", deposit, note="Mine")

    assert desk.said == [f"{deposit}: Somebody else has to refund your own deposit."]
    assert (now(deposit), payment.refunds.count(), wallet_summary(desk.user.pk).funds) == ("paid", 0, 500)
