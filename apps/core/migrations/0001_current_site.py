"""Functions that policies and triggers of every later table call."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = []

    operations = [
        migrations.RunSQL(
            # NULLIF: after a finished local setting the value is '', not NULL (measured).
            """CREATE FUNCTION current_site() RETURNS uuid LANGUAGE sql STABLE PARALLEL SAFE AS
            $$ SELECT NULLIF(current_setting('app.current_site_id', true), '')::uuid $$;
            GRANT EXECUTE ON FUNCTION current_site() TO upline_app, upline_audit, upline_guard""",
            "DROP FUNCTION current_site()",
        ),
        migrations.RunSQL(
            """CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
            BEGIN RAISE EXCEPTION '% on % is forbidden', TG_OP, TG_TABLE_NAME USING ERRCODE = '42501'; END $$;
            GRANT EXECUTE ON FUNCTION refuse_change() TO upline_app, upline_audit, upline_guard""",
            "DROP FUNCTION refuse_change()",
        ),
    ]
