from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("payments", "0004_refunds_made_after_all")]

    operations = [
        migrations.AddField(
            model_name="stripeaccount", name="connect_secrets", field=models.TextField(blank=True, default="")
        )
    ]
