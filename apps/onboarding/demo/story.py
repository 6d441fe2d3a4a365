"""One site's story: staff, a partner with a downline, clicks, orders, commissions in every state, payouts.

Runs in one transaction, so it is there whole or not at all; a seed per site makes it the same every time.
"""

import random
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from uuid import UUID

from django.utils import timezone

from apps.accounts.models import Membership, User
from apps.accounts.services import ensure_member
from apps.audit.services import SYSTEM
from apps.bonuses.services import set_rule
from apps.brokers.services import save_account
from apps.catalogue.models import Product as CatalogueProduct
from apps.catalogue.services import create_product
from apps.commissions.models import Commission
from apps.commissions.services import approve_commissions, create_plan, publish_plan, reject_commission
from apps.core import outbox
from apps.core.tenancy import site_context
from apps.fraud.services import freeze_partner
from apps.onboarding.demo import doubts, rewards
from apps.onboarding.demo.outside import TOKENS, secret
from apps.onboarding.demo.sites import NAMES, DemoSite, Product
from apps.onboarding.demo.workspace import WORKSPACE, tell_workspace
from apps.onboarding.services import Newcomer, register
from apps.orders.models import Order
from apps.orders.services import ExternalOrder, ReportedLine, record_external_order, refund_order
from apps.orders.services.customers import CustomerIds
from apps.payouts.services import add_method, approve_payout, process_payout, request_payout
from apps.rbac.models import Department, Role
from apps.rbac.services import add_member, assign_role, update_department
from apps.referrals.models import Click, Partner
from apps.referrals.services import create_link, record_click

# Staff who head a department, by its code.
HEADS = {"manager": "AFFILIATE_MGMT", "payouts": "FINANCE"}
STAFF = {"admin": "admin", "manager": "affiliate_manager", "payouts": "payout_manager"}


@dataclass
class Person:
    user: User
    partner: Partner


