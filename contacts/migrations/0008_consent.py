import django.db.models.deletion
from django.db import migrations, models

import contacts.models


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0002_audience"),
        ("contacts", "0007_number_form"),
    ]

    operations = [
        migrations.AddField(
            model_name="import",
            name="api_key",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="+",
                to="accounts.apikey",
            ),
        ),
        migrations.AddField(
            model_name="import",
            name="consent",
            field=models.CharField(blank=True, default="", max_length=200, verbose_name="consent"),
            preserve_default=False,
        ),
        migrations.AddField(
            model_name="import",
            name="new_columns",
            field=models.JSONField(default=contacts.models.nothing),
        ),
        migrations.AddField(
            model_name="import",
            name="undo_kept",
            field=models.JSONField(default=dict),
        ),
        migrations.AlterField(
            model_name="import",
            name="date_order",
            field=models.CharField(
                blank=True,
                choices=[
                    ("", "Not known: such a date stays in the proof as it is written"),
                    ("day_first", "The day first: 31/12/2026"),
                    ("month_first", "The month first: 12/31/2026"),
                ],
                default="",
                max_length=11,
                verbose_name="days and months",
            ),
        ),
    ]
