"""What the six demo sites are, and what their plans pay."""

from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from apps.commissions.engine import Kind, Rule


@dataclass(frozen=True)
class Product:
    """Something the demo's people buy. `amount` in minor units; with a `sku` it is on the site's own shelf too."""

    category: str
    name: str
    amount: int
    sku: str = ""
    period: str = ""
    tokens: str = ""
    inventory: int | None = None


@dataclass(frozen=True)
class DemoSite:
    code: str
    name: str
    currency: str
    hue: int
    people: int
    settings: dict[str, Any] = field(default_factory=dict)
    plan: dict[str, Any] | None = None
    rules: tuple[Rule, ...] = ()
    products: tuple[Product, ...] = ()
    bonuses: bool = False  # rewards for first deposits and bids
    doubts: bool = False  # partners about whom something is noticed
    more: tuple[Product, ...] = ()  # on the shelf, and nobody has bought it yet

    @property
    def domain(self) -> str:
        return f"{self.code.lower()}.example"


def percents(category: str, *values: str) -> tuple[Rule, ...]:
    """`values` are percent per level, from level 1."""
    return tuple(
        Rule(category, level, Kind.PERCENT, Decimal(value) / 100, None) for level, value in enumerate(values, start=1)
    )


def flats(category: str, *values: int) -> tuple[Rule, ...]:
    """`values` are minor units per unit, from level 1."""
    return tuple(Rule(category, level, Kind.FLAT, value, None) for level, value in enumerate(values, start=1))


def _plan(name: str, depth: int, *, approval: str = "manual", hold_days: int = 0) -> dict[str, Any]:
    return {
        "name": name, "depth": depth, "base": "order", "compression": "none", "approval": approval, "hold_days": hold_days,
        "minimum": 0,
    }  # fmt: skip


_TOKENS = (
    Product("token", "Token, tier 1", 25_000, "tier-1", tokens="2500", inventory=400),
    Product("token", "Token, tier 2", 100_000, "tier-2", tokens="11000", inventory=50),
)

SITES: tuple[DemoSite, ...] = (
    DemoSite(
        "TRADING", "Kestrel Trading", "INR", 275, people=30, settings={"broker_accounts": True}, doubts=True,
        plan=_plan("Brokerage, 20 levels", 20),
        rules=percents("brokerage", "10", "5", "3", "2", "2", *["1"] * 5, *["0.5"] * 10),
        products=(
            Product("brokerage", "Brokerage, equities", 118_000),
            Product("brokerage", "Brokerage, futures", 246_550),
            Product("brokerage", "Brokerage, options", 74_325),
        ),
    ),
    DemoSite(
        "HOSTING", "Banyan Hosting", "INR", 215, people=26,
        settings={
            "activation": "required", "activation_fee": 49_900, "qualifying_categories": ["server"],
            "payout_minimum": 50_000, "payout_cooldown_hours": 24, "tax_year_month": 4,
        },
        plan=_plan("Hosting standard", 3),
        rules=(
            *percents("server", "20", "10", "5"), *flats("domain", 10_000, 5_000, 2_500), *percents("addon", "15", "8", "4"),
        ),
        products=(
            Product("server", "Cloud VPS 4 GB, 1 year", 1_198_800, "vps-4", period="year"),
            Product("server", "Dedicated S, 1 month", 849_900, "dedicated-s", period="month", inventory=12),
            Product("domain", "Domain, 1 year", 89_900, "domain", period="year"),
            Product("addon", "Managed backups, prorated", 111_745),
            Product("addon", "Extra IPv4, 1 year", 538_920, "ipv4", period="year"),
        ),
        more=(
            Product("server", "Cloud VPS 2 GB, 1 year", 1_000_000, "vps-2", period="year"),
            Product("addon", "Managed backups, 1 month", 99_900, "backups", period="month"),
        ),
    ),
    DemoSite(
        "NA", "Presale, Americas", "USD", 315, people=12,
        plan=_plan("Presale", 2, approval="auto", hold_days=7), rules=percents("token", "12", "4"), products=_TOKENS,
    ),
    DemoSite(
        "ASIA", "Presale, Asia", "USD", 330, people=12,
        plan=_plan("Presale", 2, approval="auto", hold_days=7), rules=percents("token", "12", "4"), products=_TOKENS,
    ),
    DemoSite("AUCTION", "Gavel Auctions", "INR", 38, people=10, settings={"low_balance": 10_000}, bonuses=True, doubts=True),
    DemoSite("WORKSPACE", "Deskline", "INR", 155, people=8),
)  # fmt: skip

NAMES = (
    "Meera Krishnan", "Dev Rao", "Farhan Sheikh", "Uma Khan", "Manav Reddy", "Ojas Patel", "Arjun Nair", "Deepa Khan",
    "Qadir Thomas", "Ela Naidu", "Pooja Nair", "Mohit Chauhan", "Girish Gupta", "Zubin Joshi", "Simran Nair", "Nandini Bhat",
    "Ishaan Bhat", "Zoya Bose", "Hema Das", "Kiran Bhatt", "Anita Roy", "Sunil Dutta", "Leela Menon", "Vikram Iyer",
    "Tara Shah", "Rohan Mehta", "Nisha Pillai", "Imran Qureshi", "Latha Rao", "Bharat Jain", "Yamini Das", "Omkar Kulkarni",
)  # fmt: skip
