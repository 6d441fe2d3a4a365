"""The audit log: append-only, and any altered byte is found (H12, R25, X8)."""

import pytest
from django.db import ProgrammingError, connection, transaction

from apps.audit.models import AuditEvent
from apps.audit.services import SYSTEM, record, record_many
from apps.core.tenancy import site_context
from apps.core.verification import verify
from apps.sites.models import Site


def test_an_event_says_who_what_and_how_it_was(site, make_user):
    ann = make_user("ann@example.com")

    record(
        actor=ann, action="site.changed", target=site, before={"name": "Alpha"}, after={"name": "Beta"}, reason="asked"
    )

    event = AuditEvent.objects.get()
    assert (event.actor_kind, event.actor_id, event.actor_name) == ("user", ann.pk, "ann@example.com")
    assert (event.target_type, event.target_id, event.target_name) == ("sites.site", str(site.pk), "ALPHA")
    assert (event.before, event.after, event.reason) == ({"name": "Alpha"}, {"name": "Beta"}, "asked")


@pytest.mark.parametrize(
    "statement",
    ["UPDATE audit_auditevent SET reason = 'x'", "DELETE FROM audit_auditevent", "TRUNCATE audit_auditevent"],
)
def test_nothing_is_taken_back(site, statement):
    record(actor=SYSTEM, action="test.happened")

    with pytest.raises(ProgrammingError, match="permission denied"), transaction.atomic():
        connection.cursor().execute(statement)
    assert AuditEvent.objects.count() == 1


@pytest.fixture
def five(transactional_alpha, seal_rows):
    with site_context(transactional_alpha):
        target = Site.objects.get(pk=transactional_alpha)
        record_many(actor=SYSTEM, action="test.happened", targets=[target] * 5)
        ids = list(AuditEvent.objects.order_by("id").values_list("pk", flat=True))
    seal_rows("audit", 5)
    assert verify(transactional_alpha, "audit") is None
    return ids


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    ("sql", "seq", "problem"),
    [
        ("UPDATE audit_auditevent SET reason = 'x' WHERE id = %(third)s", 3, "row altered"),
        ("UPDATE audit_auditevent SET actor_name = 'Systen' WHERE id = %(third)s", 3, "row altered"),
        ("DELETE FROM audit_auditevent WHERE id = %(third)s", 3, "row missing"),
        ("DELETE FROM audit_auditlink WHERE seq = 3", 3, "link missing before it"),
        ("DELETE FROM audit_auditlink WHERE seq = 5", 5, "tail cut"),
    ],
)
def test_the_first_altered_row_is_named(transactional_alpha, five, as_admin, sql, seq, problem):
    as_admin(sql, {"third": five[2]})

    finding = verify(transactional_alpha, "audit")

    assert finding is not None
    assert (finding.seq, finding.problem) == (seq, problem)


@pytest.mark.django_db(transaction=True)
def test_a_row_slipped_in_behind_the_seal_is_found(transactional_alpha, five, as_admin):
    as_admin(
        "INSERT INTO audit_auditevent (id, site_id, created_at, actor_kind, actor_name, action, target_type, target_id,"
        " target_name, before, after, reason, request_id, ip, xid) SELECT gen_random_uuid(), site_id, now(), 'system', 'System',"
        " 'forged', '', '', '', '{}', '{}', '', '', '', xid FROM audit_auditevent WHERE id = %(third)s",
        {"third": five[2]},
    )

    finding = verify(transactional_alpha, "audit")

    assert finding is not None
    assert finding.problem == "row slipped in, without a link"
