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
        migrations.RunSQL(
            # Called by the Transitions operation: which states may follow one another is data in the trigger's argument.
            """CREATE FUNCTION refuse_transition() RETURNS trigger LANGUAGE plpgsql AS $$
            DECLARE
                old_state text := to_jsonb(OLD) ->> TG_ARGV[0];
                new_state text := to_jsonb(NEW) ->> TG_ARGV[0];
            BEGIN
                IF NOT coalesce((TG_ARGV[1]::jsonb -> old_state) ? new_state, false) THEN
                    RAISE EXCEPTION '% can not go from % to %', TG_TABLE_NAME, old_state, new_state
                        USING ERRCODE = '23514', CONSTRAINT = TG_TABLE_NAME || '_transition';
                END IF;
                RETURN NEW;
            END $$;
            GRANT EXECUTE ON FUNCTION refuse_transition() TO upline_app, upline_audit, upline_guard""",
            "DROP FUNCTION refuse_transition()",
        ),
    ]
