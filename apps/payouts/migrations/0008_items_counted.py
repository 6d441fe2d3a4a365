"""Statistics of a batch's people as soon as they are written, by a function of the guard: the app role owns no table."""

from django.db import migrations

from apps.core.rls.operations import GuardFunction

COUNTED = """
CREATE FUNCTION payouts_items_counted() RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    ANALYZE (SKIP_LOCKED) payouts_payoutbatchitem;
END
$$
"""


class Migration(migrations.Migration):
    dependencies = [("payouts", "0007_result_files")]

    operations = [
        migrations.RunSQL(
            "GRANT MAINTAIN ON payouts_payoutbatchitem TO upline_guard",
            "REVOKE MAINTAIN ON payouts_payoutbatchitem FROM upline_guard",
        ),
        GuardFunction("payouts_items_counted()", COUNTED),
    ]
