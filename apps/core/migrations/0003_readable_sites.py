from django.db import migrations

# PL/pgSQL, whose body is not looked at before it runs: in a new database sites_site may come later than this.
CREATE = """
CREATE FUNCTION readable_sites() RETURNS uuid[] LANGUAGE plpgsql STABLE PARALLEL SAFE AS $$
BEGIN
    IF current_site() IS NOT NULL THEN
        RETURN ARRAY[current_site()];
    END IF;
    RETURN ARRAY(SELECT id FROM sites_site);
END
$$
"""


class Migration(migrations.Migration):
    """What the audit role's policies ask: the site that is set, else all (apps.core.rls.grants.apply_audit_policies)."""

    dependencies = [("core", "0002_initial")]

    operations = [
        migrations.RunSQL(CREATE, "DROP FUNCTION readable_sites() CASCADE"),
        migrations.RunSQL(
            "REVOKE ALL ON FUNCTION readable_sites() FROM PUBLIC; GRANT EXECUTE ON FUNCTION readable_sites() TO upline_audit",
            migrations.RunSQL.noop,
        ),
    ]
