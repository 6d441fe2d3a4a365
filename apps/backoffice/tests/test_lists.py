"""Every list and row of the back office, whatever is registered: costs, secrets, empty states, words."""

import re
from dataclasses import replace
from decimal import Decimal

import pytest
from django.contrib import admin
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from apps.accounts.models import ApiKey, Identity, IdentityProvider, TwoFactorDevice, User
from apps.accounts.oidc import set_provider
from apps.accounts.services import create_api_key
from apps.accounts.tests.authenticator import enrol
from apps.accounts.tokens import issue_pair
from apps.activities.models import ActivityType
from apps.activities.services import run_activity
from apps.activities.tests.factories import make_form, offer
from apps.allocations.models import Allocation
from apps.allocations.services import send_batch
from apps.allocations.tests.factories import give_address, make_custody, make_token_order
from apps.audit.models import AuditLink
from apps.audit.services import SYSTEM, record
from apps.backoffice.jobs import create_job
from apps.bonuses.services import apply_first_event, report_refund, set_rule
from apps.bonuses.services.applying import first_bid
from apps.catalogue.tests.factories import make_product
from apps.commissions.engine import Kind, Rule
from apps.commissions.models import Commission
from apps.commissions.services import approve_commissions, set_overrides
from apps.commissions.tests.factories import make_order, make_plan
from apps.core.ids import uuid7
from apps.core.models import ChainHead, IdempotencyKey, InboxEvent, OutboxEvent
from apps.custody.models import CustodyAccount
from apps.fraud.models import FraudSettings
from apps.fraud.services import change_fraud_settings, freeze_partner
from apps.notifications.services import News, set_preferences, tell
from apps.orders.services import Item, issue_invoices, place_order, record_external_order
from apps.orders.tests.factories import make_report
from apps.payments.models import Dispute, StripeAccount
from apps.payments.services import request_refund
from apps.payments.tests.factories import make_account, make_payment
from apps.payouts.models import PayoutMethod, PayoutResultFile
from apps.payouts.services import add_method, keep_comparison, propose_batch, request_payout
from apps.payouts.tests.factories import begin, make_partner
from apps.rbac import catalogue
from apps.rbac.access import Access
from apps.rbac.models import PlatformRole, Role
from apps.rbac.services import add_member, assign_role, create_department
from apps.rbac.services.departments import WantedPosition
from apps.referrals.services import create_link, move_partner, record_click
from apps.referrals.tests.factories import make_chain
from apps.sites.models import Site, SiteSettings
from apps.wallet.models import EntryLink
from apps.wallet.services import open_deposit

from .conftest import listing, our_models, page_of

# One per site, one per installation, or written by others than a site's services: lists that can't grow in a test.
SINGLE = {
    ActivityType,
    CustodyAccount,
    FraudSettings,
    IdentityProvider,
    Site,
    SiteSettings,
    StripeAccount,
    PlatformRole,
    ChainHead,
    AuditLink,
    EntryLink,
}


def pay_by_gateway(number):
    """A payout by Stripe, a batch that is proposed, what a bank said of it at length, and a comparison."""
    begin(*make_partner(f"paid{number}", 100, kind="stripe_connect", account_id=f"acct_paid{number}"))
    make_partner(f"waits{number}", 100)
    batch = propose_batch(with_requests=False, with_available=True, actor=SYSTEM)
    PayoutResultFile.objects.create(batch=batch, rows=501)
    keep_comparison(since=timezone.now(), differences=[], actor=SYSTEM)


