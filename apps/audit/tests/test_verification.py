"""What somebody who owns the database can do to the audit, and what finds it (X8)."""

import hashlib
import json
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from apps.audit.models import AuditEvent
from apps.audit.services import SYSTEM, record
from apps.core import anchoring, anchors, chain
from apps.core.crypto import derived_anchor_key
from apps.core.tenancy import site_context
from apps.core.verification import verify
from apps.sites.models import Site

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def five(transactional_alpha, seal_rows):
    """Five sealed events, each in a transaction of its own: their ids in the order of their links."""
    ids = []
    for number in range(1, 6):
        with site_context(transactional_alpha):
            target = Site.objects.get(pk=transactional_alpha)
            ids.append(record(actor=SYSTEM, action=f"test.step_{number}", target=target).pk)
    seal_rows("audit", 5)
    assert verify(transactional_alpha, "audit") is None
    return ids


@pytest.fixture
def file(tmp_path, settings):
    settings.UPLINE_ANCHOR_FILE = str(tmp_path / "anchors.jsonl")
    return anchors.default_file()


def run(command="verify_audit", **options):
    """(what it printed, how it ended)."""
    out = StringIO()
    try:
        call_command(command, stdout=out, **options)
    except CommandError as error:
        return out.getvalue(), str(error)
    return out.getvalue(), ""


def rewrite(as_admin, site_id, rows):
    """The whole chain anew over `rows`, links and head, as the sealer would have made it."""
    as_admin("DELETE FROM audit_auditlink")
    last, digest_sql = chain.GENESIS, chain.named("audit").digest_sql
    for seq, pk in enumerate(rows, start=1):
        digest = digest_of(site_id, pk, digest_sql)
        last = hashlib.sha256(last + digest).digest()
        as_admin(
            "INSERT INTO audit_auditlink (id, site_id, seq, row_id, hash) VALUES (gen_random_uuid(), %s, %s, %s, %s)",
            [site_id, seq, pk, last],
        )
    as_admin(
        "UPDATE core_chainhead SET seq = %s, hash = %s WHERE chain = 'audit' AND site_id = %s",
        [len(rows), last, site_id],
    )


def digest_of(site_id, pk, digest_sql):
    from django.db import connection

    with site_context(site_id), connection.cursor() as cursor:
        cursor.execute("SET LOCAL TimeZone = 'UTC'")
        cursor.execute(f"SELECT {digest_sql} FROM audit_auditevent t WHERE t.id = %s", [pk])
        return bytes(cursor.fetchone()[0])


SWAP_ROWS = [
    "UPDATE audit_auditlink SET row_id = gen_random_uuid() WHERE seq = 2",
    "UPDATE audit_auditlink SET row_id = %(second)s WHERE seq = 4",
    "UPDATE audit_auditlink SET row_id = %(fourth)s WHERE seq = 2",
]
SWAP_LINKS = [
    "UPDATE audit_auditlink SET seq = -seq WHERE seq IN (2, 4)",
    "UPDATE audit_auditlink SET seq = 6 + seq WHERE seq < 0",
]
COPY = """
INSERT INTO audit_auditevent (id, site_id, created_at, actor_kind, actor_name, action, target_type, target_id, target_name,
    before, after, reason, request_id, ip, xid)
SELECT %(new)s, site_id, created_at, 'system', 'System', 'test.forged', '', '', '', '{}', '{}', '', '', '', xid
FROM audit_auditevent WHERE id = %(third)s
"""
LINKED = [
    "UPDATE audit_auditlink SET seq = -seq - 1 WHERE seq >= 3",
    "UPDATE audit_auditlink SET seq = -seq WHERE seq < 0",
    "INSERT INTO audit_auditlink (id, site_id, seq, row_id, hash)"
    " SELECT gen_random_uuid(), site_id, 3, %(new)s, sha256('x') FROM audit_auditevent WHERE id = %(third)s",
]
NEW = "01990000-0000-7000-8000-000000000000"


@pytest.mark.parametrize(
    ("attack", "seq", "problem", "action"),
    [
        (["UPDATE audit_auditevent SET reason = 'x' WHERE id = %(third)s"], 3, "row altered", "test.step_3"),
        (["UPDATE audit_auditevent SET created_at = created_at - interval '1 microsecond' WHERE id = %(third)s"], 3,
         "row altered", "test.step_3"),
        (["DELETE FROM audit_auditevent WHERE id = %(third)s"], 3, "row missing", ""),
        (["DELETE FROM audit_auditlink WHERE seq = 3"], 3, "link missing before it", "test.step_4"),
        (["DELETE FROM audit_auditlink WHERE seq = 1"], 1, "link missing before it", "test.step_2"),
        (["DELETE FROM audit_auditlink WHERE seq >= 4"], 4, "tail cut", ""),
        (SWAP_ROWS, 2, "out of order with link 4", "test.step_4"),
        (SWAP_LINKS, 2, "out of order with link 4", "test.step_4"),
        ([COPY], 6, "row slipped in, without a link", "test.forged"),
        ([COPY, *LINKED], 3, "row slipped in", "test.forged"),
    ],
)  # fmt: skip
def test_the_first_thing_that_does_not_fit_is_named(transactional_alpha, five, as_admin, attack, seq, problem, action):
    for sql in attack:
        as_admin(sql, {"second": five[1], "third": five[2], "fourth": five[3], "new": NEW})

    finding = verify(transactional_alpha, "audit")

    assert finding is not None
    assert (finding.seq, finding.problem, finding.said) == (seq, problem, action)
    printed, ended = run(site="alpha")
    assert f"link {seq}: {problem}" in printed
    assert ended == "1 findings."


