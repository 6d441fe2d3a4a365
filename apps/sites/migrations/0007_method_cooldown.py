import django.core.validators
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("sites", "0006_wallet_and_bonuses")]

    operations = [
        migrations.AddField(
            model_name="sitesettings",
            name="method_cooldown_hours",
            field=models.PositiveSmallIntegerField(
                default=24,
                help_text="Hours in which nothing goes to a payout method or address that joins or replaces another. 0 never.",
                validators=[django.core.validators.MaxValueValidator(720)],
                verbose_name="new methods rest",
            ),
        )
    ]
