from django.db import migrations, models

from kalshi.models import append_only


def install(apps, schema_editor):
    append_only.install(schema_editor.connection)


class Migration(migrations.Migration):
    """Rows that are there stay as they are, of no known person: a name does not prove who it was. SQLite makes the table
    anew for a new column, in either direction, and so without its triggers.
    """

    dependencies = [
        ('kalshi', '0011_uncounted_recovery_codes'),
    ]

    operations = [
        migrations.RunPython(migrations.RunPython.noop, install),
        migrations.AddField(
            model_name='auditevent',
            name='actor_pk',
            field=models.CharField(blank=True, db_index=True, default='', editable=False, max_length=64),
            preserve_default=False,
        ),
        migrations.RunPython(install, migrations.RunPython.noop),
    ]