def test_the_command_names_action_and_time(transactional_alpha, five, as_admin):
    with site_context(transactional_alpha):
        at = AuditEvent.objects.get(pk=five[2]).created_at
    as_admin("UPDATE audit_auditevent SET ip = '203.0.113.9' WHERE id = %(third)s", {"third": five[2]})

    printed, ended = run()

    assert f"  link 3: row altered, test.step_3, of {at:%Y-%m-%d %H:%M:%S} UTC ({five[2]})" in printed
    assert "BETA: 0 links, anchored to 0, agrees" in printed
    assert ended == "1 findings."


def test_a_missing_row_is_dated_by_its_id(transactional_alpha, five, as_admin):
    with site_context(transactional_alpha):
        at = AuditEvent.objects.get(pk=five[2]).created_at
    as_admin("DELETE FROM audit_auditevent WHERE id = %(third)s", {"third": five[2]})

    assert abs((verify(transactional_alpha, "audit").at - at).total_seconds()) < 1


def test_an_anchored_chain_agrees_and_is_anchored_once(five, file):
    assert run("anchor_chains")[1] == ""
    assert run("anchor_chains")[0].startswith("0 anchors")

    printed, ended = run()
    assert "1 anchors, all signed by us" in printed
    assert "ALPHA: 5 links, anchored to 5, agrees" in printed
    assert ended == ""


def test_a_tail_cut_with_its_rows_links_and_head_is_found_by_the_anchor(transactional_alpha, five, file, as_admin):
    run("anchor_chains")
    as_admin("DELETE FROM audit_auditevent WHERE id = ANY(%s)", [five[3:]])
    rewrite(as_admin, transactional_alpha, five[:3])
    assert verify(transactional_alpha, "audit") is None  # the database by itself fits

    printed, ended = run()

    assert "link 4: tail cut: links 4 to 5 were anchored and are gone" in printed
    assert ended == "1 findings."


def test_a_chain_cut_to_nothing_is_found_by_the_anchor(transactional_alpha, five, file, as_admin):
    run("anchor_chains")
    for table in ("audit_auditevent", "audit_auditlink", "core_chainhead"):
        as_admin(f"DELETE FROM {table}")

    assert "link 1: tail cut: links 1 to 5 were anchored and are gone" in run()[0]


def test_a_history_rewritten_with_links_and_head_is_found_by_the_anchor(
    transactional_alpha, five, file, as_admin, seal_rows
):
    run("anchor_chains")
    with site_context(transactional_alpha):
        five.append(record(actor=SYSTEM, action="test.step_6").pk)
    seal_rows("audit", 1)
    run("anchor_chains")
    as_admin("UPDATE audit_auditevent SET actor_name = 'Somebody else' WHERE id = %s", [five[5]])
    rewrite(as_admin, transactional_alpha, five)
    assert verify(transactional_alpha, "audit") is None

    printed, ended = run(site="ALPHA", anchor=str(file))

    assert "link 6: rewritten since it was anchored, in links 6 to 6, test.step_6" in printed
    assert ended == "1 findings."
    printed, ended = run("anchor_chains")
    assert "ALPHA, audit: link 6 is not what was anchored at" in printed
    assert ended == "1 chains contradict their anchors."


def test_the_ledger_has_the_same_anchor(transactional_alpha, member, file, as_admin, seal_rows):
    from apps.wallet.tests.factories import give_earnings

    with site_context(transactional_alpha):
        for amount in (10, 20):
            give_earnings(member, amount)
    seal_rows("ledger", 2)
    run("anchor_chains")
    assert run("verify_ledger", anchor=str(file))[1] == ""
    as_admin("DELETE FROM wallet_entrylink WHERE seq = 2")
    as_admin(
        "UPDATE core_chainhead h SET seq = 1, hash = l.hash FROM wallet_entrylink l WHERE h.chain = 'ledger'"
        " AND h.site_id = l.site_id AND l.seq = 1"
    )

    printed, ended = run("verify_ledger", anchor=str(file))

    assert "tail cut: links 2 to 2 were anchored and are gone" in printed
    assert ended == "1 findings."


def lines(file):
    return file.read_text().splitlines()


