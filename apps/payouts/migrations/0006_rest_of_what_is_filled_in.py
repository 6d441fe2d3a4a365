from django.db import migrations, models

from apps.core.rls.operations import GrantUpdate

# What joined before it, whoever removed that since, is what it joins, and then it rests. An account at Stripe joins when somebody
# fills it in and says where money goes (of accounts from before that was written down: when it was begun); until then, and where
# Stripe refused to open it, nothing could go there. Rows that name an address are copies, made when a payout needed them. Of the
# settings only the present site's row is there.
RESTS = """
    CASE WHEN
        EXISTS (SELECT 1 FROM payouts_payoutmethod b LEFT JOIN payouts_connectaccount o ON o.method_id = b.id
                WHERE b.user_id = m.user_id AND b.address_id IS NULL
                  AND (o.id IS NULL OR o.filled_in_at IS NOT NULL OR o.state <> 'onboarding' AND o.account_id <> '')
                  AND (COALESCE(o.filled_in_at, b.created_at), b.id) < ({joined}, m.id))
        OR EXISTS (SELECT 1 FROM accounts_cryptoaddress b
                   WHERE b.user_id = m.user_id AND (b.created_at, b.id) < ({joined}, m.id))
    THEN make_interval(hours => s.method_cooldown_hours) ELSE make_interval() END
"""
SINCE = "COALESCE(c.filled_in_at, m.created_at)"
OWN_METHODS = f"""
CREATE OR REPLACE VIEW payouts_ownmethod WITH (security_invoker = true) AS
    SELECT m.id, m.user_id, m.kind, m.label, m.created_at, COALESCE(c.state, ''::varchar(10)) AS connect_state,
           {SINCE} + {RESTS.format(joined=SINCE)} AS ready_at
    FROM payouts_payoutmethod m
    JOIN sites_sitesettings s ON s.site_id = m.site_id
    LEFT JOIN payouts_connectaccount c ON c.method_id = m.id
    WHERE m.removed_at IS NULL AND m.address_id IS NULL
    UNION ALL
    SELECT m.id, m.user_id, 'crypto'::varchar(16), m.label, m.created_at, ''::varchar(10),
           m.created_at + {RESTS.format(joined="m.created_at")}
    FROM accounts_cryptoaddress m CROSS JOIN sites_sitesettings s WHERE m.removed_at IS NULL
"""  # noqa: S608 - constants


class Migration(migrations.Migration):
    dependencies = [("payouts", "0005_reconciliations")]

    operations = [
        migrations.AddField(model_name="connectaccount", name="filled_in_at", field=models.DateTimeField(null=True)),
        GrantUpdate("ConnectAccount", ["filled_in_at"]),
        migrations.RunSQL(OWN_METHODS, migrations.RunSQL.noop),
    ]
