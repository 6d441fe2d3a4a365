from django.db import migrations

from apps.core.rls.operations import ChangeTransitions

_OTHERS = {
    "pending": ["active", "inactive", "frozen"],
    "inactive": ["active", "frozen"],
    "frozen": ["active", "inactive"],
}


class Migration(migrations.Migration):
    """A refund of what activated a partner makes them wait again (H5)."""

    dependencies = [
        ("referrals", "0002_path_covers_depth"),
    ]

    operations = [
        ChangeTransitions(
            "Partner",
            before={**_OTHERS, "active": ["inactive", "frozen"]},
            after={**_OTHERS, "active": ["inactive", "frozen", "pending"]},
        ),
    ]
