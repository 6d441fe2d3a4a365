from django.db import migrations

from apps.core.rls.operations import ChangeTransitions

_OTHERS = {"requested": ["succeeded", "failed"], "succeeded": ["failed"]}

# What was made and came back stays failed: only a refusal that was none may be taken back.
SENT_BACK_STAYS = """
CREATE TRIGGER sent_back_stays BEFORE UPDATE OF status ON payments_paymentrefund FOR EACH ROW
WHEN (OLD.status = 'failed' AND OLD.provider_id IS NOT NULL AND NEW.status IS DISTINCT FROM OLD.status)
EXECUTE FUNCTION refuse_transition('status', '{}')
"""


class Migration(migrations.Migration):
    """A refund that we took for refused may have been made: Stripe's later word on it counts."""

    dependencies = [
        ("payments", "0003_retired_accounts"),
    ]

    operations = [
        ChangeTransitions("PaymentRefund", before=_OTHERS, after={**_OTHERS, "failed": ["succeeded"]}),
        migrations.RunSQL(SENT_BACK_STAYS, "DROP TRIGGER sent_back_stays ON payments_paymentrefund"),
    ]
