import secrets
from typing import Any

import pytest

from apps.referrals import enrichment
from apps.referrals.models import Partner
from apps.referrals.tests.factories import make_partner


@pytest.fixture(autouse=True)
def _alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the figures of apps above: each is one query more, and theirs to test."""
    monkeypatch.setattr(enrichment, "_providers", {})


@pytest.fixture
def team(site: Any) -> dict[str, Partner]:
    """Ann > Bob > Dora > Eve and Ann > Carl; Zoe stands apart."""
    people: dict[str, Partner] = {}
    for name, sponsor in (("ann", ""), ("bob", "ann"), ("carl", "ann"), ("dora", "bob"), ("eve", "dora"), ("zoe", "")):
        people[name] = make_partner(people.get(sponsor), name=name.title())
    return people


@pytest.fixture
def address(settings: Any) -> str:
    """Rate limits on, and an address nobody has used: counters outlive a run."""
    settings.UPLINE_THROTTLE = True
    return f"2001:db8::{secrets.token_hex(2)}"
