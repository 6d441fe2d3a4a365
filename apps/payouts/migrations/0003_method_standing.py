import django.db.models.deletion
import django.utils.timezone
from django.db import migrations, models

import apps.core.ids
import apps.core.models.fields
import apps.core.tenancy
from apps.core.rls.operations import GuardFunction, ProtectTable

# What came before it, whoever removed that since, is what it joins, and then it rests: ids are in the order of time. Rows that
# name an address are copies, made when a payout needed them. Of the settings only the present site's row is there.
READY_AT = """
    m.created_at + CASE WHEN
        EXISTS (SELECT 1 FROM payouts_payoutmethod b WHERE b.user_id = m.user_id AND b.address_id IS NULL AND b.id < m.id)
        OR EXISTS (SELECT 1 FROM accounts_cryptoaddress b WHERE b.user_id = m.user_id AND b.id < m.id)
    THEN make_interval(hours => s.method_cooldown_hours) ELSE make_interval() END
"""
OWN_METHODS = f"""
CREATE OR REPLACE VIEW payouts_ownmethod WITH (security_invoker = true) AS
    SELECT m.id, m.user_id, m.kind, m.label, m.created_at,
           COALESCE(c.state, ''::varchar(10)) AS connect_state, {READY_AT} AS ready_at
    FROM payouts_payoutmethod m
    JOIN sites_sitesettings s ON s.site_id = m.site_id
    LEFT JOIN payouts_connectaccount c ON c.method_id = m.id
    WHERE m.removed_at IS NULL AND m.address_id IS NULL
    UNION ALL
    SELECT m.id, m.user_id, 'crypto'::varchar(16), m.label, m.created_at, ''::varchar(10), {READY_AT}
    FROM accounts_cryptoaddress m CROSS JOIN sites_sitesettings s WHERE m.removed_at IS NULL
"""  # noqa: S608 - constants

# Where somebody's money goes is what they set up, for ever.
ACCOUNT_STAYS = """
CREATE TRIGGER account_stays BEFORE UPDATE ON payouts_connectaccount FOR EACH ROW
WHEN (OLD.account_id <> '' AND NEW.account_id IS DISTINCT FROM OLD.account_id)
EXECUTE FUNCTION refuse_change()
"""

# Where something is to be asked at Stripe, of all sites: ids only, since the sweep stands in none.
TO_CHECK = """
CREATE FUNCTION payouts_accounts_to_check() RETURNS TABLE (site_id uuid)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT DISTINCT c.site_id FROM payouts_connectaccount c WHERE c.check_at <= now()
$$
"""


class Migration(migrations.Migration):
    dependencies = [("payouts", "0002_crypto_methods"), ("sites", "0007_method_cooldown")]

    operations = [
        migrations.AddField(
            model_name="payoutmethod",
            name="fingerprint",
            field=models.CharField(blank=True, default="", editable=False, max_length=64),
        ),
        migrations.AddIndex(
            model_name="payoutmethod",
            index=models.Index(
                condition=models.Q(("fingerprint", ""), _negated=True),
                fields=["site", "fingerprint"],
                name="payouts_method_print",
            ),
        ),
        migrations.CreateModel(
            name="ConnectAccount",
            fields=[
                (
                    "id",
                    models.UUIDField(default=apps.core.ids.uuid7, editable=False, primary_key=True, serialize=False),
                ),
                ("account_id", models.CharField(blank=True, default="", max_length=64)),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("onboarding", "Not finished at Stripe"),
                            ("review", "Stripe is looking at it"),
                            ("ready", "Ready"),
                            ("restricted", "Stripe needs something more"),
                            ("gone", "Disconnected at Stripe"),
                        ],
                        default="onboarding",
                        max_length=10,
                    ),
                ),
                ("wants", models.CharField(blank=True, default="", max_length=300)),
                ("check_at", models.DateTimeField(null=True)),
                ("tries", models.PositiveIntegerField(default=0)),
                ("created_at", models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                (
                    "method",
                    apps.core.models.fields.SiteForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="connect", to="payouts.payoutmethod"
                    ),
                ),
                (
                    "site",
                    models.ForeignKey(
                        db_index=False,
                        default=apps.core.tenancy.current_site_id,
                        editable=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="sites.site",
                    ),
                ),
            ],
            options={
                "indexes": [
                    models.Index(
                        condition=models.Q(("check_at__isnull", False)),
                        fields=["check_at"],
                        name="payouts_connect_check",
                    )
                ],
                "constraints": [
                    models.UniqueConstraint(fields=("site", "method"), name="payouts_connect_method_once"),
                    models.UniqueConstraint(
                        condition=models.Q(("account_id", ""), _negated=True),
                        fields=("site", "account_id"),
                        name="payouts_connect_account_once",
                    ),
                ],
            },
        ),
        ProtectTable(
            "ConnectAccount",
            grants="SELECT, INSERT",
            update_columns=["account_id", "state", "wants", "check_at", "tries"],
            guard="SELECT",
        ),
        migrations.RunSQL(ACCOUNT_STAYS, "DROP TRIGGER account_stays ON payouts_connectaccount"),
        migrations.RunSQL(OWN_METHODS, migrations.RunSQL.noop),
        GuardFunction("payouts_accounts_to_check()", TO_CHECK),
    ]
