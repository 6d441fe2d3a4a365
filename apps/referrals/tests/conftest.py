from collections.abc import Iterator
from typing import Any

import pytest
from django.core.cache import cache

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
def limits(settings: Any) -> Iterator[None]:
    """Rate limits on, and forgotten between tests."""
    settings.UPLINE_THROTTLE = True
    cache.clear()
    yield
    cache.clear()
