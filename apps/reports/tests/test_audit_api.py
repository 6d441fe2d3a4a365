"""GET /admin/audit: the same events and filters as the back office's list."""

from datetime import timedelta

import pytest
from django.utils import timezone

from apps.audit.services import SYSTEM, record

URL = "/api/v1/admin/audit"


@pytest.fixture
def boss(make_user):
    return make_user("boss@example.com", roles=["super_admin"])


@pytest.fixture
def event(site, boss):
    record(actor=SYSTEM, action="plan.published", target=site)
    return record(
        actor=boss, action="payout.approved", target=site, before={"status": "requested"}, after={"status": "approved"},
        reason="Looked over",
    )  # fmt: skip


def test_a_row_says_who_what_and_from_what_to_what(api, boss, event, site):
    row = api(boss).get(URL, {"limit": 1}).json()["results"][0]

    assert row == {
        "id": str(event.pk), "created_at": row["created_at"], "actor_kind": "user", "actor_id": str(boss.pk),
        "actor_name": "boss@example.com", "action": "payout.approved", "said": "approved a payout",
        "target_type": "sites.site", "target_id": str(site.pk), "target_name": "ALPHA",
        "before": {"status": "requested"}, "after": {"status": "approved"}, "reason": "Looked over", "ip": "",
        "request_id": "",
    }  # fmt: skip


@pytest.mark.parametrize(
    "query",
    [
        {"actor": "boss@example.com"}, {"actor_id": "{boss}"}, {"kind": "user"}, {"about": "payout"},
        {"action": "payout.approved"}, {"action": "payout.approved", "target_id": "{site}", "target_type": "sites.site"},
        {"about": "payout", "date_from": "{today}", "date_to": "{today}"}, {"about": "payout", "ip": "", "request_id": ""},
    ],
    ids=str,
)  # fmt: skip
def test_filters_find_it(api, boss, event, site, query):
    values = {"boss": boss.pk, "site": site.pk, "today": timezone.now().date()}
    query = {name: value.format(**values) for name, value in query.items()}

    actions = [row["action"] for row in api(boss).get(URL, query).json()["results"]]

    assert "payout.approved" in actions
    assert "plan.published" not in actions


def test_other_days_other_addresses_and_wrong_filters(api, boss, event):
    tomorrow = timezone.now().date() + timedelta(days=1)
    client = api(boss)

    for query in ({"date_from": tomorrow}, {"date_to": "2020-01-01"}, {"ip": "203.0.113.1"}, {"request_id": "x"}):
        assert client.get(URL, query).json()["results"] == []
    for query in ({"kind": "robot"}, {"about": "weather"}, {"actor_id": "x"}, {"date_from": "x"}, {"said": "x"}):
        answer = client.get(URL, query)
        assert (answer.status_code, answer.json()["errors"][0]["field"]) == (400, next(iter(query)))
    assert client.get(URL, {"date_to": "9999-12-31"}).status_code == 200


def test_it_is_for_those_who_may_read_the_audit(api, make_user, event):
    for role, status in (("support_agent", 200), ("admin", 200), ("payout_manager", 403), ("billing_specialist", 403)):
        assert api(make_user(roles=[role])).get(URL).status_code == status
    assert api().get(URL).status_code == 401
