from django.db import migrations, models


class Migration(migrations.Migration):
    """What is on its way goes on as it was checked: of one form for all of its columns."""

    dependencies = [("contacts", "0008_consent")]

    operations = [
        migrations.AddField(
            model_name="import",
            name="is_form_chosen",
            field=models.BooleanField(default=True, verbose_name="chosen for all number columns"),
        ),
        migrations.AlterField(
            model_name="import",
            name="is_form_chosen",
            field=models.BooleanField(default=False, verbose_name="chosen for all number columns"),
        ),
    ]
