"""R12: the proof finds nothing in our schema, and each kind of defect once it is planted.

Defects are planted by a superuser in a transaction that is rolled back: roles belong to the whole server, and other workers'
tests run on it.
"""

from io import StringIO

import psycopg
import pytest
from django.core.management import call_command

from apps.core.rls import catalogue
from tests.harness import databases

TABLE = "audit_auditevent"

DEFECTS = [
    ("rls_off", f"ALTER TABLE {TABLE} DISABLE ROW LEVEL SECURITY"),
    ("rls_off", f"ALTER TABLE {TABLE} NO FORCE ROW LEVEL SECURITY"),
    ("rls_off", "CREATE TABLE forgotten (id uuid PRIMARY KEY, site_id uuid NOT NULL)"),
    ("no_site_policy", f"DROP POLICY site_isolation ON {TABLE}"),
    ("no_site_policy", f"ALTER POLICY site_isolation ON {TABLE} USING (true)"),
    ("no_site_policy", f"ALTER POLICY site_isolation ON {TABLE} WITH CHECK (true)"),
    ("no_site_policy", f"ALTER POLICY site_isolation ON {TABLE} USING (site_id IS NOT NULL)"),
    ("no_site_policy", f"ALTER POLICY site_isolation ON {TABLE} TO PUBLIC"),
    ("foreign_policy", f"CREATE POLICY extra ON {TABLE} TO upline_app USING (true)"),
    ("foreign_policy", f"CREATE POLICY extra ON {TABLE} USING (true)"),
    ("foreign_policy", f"ALTER POLICY owner_maintenance ON {TABLE} USING (true)"),
    ("foreign_policy", f"ALTER POLICY audit_read ON {TABLE} TO upline_app"),
    ("not_owned_by_owner", f"ALTER TABLE {TABLE} OWNER TO postgres"),
    ("unlisted_shared_table", "CREATE TABLE notes (id int PRIMARY KEY, body text)"),
    (
        "foreign_key_without_site",
        "ALTER TABLE rbac_userrole ADD CONSTRAINT plain FOREIGN KEY (role_id) REFERENCES rbac_role (id)",
    ),
    (
        "foreign_key_not_valid",
        "ALTER TABLE rbac_userrole ADD CONSTRAINT later FOREIGN KEY (site_id, role_id) REFERENCES rbac_role (site_id, id)"
        " NOT VALID",
    ),
    (
        "foreign_key_not_valid",
        "ALTER TABLE rbac_userrole ADD CONSTRAINT cascading FOREIGN KEY (site_id, role_id)"
        " REFERENCES rbac_role (site_id, id) ON DELETE CASCADE",
    ),
    ("unique_without_site", "CREATE UNIQUE INDEX leak ON audit_auditevent (request_id)"),
    ("site_nullable", f"ALTER TABLE {TABLE} ALTER COLUMN site_id DROP NOT NULL"),
    ("view_not_invoker", f"CREATE VIEW all_events AS SELECT * FROM {TABLE}"),
    ("view_not_invoker", f"CREATE MATERIALIZED VIEW cached AS SELECT * FROM {TABLE}"),
    (
        "definer_function_unsafe",
        f"CREATE FUNCTION peek() RETURNS bigint LANGUAGE sql SECURITY DEFINER AS 'SELECT count(*) FROM {TABLE}'",
    ),
    ("definer_function_unsafe", "ALTER FUNCTION outbox_waiting() RESET search_path"),
    ("definer_function_unsafe", "ALTER FUNCTION outbox_waiting() OWNER TO postgres"),
    ("function_open_to_public", "GRANT EXECUTE ON FUNCTION wallet_lock(uuid[]) TO PUBLIC"),
    (
        "current_site_changed",
        "CREATE OR REPLACE FUNCTION current_site() RETURNS uuid LANGUAGE sql STABLE AS"
        " 'SELECT id FROM sites_site ORDER BY code LIMIT 1'",
    ),
    ("role_dangerous", "ALTER ROLE upline_app BYPASSRLS"),
    ("role_dangerous", "ALTER ROLE upline_app SUPERUSER"),
    ("role_dangerous", "ALTER ROLE upline_audit BYPASSRLS"),
    ("role_dangerous", "ALTER ROLE upline_guard LOGIN"),
    ("role_dangerous", "ALTER ROLE upline_app CREATEROLE"),
    ("role_missing", "ALTER ROLE upline_guard RENAME TO somebody"),
    ("audit_not_read_only", "ALTER ROLE upline_audit RESET default_transaction_read_only"),
    ("member_of_role", "GRANT upline_owner TO upline_app"),
    ("member_of_role", "GRANT upline_guard TO upline_owner WITH INHERIT TRUE"),
    ("app_owns", f"ALTER TABLE {TABLE} OWNER TO upline_app"),
    ("app_can_truncate", f"GRANT TRUNCATE ON {TABLE} TO upline_app"),
    ("app_can_truncate", f"GRANT TRIGGER ON {TABLE} TO upline_app"),
    ("audit_can_write", f"GRANT UPDATE ON {TABLE} TO upline_audit"),
    ("audit_can_write", f"GRANT INSERT (reason) ON {TABLE} TO upline_audit"),
    ("audit_calls_definer", "GRANT EXECUTE ON FUNCTION wallet_lock(uuid[]) TO upline_audit"),
    ("foreign_policy", f"CREATE POLICY audit_write ON {TABLE} FOR INSERT TO upline_audit WITH CHECK (true)"),
    ("foreign_policy", f"ALTER POLICY audit_read ON {TABLE} USING (true)"),
    ("audit_reads_secret", "GRANT SELECT ON accounts_refreshtoken TO upline_audit"),
    ("audit_reads_secret", "GRANT SELECT (details) ON payouts_payoutmethod TO upline_audit"),
    ("audit_reads_secret", "GRANT SELECT (password) ON accounts_user TO upline_audit"),
    ("open_to_public", f"GRANT SELECT ON {TABLE} TO PUBLIC"),
    ("open_to_public", "GRANT USAGE ON SCHEMA public TO PUBLIC"),
    ("role_can_create", "GRANT CREATE ON SCHEMA public TO upline_app"),
    ("trigger_switched_off", "ALTER TABLE wallet_posting DISABLE TRIGGER check_postings"),
    ("history_can_change", "GRANT UPDATE (amount) ON wallet_posting TO upline_app"),
    ("history_can_change", "DROP TRIGGER frozen_all ON wallet_posting"),
    ("site_not_referenced", "ALTER TABLE audit_auditlink DROP CONSTRAINT {site_fk}"),
    (
        "dangling_reference",
        "SET LOCAL session_replication_role = replica; INSERT INTO rbac_rolepermission (id, site_id, role_id, permission_id)"
        " SELECT gen_random_uuid(), id, gen_random_uuid(), 'order.read' FROM sites_site LIMIT 1",
    ),
]


