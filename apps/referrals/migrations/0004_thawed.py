from django.db import migrations

from apps.core.rls.operations import ChangeTransitions

_OTHERS = {
    "pending": ["active", "inactive", "frozen"],
    "active": ["inactive", "frozen", "pending"],
    "inactive": ["active", "frozen"],
}


class Migration(migrations.Migration):
    """Lifting a freeze gives a partner back the status they had, also that of somebody who was not activated yet (X11)."""

    dependencies = [
        ("referrals", "0003_activation_revoked"),
    ]

    operations = [
        ChangeTransitions(
            "Partner",
            before={**_OTHERS, "frozen": ["active", "inactive"]},
            after={**_OTHERS, "frozen": ["active", "inactive", "pending"]},
        ),
    ]
