from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("sites", "0009_winning_bids"),
    ]

    operations = [
        migrations.AddField(
            model_name="sitesettings",
            name="tax_year_month",
            field=models.PositiveSmallIntegerField(
                default=1,
                help_text="The month in which its tax year begins: 1 is January, 4 April.",
                validators=[MinValueValidator(1), MaxValueValidator(12)],
                verbose_name="tax year begins in",
            ),
        ),
    ]
