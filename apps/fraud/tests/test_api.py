"""Freezes over the API and in the back office."""

import pytest
from django.urls import reverse

from apps.accounts.tests.browsers import browser_of
from apps.audit.services import SYSTEM
from apps.bonuses.models import Bonus
from apps.core.ids import uuid7
from apps.core.tenancy import site_context
from apps.fraud import services
from apps.fraud.models import Freeze
from apps.referrals.models import Partner
from apps.referrals.tests.factories import make_partner

FREEZES = "/api/v1/admin/fraud/freezes"


def status_of(partner):
    return Partner.objects.get(pk=partner.pk).status


def test_preview_freeze_lift(api, rita, officer):
    client = api(officer)
    preview = client.post(FREEZES, {"partner_id": str(rita.pk), "preview": True}, format="json")
    assert preview.status_code == 200
    shown = preview.json()
    assert [(row["kind"], row["count"]) for row in shown["totals"]] == [
        ("partner", 1), ("commission", 2), ("bonus", 2), ("payout", 1), ("allocation", 1),
    ]  # fmt: skip
    assert status_of(rita) == "active"

    body = {"partner_id": str(rita.pk), "reason": "Two faces.", "seen": shown["digest"]}
    made = client.post(FREEZES, body, format="json")

    assert made.status_code == 201
    frozen = made.json()
    assert (frozen["status"], frozen["touched"], status_of(rita)) == ("active", 7, "frozen")
    assert {(row["kind"], row["object_id"]) for row in frozen["items"]} == {
        (row["kind"], row["id"]) for row in shown["items"]
    }
    assert client.get(f"{FREEZES}/{frozen['id']}").json() == frozen
    assert [row["id"] for row in client.get(FREEZES, {"status": "active"}).json()["results"]] == [frozen["id"]]

    lifted = client.post(f"{FREEZES}/{frozen['id']}/lift", {"reason": "Explained."}, format="json").json()

    assert (lifted["status"], lifted["left"], status_of(rita)) == ("lifted", 0, "active")
    assert {row["outcome"] for row in lifted["items"]} == {"restored"}


def test_refusals_move_nothing(api, rita, officer, other_site):
    client = api(officer)

    def post(path="", **body):
        answer = client.post(f"{FREEZES}{path}", body, format="json")
        return answer.status_code, answer.json()["code"]

    with site_context(other_site.pk):
        theirs = make_partner()
    for nobody in (uuid7(), theirs.pk, Partner.objects.get(depth=1).pk):
        assert post(partner_id=str(nobody), reason="x") == (404, "not_found")
    assert post(f"/{uuid7()}/lift", reason="x") == (404, "not_found")
    assert post(partner_id=str(rita.pk)) == (400, "invalid")
    assert post(partner_id=str(rita.pk), reason="x", also=[str(uuid7())]) == (400, "not_in_radius")
    own = make_partner(user=officer)
    assert post(partner_id=str(own.pk), reason="x") == (403, "own_freeze")
    assert (status_of(rita), status_of(own), Freeze.objects.count()) == ("active", "active", 0)

    freeze = services.freeze_partner(partner=rita, reason="x", actor=SYSTEM)
    assert post(partner_id=str(rita.pk), reason="x") == (409, "invalid_state")
    assert post(partner_id=str(rita.pk), preview=True) == (409, "invalid_state")
    assert post(f"/{freeze.pk}/lift") == (400, "invalid")
    assert status_of(rita) == "frozen"


def test_a_manager_without_the_key_for_bonuses_leaves_them_out(api, rita, make_user):
    client = api(make_user("manager@example.com", roles=["affiliate_manager"]))

    made = client.post(FREEZES, {"partner_id": str(rita.pk), "reason": "x"}, format="json").json()

    assert "bonus" not in {row["kind"] for row in made["items"]}
    assert set(Bonus.objects.values_list("status", flat=True)) == {"pending", "approved"}


@pytest.mark.parametrize("role", ["ai_fraud_officer", "finance_manager", "affiliate"])
def test_others_freeze_nobody(api, rita, make_user, role):
    client = api(make_user("other@example.com", roles=[role]))

    answer = client.post(FREEZES, {"partner_id": str(rita.pk), "reason": "x"}, format="json")

    assert (answer.status_code, status_of(rita)) == (403, "active")


def test_a_page_shows_the_radius_then_freezes_it_and_the_list_lifts(site, rita, officer):
    browser = browser_of(officer, site)
    page = reverse("admin:referrals_partner_change", args=[rita.pk])
    address = reverse("admin:fraud_freeze_partner", args=[rita.pk])
    assert address in browser.get(page).content.decode()

    shown = browser.get(address)
    text = shown.content.decode()
    assert [(row["name"], row["count"]) for row in shown.context["totals"]] == [
        ("Partner", 1), ("Commission", 2), ("Bonus", 2), ("Payout", 1), ("Allocation", 1),
    ]  # fmt: skip
    assert "100 tokens" in text
    assert status_of(rita) == "active"

    browser.post(address, {"reason": "", "seen": shown.context["radius"].digest})
    browser.post(address, {"reason": "Two faces.", "seen": "another"})
    assert (status_of(rita), Freeze.objects.count()) == ("active", 0)

    browser.post(address, {"reason": "Two faces.", "seen": shown.context["radius"].digest})

    freeze = Freeze.objects.get()
    assert (status_of(rita), freeze.created_by, freeze.items.count()) == ("frozen", officer, 7)
    assert browser.get(address).status_code == 302
    assert address not in browser.get(page).content.decode()
    assert "Two faces." in browser.get(reverse("admin:fraud_freeze_change", args=[freeze.pk])).content.decode()


def test_the_page_is_closed_to_who_may_not_freeze(site, rita, make_user):
    browser = browser_of(make_user("fo@example.com", roles=["ai_fraud_officer"]), site)

    answer = browser.post(reverse("admin:fraud_freeze_partner", args=[rita.pk]), {"reason": "x"})

    assert (answer.status_code, status_of(rita)) == (403, "active")


def test_a_list_costs_the_same_whoever_many_freezes(api, site, officer):
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    client = api(officer)

    def cost():
        with CaptureQueriesContext(connection) as caught:
            assert client.get(FREEZES).status_code == 200
        return len(caught)

    services.freeze_partner(partner=make_partner(), reason="x", actor=SYSTEM)
    cost()
    one = cost()
    for _ in range(4):
        services.freeze_partner(partner=make_partner(), reason="x", actor=SYSTEM)

    assert cost() == one


def test_what_was_noticed_is_not_told_to_whom_it_is_about(api, rita, officer):
    client, theirs = api(officer), api(rita.user)
    secret = "Somebody 3 levels below them uses the same device"
    client.post(FREEZES, {"partner_id": str(rita.pk), "reason": secret}, format="json")

    rows = theirs.get("/api/v1/referral/bonus/history").json()["results"]

    freeze = Freeze.objects.get()
    assert {(row["status"], row["fraud_notes"]) for row in rows} == {("frozen", f"The account is frozen: {freeze}")}
    assert freeze.reason == secret
    assert secret not in theirs.get("/api/v1/referral/bonus/history").content.decode()

    client.post(f"{FREEZES}/{freeze.pk}/lift", {"reason": "x"}, format="json")

    rows = theirs.get("/api/v1/referral/bonus/history").json()["results"]
    assert {row["fraud_notes"] for row in rows} == {""}
