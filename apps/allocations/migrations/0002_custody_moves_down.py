from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("allocations", "0001_initial"), ("custody", "0001_from_allocations")]

    operations = [migrations.SeparateDatabaseAndState(state_operations=[migrations.DeleteModel(name="CustodyAccount")])]
