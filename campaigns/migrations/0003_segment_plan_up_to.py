from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("campaigns", "0002_initial")]

    operations = [
        migrations.AddField(
            model_name="segment",
            name="plan_up_to",
            field=models.BigIntegerField(blank=True, null=True),
        ),
    ]
