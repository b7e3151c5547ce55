from django.db import migrations

from kalshi.models import append_only


class Migration(migrations.Migration):

    dependencies = [
        ('kalshi', '0004_keep_what_people_see'),
    ]

    operations = [
        migrations.RunPython(
            lambda apps, schema_editor: append_only.install(schema_editor.connection),
            lambda apps, schema_editor: append_only.remove(schema_editor.connection),
        ),
    ]
