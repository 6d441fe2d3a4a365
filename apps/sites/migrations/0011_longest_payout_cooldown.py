from django.core.validators import MaxValueValidator
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("sites", "0010_tax_year"),
    ]

    operations = [
        migrations.AlterField(
            model_name="sitesettings",
            name="payout_cooldown_hours",
            field=models.PositiveIntegerField(
                default=0, help_text="After a completed payout.", validators=[MaxValueValidator(8784)]
            ),
        ),
    ]