def one_more(site, deliver, number):
    """Another of everything, by the services."""
    make_plan(Rule("*", 1, Kind.PERCENT, Decimal("0.10")), depth=3, name=f"Plan {number}")
    top, ben, cleo = make_chain(3)
    set_overrides(partner=top, rules=[Rule("own", 1, Kind.PERCENT, Decimal("0.20"))], actor=SYSTEM)
    make_order(ben)
    make_account()
    bought, _ = place_order(user=ben.user, items=[Item(sku=make_product().sku)])
    issue_invoices([OutboxEvent(payload={"order_id": str(bought.pk)})])
    report = make_report(("server", 1000), buyer=ben)
    line = replace(report.lines[0], period="month")
    record_external_order(report=replace(report, lines=(line,)), actor=SYSTEM)
    make_order(None, below=cleo)
    open_deposit(user=ben.user, amount=5_000 + number)
    set_rule(type="first_bid", kind="fixed", value=100 + number, actor=SYSTEM)
    bid = first_bid(user_id=cleo.user_id, ref=f"b-{number}", amount=0, device_id="", ip_address="")
    apply_first_event(thing=bid, actor=SYSTEM)
    report_refund(deposit_ref=f"wt-{number}", amount=100, actor=SYSTEM)
    tell([News(top.user_id, "payout", str(number), {"what": "approved", "amount": number, "currency": "INR"})])
    set_preferences(user=ben.user, changes={"bonus": {"inbox": number % 2 == 0, "email": "off"}})
    freeze_partner(partner=make_chain(1)[0], reason="odd", actor=SYSTEM)
    change_fraud_settings(changes={"retention_days": 100 + number}, actor=SYSTEM)
    if number <= 2:
        pay_by_gateway(number)
    deliver()
    pending = Commission.objects.filter(status="pending").values_list("pk", flat=True)
    approve_commissions(ids=list(pending), actor=SYSTEM)
    add_method(user=top.user, kind="upi", details={"vpa": "secret-address@upi"})
    request_payout(user=top.user, amount=100)
    link = create_link(partner=top, name=f"Link {number}")
    record_click(partner=top, link=link, ip="198.51.100.1", user_agent="Browser")
    move_partner(partner=cleo, new_sponsor=top, reason="Test", actor=SYSTEM)
    create_api_key(name=f"Key {number}", scopes=["orders.write"], actor=SYSTEM, access=None)
    issue_pair(user=top.user, site=site)
    offer(report=0)
    make_form()
    run_activity(user=top.user, type="report_generation", params={"format": "xlsx"})
    create_job(
        actor=top.user, screen="commissions.commission", action="approve", query="", note="", rows=Commission.objects.all()
    )  # fmt: skip
    enrol(top.user)
    set_provider(issuer="https://issuer.example/", audience="upline", actor=SYSTEM)
    Identity.objects.create(user=top.user, issuer="https://issuer.example/", subject=f"subject-{number}")
    make_account()
    make_custody()
    give_address(top.user)
    make_token_order(top.user)
    deliver()
    allocation = Allocation.objects.filter(status="pending").first()
    send_batch(allocation_ids=[allocation.pk], actor=SYSTEM)
    payment = make_payment(status="succeeded", succeeded_at="2026-01-01T00:00Z")
    request_refund(payment=payment, external_id=f"r-{number}", amount=1, reason="", actor=SYSTEM)
    Dispute.objects.create(payment=payment, provider_id=f"dp_{number}", amount=1)
    InboxEvent.objects.create(source="stripe", event_id=f"evt_{number}", kind="charge.refunded", payload={})
    IdempotencyKey.objects.create(
        caller="user:x",
        key=f"key-{number}",
        fingerprint="f" * 64,
        locked_until="2026-01-01T00:00Z",
        body=b"secret-body",
    )
    role = Role.objects.create(key=f"role_{number}", name=f"Role {number}")
    wanted = [WantedPosition("post", "Post", role)]
    part = create_department(
        code=f"PART{number}", name=f"Part {number}", purpose="", positions=wanted, actor=SYSTEM, access=None
    )
    add_member(department=part, user=top.user, position=part.positions.get(), actor=SYSTEM, access=None)
    assign_role(
        user=top.user, role=role, scope="department", scope_id=part.pk, actor=SYSTEM, access=None
    )  # fmt: skip


def statements(desk, url):
    desk.get(url)
    with CaptureQueriesContext(connection) as found:
        answer = desk.get(url)
    assert answer.status_code == 200, url
    return len(found)


def test_a_list_costs_the_same_with_one_row_and_with_four(site, office, deliver, steady_sites):
    desk = office("super_admin")
    one_more(site, deliver, 1)
    for _ in range(
        60
    ):  # a list of more than a page reads its keys first, and five more of everything would make it one
        record(actor=SYSTEM, action="list.tested")
        OutboxEvent.objects.create(
            topic="list.tested", consumer="test", key=str(uuid7()), payload={}, done_at=timezone.now()
        )
    before = {model: (model.objects.count(), statements(desk, listing(model))) for model in our_models()}
    for number in range(2, 5):
        one_more(site, deliver, number)

    after = {model: (model.objects.count(), statements(desk, listing(model))) for model in our_models()}
    grew = {model for model in after if after[model][0] > before[model][0]}
    costs = {model: (before[model][1], after[model][1]) for model in grew if before[model][1] != after[model][1]}

    assert costs == {}
    assert {model._meta.label for model in our_models()} - {model._meta.label for model in grew | SINGLE} == {
        "rbac.Permission"
    }


