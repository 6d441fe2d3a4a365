"""What an operator decides: checked, recorded, and with a reason where it makes the site less secure."""

import pytest

from apps.audit.models import AuditEvent
from apps.audit.services import SYSTEM
from apps.core.errors import Invalid
from apps.sites.models import Site, SiteSettings
from apps.sites.services import change_settings, change_site


def change(reason="", **changes):
    return change_settings(changes=changes, actor=SYSTEM, reason=reason)


def now(*names):
    return tuple(SiteSettings.objects.values_list(*names).get())


def test_what_changed_is_recorded_and_what_did_not_is_left_out(site):
    change(payout_minimum=500, attribution_days=30, four_eyes=True)

    assert now("payout_minimum", "four_eyes") == (500, True)
    event = AuditEvent.objects.get()
    assert (event.action, event.before, event.after) == (
        "sitesettings.changed",
        {"payout_minimum": 1, "four_eyes": False},
        {"payout_minimum": 500, "four_eyes": True},
    )
    change(payout_minimum=500)
    assert AuditEvent.objects.count() == 1


@pytest.mark.parametrize(
    ("field", "value"),
    [("payout_minimum", 0), ("payout_cooldown_hours", 8785), ("attribution_days", 366), ("step_up_minutes", 1441),
     ("step_up_minutes", -1), ("activation", "x"),
     ("landing_url", "javascript:alert(1)")],
)  # fmt: skip
def test_what_cannot_be_is_refused(site, field, value):
    before = now(field)

    with pytest.raises(Invalid) as refused:
        change(**{field: value})

    assert refused.value.field == field
    assert (now(field), AuditEvent.objects.count()) == (before, 0)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ({"staff_two_factor": True}, {"staff_two_factor": False}),
        ({"four_eyes": True}, {"four_eyes": False}),
        ({"step_up_minutes": 15}, {"step_up_minutes": 0}),
        ({"step_up_minutes": 15}, {"step_up_minutes": 60}),
    ],
)
def test_less_security_takes_a_reason(site, before, after):
    SiteSettings.objects.update(**before)

    with pytest.raises(Invalid) as refused:
        change(**after)

    assert (refused.value.code, refused.value.field) == ("reason_required", "reason")
    assert (now(*before), AuditEvent.objects.count()) == (tuple(before.values()), 0)
    change(reason="One person on duty this week", **after)
    assert now(*after) == tuple(after.values())
    assert AuditEvent.objects.get().reason == "One person on duty this week"


@pytest.mark.parametrize(("before", "after"), [(0, 15), (15, 5), (15, 15)])
def test_more_security_takes_none(site, before, after):
    SiteSettings.objects.update(step_up_minutes=before)

    change(step_up_minutes=after, staff_two_factor=True, four_eyes=True)

    assert now("step_up_minutes", "staff_two_factor", "four_eyes") == (after, True, True)


def test_a_site_is_renamed_and_nothing_else_of_it_changes(site):
    change_site(changes={"name": "Alpha & Sons", "code": "OMEGA", "currency": "USD"}, actor=SYSTEM)

    found = Site.objects.get(pk=site.pk)
    assert (found.name, found.code, found.currency) == ("Alpha & Sons", site.code, site.currency)
    event = AuditEvent.objects.get()
    assert (event.action, event.after) == ("site.changed", {"name": "Alpha & Sons"})


@pytest.mark.parametrize(("field", "value"), [("time_zone", "Mars/Olympus"), ("hue", 360), ("name", "")])
def test_a_site_takes_no_nonsense(site, field, value):
    with pytest.raises(Invalid) as refused:
        change_site(changes={field: value}, actor=SYSTEM)

    assert refused.value.field == field
    assert getattr(Site.objects.get(pk=site.pk), field) == getattr(site, field)
    assert AuditEvent.objects.count() == 0


def test_a_week_has_no_ninth_day_and_a_month_has(site):
    change(payout_schedule="monthly", payout_day=9)

    for changes in ({"payout_schedule": "weekly"}, {"payout_schedule": "weekly", "payout_day": 8}):
        with pytest.raises(Invalid) as refused:
            change(**changes)
        assert refused.value.field == "payout_day"
    assert (now("payout_schedule", "payout_day"), AuditEvent.objects.count()) == (("monthly", 9), 1)
    change(payout_schedule="weekly", payout_day=7)
    assert now("payout_schedule", "payout_day") == ("weekly", 7)