class Story:
    def __init__(self, demo: DemoSite, site_id: UUID, password: str) -> None:
        self.demo, self.site_id, self.password = demo, site_id, password
        self.draw = random.Random(demo.code)  # noqa: S311
        self.orders = 0

    def is_told(self) -> bool:
        with site_context(self.site_id):
            return User.objects.members().filter(email=f"partner@{self.demo.domain}").exists()

    def tell(self) -> None:
        with site_context(self.site_id):
            staff = self.hire()
            if self.demo.plan is not None:
                version = create_plan(terms=self.demo.plan, rules=self.demo.rules, actor=staff["admin"])
                publish_plan(plan=version.plan, actor=staff["admin"])
            people = self.recruit()
            if self.demo.settings.get("broker_accounts"):
                save_account(
                    user=people[0].user, broker_name="Zerodha", client_id="KT4821", api_key=secret("broker", self.demo.code),
                    api_secret=f"KT4821@{secret('session', self.demo.code)}",
                )  # fmt: skip
            if self.demo.bonuses:
                self.reward(people[0], staff)
            if self.demo.products:
                self.sell(people)
                self.settle(people[0], staff)
            if self.demo.doubts:
                doubts.raise_doubts(people[1].partner, domain=self.demo.domain, password=self.password, staff=staff)
                self.deliver()
            if self.demo.settings.get("broker_accounts"):
                self.freeze(people, staff)
            if self.demo.code == WORKSPACE:
                tell_workspace(self.demo, self.site_id, self.password, staff)

    def fill_shelf(self) -> None:
        """What is on sale here. Again it adds what is missing and changes nothing."""
        with site_context(self.site_id):
            known = set(CatalogueProduct.objects.values_list("sku", flat=True))
            for position, item in enumerate((*self.demo.products, *self.demo.more)):
                if item.sku and item.sku not in known:
                    values = {
                        "sku": item.sku, "name": item.name, "category": item.category, "price": item.amount,
                        "period": item.period, "tokens": Decimal(item.tokens) if item.tokens else None,
                        "inventory": item.inventory, "position": position,
                    }  # fmt: skip
                    create_product(values=values, actor=SYSTEM)

    def hire(self) -> dict[str, User]:
        found = {}
        for name, role in STAFF.items():
            user = ensure_member(
                email=f"{name}@{self.demo.domain}", password=self.password, full_name=f"{name.title()} at {self.demo.name}",
                user_type=Membership.Kind.STAFF,
            )  # fmt: skip
            assign_role(user=user, role=Role.objects.get(key=role), actor=SYSTEM, access=None)
            found[name] = user
        for name, code in HEADS.items():
            department = Department.objects.get(code=code)
            add_member(department=department, user=found[name], actor=SYSTEM, access=None)
            update_department(department=department, head=found[name], actor=SYSTEM, access=None)
        return found

    def recruit(self) -> list[Person]:
        """partner@ first; then each under a random earlier one, most of them by a click on a link."""
        first = self.join("partner", NAMES[0], None)
        people = [first]
        link = create_link(partner=first.partner, name="Newsletter")
        for number in range(1, self.demo.people):
            # Early partners recruit most; every third person comes under partner@ itself.
            sponsor = people[0] if number % 3 == 1 else people[self.draw.randrange(max(1, len(people) // 2 + 1))]
            for _ in range(self.draw.randint(1, 4)):
                click = record_click(
                    partner=sponsor.partner, link=link if sponsor is first and self.draw.random() < 0.4 else None,
                    ip=f"198.18.{self.draw.randint(1, 250)}.24", user_agent="Mozilla/5.0", url="/", referrer="",
                    at=timezone.now() - timedelta(minutes=10 + 7 * number),
                )  # fmt: skip
            people.append(self.join(f"p{number:02}", NAMES[number % len(NAMES)], click))
        return people

    def join(self, name: str, full_name: str, click: Click | None) -> Person:
        newcomer = Newcomer(
            email=f"{name}@{self.demo.domain}", password=self.password, full_name=full_name,
            click_id=str(click.pk) if click else "",
        )  # fmt: skip
        user, partner = register(newcomer)
        person = Person(user, partner)
        if partner.status == Partner.Status.PENDING:  # a server of one's own activates, here as in real use
            self.buy(person, self.demo.products[:1], days_ago=90)
            partner.refresh_from_db()
        return person

    def buy(self, person: Person, products: tuple[Product, ...], *, days_ago: int) -> Order:
        self.orders += 1
        report = ExternalOrder(
            external_id=f"{self.demo.code}-{10_000 + self.orders}",
            customer=CustomerIds(user_id=person.user.pk),
            currency=self.demo.currency,
            lines=tuple(
                ReportedLine(item.category, item.amount, sku=item.sku, name=item.name, period=item.period)
                for item in products
            ),
            paid_at=timezone.now() - timedelta(days=days_ago, minutes=self.draw.randint(0, 1200)),
        )
        order, _ = record_external_order(report=report, actor=SYSTEM)
        return order

    def sell(self, people: list[Person]) -> None:
        """The oldest first, as a shop would have reported them: lists stand in the order of recording."""
        sales = []
        for person in people[1:]:
            for _ in range(self.draw.randint(1, 3)):
                products = tuple(
                    self.draw.sample(self.demo.products, self.draw.randint(1, min(2, len(self.demo.products))))
                )
                sales.append((self.draw.randint(0, 75), person, products))
        for days_ago, person, products in sorted(sales, key=lambda sale: -sale[0]):
            self.buy(person, products, days_ago=days_ago)
        self.deliver()

    def settle(self, partner: Person, staff: dict[str, User]) -> None:
        """Approve the older part, pay it out, reject one, refund two orders: one unpaid, one paid already."""
        mine = Commission.objects.filter(user=partner.user, kind="commission")
        due = [row for row in mine.filter(status="pending").order_by("earned_at") if row.hold_until <= timezone.now()]
        approve_commissions(ids=[row.pk for row in due[: len(due) // 2]], actor=staff["manager"])
        add_method(
            user=partner.user, kind="bank",
            details={"account_holder": partner.user.full_name, "account_number": "000123454821", "bank_code": "DEMO0001234"},
        )  # fmt: skip
        if self.demo.code in TOKENS:
            address = f"0x{self.draw.getrandbits(160):040x}"
            add_method(user=partner.user, kind="crypto", details={"network": "ethereum", "address": address})
        payout = request_payout(user=partner.user)
        approve_payout(payout=payout, actor=staff["payouts"])
        process_payout(payout=payout, actor=staff["manager"], reference="N6912777774")
        paid = mine.filter(status="paid").order_by("amount").first()
        if paid is not None:
            refund_order(
                order=paid.order, external_id="R-1", amount=paid.order.amount // 4, reason="Part returned", actor=SYSTEM
            )
        waiting = mine.filter(status="pending").order_by("amount").exclude(order=paid.order if paid else None)
        if (returned := waiting.first()) is not None:
            refund_order(order=returned.order, external_id="R-2", reason="Returned", actor=SYSTEM)
        self.deliver()
        if (doubtful := mine.filter(status="pending").order_by("amount").first()) is not None:
            reject_commission(
                commission=doubtful, reason="Bought by the partner's own household", actor=staff["manager"]
            )
        approve_commissions(ids=[row.pk for row in due[len(due) // 2 : len(due) * 2 // 3]], actor=staff["manager"])

    def reward(self, partner: Person, staff: dict[str, User]) -> None:
        """Bonuses of the partner's and of an agent's, in every state that no refund is needed for."""
        for rule in rewards.RULES:
            set_rule(**rule, actor=staff["admin"])
        logins = {"domain": self.demo.domain, "password": self.password}
        agent = rewards.hire_agent(**logins)
        for sponsor, prefix in ((partner.partner, "bidder"), (agent, "client")):
            rewards.reward(list(rewards.bring(sponsor, prefix=prefix, **logins)), staff=staff, prefix=prefix)
        self.deliver()

    def freeze(self, people: list[Person], staff: dict[str, User]) -> None:
        """Somebody with people below and commissions that wait, who is looked into: frozen with what depends on them."""
        waiting = set(Commission.objects.filter(status="pending").values_list("partner_id", flat=True))
        doubtful = [one.partner for one in people[1:] if one.partner.pk in waiting]
        freeze_partner(
            partner=doubtful[-1], reason="Orders of one household, under several names.", actor=staff["manager"]
        )

    def deliver(self) -> None:
        """What the worker does after each commit, so that the story's next step finds it done."""
        while any(outbox.drain(self.site_id, consumer) for consumer in sorted(outbox.consumers())):
            continue