def test_headlines_are_plain_words(site, office, deliver):
    """What is made for a cell of a list would stand there as code."""
    one_more(site, deliver, 1)
    wrong = {}
    for model, screen in admin.site._registry.items():
        row = screen.get_queryset(Asked(site)).order_by("pk").first() if model in our_models() else None
        if row is not None and set("<>&") & set(screen.title_of(row)):
            wrong[model._meta.label] = screen.title_of(row)

    assert wrong == {}


def test_no_row_shows_a_secret(site, office, deliver):
    desk = office("super_admin")
    one_more(site, deliver, 1)
    wrong = []
    for model in our_models():
        row = admin.site._registry[model].get_queryset(Asked(site)).order_by("pk").first()
        if row is None:
            continue
        page = desk.get(page_of(row)).content.decode()
        shown = {
            name
            for name in ("password", "key_hash", "jti_hash", "details", "body", "hash", "secret")
            if has(page, row, name)
        }
        if shown or re.search(r"secret-(address|body)|argon2", page):
            wrong.append(f"{model._meta.label}: {shown}")

    assert wrong == []


def has(page, row, name):
    value = getattr(row, name, None)
    text = value.hex() if isinstance(value, (bytes, memoryview)) else value
    return bool(text) and isinstance(text, str) and text in page


class Asked:
    GET: dict = {}

    def __init__(self, site):
        self.site = site
        self.access = Access.of([("super_admin", "site", None, catalogue.ALL_KEYS)])


@pytest.mark.parametrize("model", our_models(), ids=lambda model: model._meta.label)
def test_a_list_says_what_it_is_and_what_an_empty_search_means(site, office, model):
    desk = office("super_admin")

    page = desk.get(listing(model), {"q": str(uuid7())}).content.decode()

    assert admin.site._registry[model].intro
    assert "Nothing fits" in page or "No " in page
    for word in ("<style", " style=", "onclick=", "<script>"):
        assert word not in page


def test_every_registered_model_stands_in_the_navigation(site, office):
    page = office("super_admin").get("/admin/").content.decode()
    side = page.split('<main class="main"')[0]

    missing = [model._meta.label for model in our_models() if f'href="{listing(model)}"' not in side]

    assert missing == []
    assert "<summary>More" not in side


def test_amounts_and_times_are_the_sites(site, office, deliver):
    desk = office("super_admin")
    one_more(site, deliver, 1)

    page = desk.get(listing(Commission)).content.decode()

    assert "₹100.00" in page
    assert f"Times are those of {site.time_zone}" in page
    assert desk.get(page_of(Commission.objects.first())).content.decode().count("₹") >= 3


@pytest.mark.parametrize("path", ["", "export/"])
@pytest.mark.parametrize(
    ("model", "lookup"),
    [
        (User, "password__startswith"), (User, "email__regex"), (TwoFactorDevice, "secret__startswith"),
        (ApiKey, "key_hash__startswith"), (PayoutMethod, "details__contains"), (Commission, "pk__range"),
        (Commission, "status__regex"), (Commission, "user__password__startswith"), (Commission, "created_at__year"),
    ],
)  # fmt: skip
def test_a_list_is_asked_by_its_filters_only(site, office, model, lookup, path):
    """A hash that is not shown could else be guessed letter by letter."""
    desk = office("super_admin")

    answer = desk.get(f"{listing(model)}{path}", {lookup: "a", **({"format": "csv"} if path else {})})

    assert answer.status_code == 400


def test_every_filter_of_a_list_still_asks(site, office, deliver):
    desk = office("super_admin")
    one_more(site, deliver, 1)
    for model in our_models():
        changelist = desk.get(listing(model)).context.get("cl")
        if changelist is None:  # a page of its own
            continue
        choices = [choice for spec in changelist.filter_specs for choice in spec.choices(changelist)]
        for query in [choice["query_string"] for choice in choices if "query_string" in choice]:
            assert desk.get(listing(model) + query).status_code == 200, (model._meta.label, query)


def test_an_empty_list_says_what_it_is_called(office, site):
    """The page's own words, and not the table's."""
    text = office("admin").get(listing(InboxEvent)).content.decode()

    assert "News from outside" in text
    assert "inbox event" not in text.lower()
    assert "Nothing here yet" in text
