from collections import defaultdict

from django.db import migrations

from sms.msisdn import kind_of

BATCH = 5_000


def fill_kinds(apps, schema_editor):
    """A batch a statement and kind, each committed, so that a table of millions is never held for long."""
    rows = apps.get_model("contacts", "Recipient").objects.using(schema_editor.connection.alias)
    last = 0
    while batch := list(rows.filter(pk__gt=last).order_by("pk").values_list("pk", "msisdn", "kind")[:BATCH]):
        last = batch[-1][0]
        by_kind = defaultdict(list)
        for pk, msisdn, kind in batch:
            if not kind:
                by_kind[kind_of(msisdn) or ""].append(pk)
        for kind, pks in by_kind.items():
            if kind:
                rows.filter(pk__in=pks).update(kind=kind)


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("contacts", "0003_audience")]

    operations = [migrations.RunPython(fill_kinds, migrations.RunPython.noop, elidable=True)]
