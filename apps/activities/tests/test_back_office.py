"""Costs, forms and the monitor in the back office."""

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from apps.accounts.tests.browsers import browser_of
from apps.activities.models import ActivityType, FormDocument
from apps.activities.services import run_activity
from apps.activities.tests.factories import PDF, give_funds, make_enterprise, make_sub_user, offer
from apps.audit.models import AuditEvent


@pytest.fixture
def desk(site, make_user):
    offer()
    return browser_of(make_user("boss@example.com", roles=["super_admin"]), site)


def test_a_cost_is_changed_and_audited(desk):
    row = ActivityType.objects.get(key="report_generation")
    url = f"/admin/activities/activitytype/{row.pk}/change/"
    assert 'value="10.00"' in desk.get(url).content.decode()

    assert desk.post(url, {"cost": "12.50", "is_active": "on"}).status_code == 302

    row.refresh_from_db()
    assert row.cost == 1250
    event = AuditEvent.objects.filter(action="activity_type.changed").order_by("-id").first()
    assert (event.before["cost"], event.after["cost"], event.actor_name) == (1000, 1250, "boss@example.com")


def test_a_form_is_added_and_taken_off(desk):
    url, changed = "/admin/activities/formdocument/add/", "/admin/activities/formdocument/"
    assert "multipart/form-data" in desk.get(url).content.decode()
    refused = desk.post(url, {"title": "Page", "file": SimpleUploadedFile("page.pdf", b"<script>")})
    assert "not what its ending says" in refused.content.decode()
    assert not FormDocument.objects.exists()

    assert desk.post(url, {"title": "Leave", "file": SimpleUploadedFile("leave.pdf", PDF)}).status_code == 302

    form = FormDocument.objects.get()
    assert (form.title, bytes(form.content)) == ("Leave", PDF)
    assert desk.get(f"{changed}{form.pk}/change/").status_code == 200
    desk.post(changed, {"action": "take_off", "_selected_action": str(form.pk)})
    form.refresh_from_db()
    assert not form.is_active


def test_the_monitor_and_the_figures(desk):
    firm = make_enterprise()
    give_funds(firm.user, 5000)
    run_activity(user=make_sub_user(firm, full_name="Sub One").user, type="report_generation")

    listed = desk.get("/admin/activities/activity/").content.decode()
    assert all(text in listed for text in ("Sub One", "Ledger, PDF", "₹10.00"))
    for period in ("day", "month", "year", "week"):
        page = desk.get(f"/admin/activities/activity/figures/?period={period}").content.decode()
        assert all(text in page for text in ("1 activity", "₹10.00", "firm@example.com", "Sub One"))


def test_who_may_only_look_changes_nothing(site, make_user):
    offer()
    desk = browser_of(make_user("manager@example.com", roles=["affiliate_manager"]), site)
    row = ActivityType.objects.get(key="report_generation")

    assert desk.get("/admin/activities/activity/figures/").status_code == 200
    assert desk.post(f"/admin/activities/activitytype/{row.pk}/change/", {"cost": "0.01"}).status_code == 403
    assert desk.get("/admin/activities/formdocument/add/").status_code == 403
    row.refresh_from_db()
    assert row.cost == 1000