@pytest.fixture
def three_lines(transactional_alpha, five, file, seal_rows):
    run("anchor_chains")
    for number in (6, 7):
        with site_context(transactional_alpha):
            record(actor=SYSTEM, action=f"test.step_{number}")
        seal_rows("audit", 1)
        run("anchor_chains")
    assert len(lines(file)) == 3
    return file


def altered(line, **changes):
    return json.dumps({**json.loads(line), **changes}, sort_keys=True, separators=(",", ":"))


@pytest.mark.parametrize(
    ("change", "finding"),
    [
        (lambda rows: [rows[0], altered(rows[1], seq=9), rows[2]], "line 2 of the anchors is forged or was altered"),
        (lambda rows: [rows[0], altered(rows[1], key="evil"), rows[2]],
         "line 2 of the anchors is signed with key 'evil', which is none of ours"),
        (lambda rows: [rows[0], "nonsense", rows[2]], "line 2 of the anchors is no anchor"),
        (lambda rows: [rows[0], "[1]", rows[2]], "line 2 of the anchors is no anchor"),
        (lambda rows: [rows[0], rows[2]], "line 2 of the anchors doesn't follow the one before: one is missing"),
        (lambda rows: [rows[2]], "line 1 of the anchors doesn't follow the one before: 2 missing"),
        (lambda rows: [rows[1], rows[0], rows[2]], "line 1 of the anchors doesn't follow the one before: one is missing"),
    ],
)  # fmt: skip
def test_what_is_wrong_with_the_file_itself_is_a_finding(three_lines, change, finding):
    three_lines.write_text("\n".join(change(lines(three_lines))) + "\n")

    printed, ended = run()

    assert finding in printed
    assert ended.endswith("findings.")


def test_after_a_line_that_a_crash_tore_the_next_is_whole(three_lines, transactional_alpha, seal_rows):
    three_lines.write_bytes(three_lines.read_bytes() + b'{"at":"2026')
    with site_context(transactional_alpha):
        record(actor=SYSTEM, action="test.step_8")
    seal_rows("audit", 1)

    run("anchor_chains")

    printed, ended = run()
    assert "line 4 of the anchors is no anchor" in printed
    assert "anchored to 8" in printed
    assert ended == "1 findings."


def test_a_file_that_cannot_be_read_is_a_finding_and_none_yet_is_said(five, file, tmp_path):
    assert run(anchor=str(tmp_path / "nowhere"))[1].startswith("The anchors can't be read: ")

    printed, ended = run()
    assert printed.startswith("No anchors yet")
    assert ended == ""


def test_an_old_key_still_verifies_and_a_forgotten_one_is_named(three_lines, settings):
    old, new = settings.UPLINE_ANCHOR_KEYS[0], derived_anchor_key("another").replace("local", "2027")
    settings.UPLINE_ANCHOR_KEYS = [new, old]
    assert run()[1] == ""
    assert set(anchors.public_keys()) == {"2027", "local"}

    settings.UPLINE_ANCHOR_KEYS = [new]

    assert "line 1 of the anchors is signed with key 'local', which is none of ours" in run()[0]


def test_somebody_outside_verifies_a_line_with_the_public_key_alone(three_lines):
    import base64

    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    name, _, key = run("anchor_chains", public_keys=True)[0].split()
    body = json.loads(lines(three_lines)[1])
    signature = base64.b64decode(body.pop("sig"))
    said = json.dumps(body, sort_keys=True, separators=(",", ":")).encode()

    Ed25519PublicKey.from_public_bytes(base64.b64decode(key)).verify(signature, said)
    assert (body["key"], body["site"], body["chain"], body["seq"]) == (name, "ALPHA", "audit", 6)
    assert body["prev"] == hashlib.sha256(lines(three_lines)[0].encode()).hexdigest()


def test_a_site_that_was_anchored_and_is_gone_is_a_finding(five, file):
    anchors.append(file, [anchors.Anchor("2026-01-01T00:00:00+00:00", "GONE", "audit", 1, "00" * 32)])

    assert "site GONE was anchored and is gone" in run()[0]
    assert anchoring.lost_sites(anchors.read(file)) == ["GONE"]


def test_after_a_restore_into_another_cluster_new_rows_are_sealed(transactional_alpha, five, as_admin, seal_rows):
    """There transaction ids begin anew: what the dump brought has ids from the future."""
    as_admin("UPDATE audit_auditevent SET xid = (xid::text::bigint + 1000000)::text::xid8")
    as_admin("UPDATE core_chainhead SET sealed_xid = sealed_xid + 1000000 WHERE chain = 'audit'")
    with site_context(transactional_alpha):
        record(actor=SYSTEM, action="test.step_6")

    seal_rows("audit", 1)

    assert verify(transactional_alpha, "audit") is None
    with site_context(transactional_alpha):
        record(actor=SYSTEM, action="test.step_7")
    seal_rows("audit", 1)
    assert verify(transactional_alpha, "audit") is None
