from django.db import migrations, models

from kalshi.models import append_only


def install(apps, schema_editor):
    append_only.install(schema_editor.connection)


class Migration(migrations.Migration):
    """Rows that are there stay as they are, about no account: nobody may change them. SQLite makes the table anew for
    a new column, in either direction, and so without its triggers.
    """

    dependencies = [
        ('kalshi', '0005_audit_append_only'),
    ]

    operations = [
        migrations.RunPython(migrations.RunPython.noop, install),
        migrations.AddField(
            model_name='auditevent',
            name='account',
            field=models.CharField(blank=True, db_index=True, max_length=40),
        ),
        migrations.AddField(
            model_name='auditevent',
            name='account_uid',
            field=models.UUIDField(blank=True, db_index=True, editable=False, null=True),
        ),
        migrations.RunPython(install, migrations.RunPython.noop),
    ]