@pytest.fixture
def admin(transactional_db):
    """A superuser's connection in a transaction that never commits."""
    with psycopg.connect(databases.admin_conninfo(databases.worker_database())) as connection:
        yield connection
        connection.rollback()


def all_findings(cursor):
    return catalogue.findings(cursor) + catalogue.dangling(cursor)


def test_our_schema_has_no_finding(admin):
    assert all_findings(admin.cursor()) == []


@pytest.mark.parametrize(("kind", "sql"), DEFECTS, ids=[f"{kind}-{n}" for n, (kind, _) in enumerate(DEFECTS)])
def test_a_planted_defect_is_found(admin, kind, sql):
    cursor = admin.cursor()
    if "{site_fk}" in sql:
        cursor.execute(
            "SELECT conname FROM pg_constraint WHERE conrelid = 'audit_auditlink'::regclass"
            " AND confrelid = 'sites_site'::regclass"
        )
        sql = sql.format(site_fk=cursor.fetchall()[0][0])
    cursor.execute(sql)

    assert kind in {finding.kind for finding in all_findings(cursor)}


def test_every_kind_is_planted_here():
    assert {kind for kind, _ in DEFECTS} == set(catalogue.kinds())


@pytest.mark.django_db(transaction=True, databases=["default", "owner"])
def test_the_command_prints_every_table_and_ends_well():
    out = StringIO()
    call_command("prove_isolation", stdout=out)

    report = out.getvalue()
    assert "0 findings" in report
    assert "wallet_posting" in report
