from django.apps import apps as installed
from django.db import migrations


def empty(apps, schema_editor):
    """Forms of failed sign-ins, which django-axes kept with new passwords and codes. The failures still count."""
    if not installed.is_installed('axes'):
        return
    connection = schema_editor.connection
    if connection.vendor == 'sqlite':
        with connection.cursor() as cursor:
            cursor.execute('PRAGMA secure_delete=ON')  # else the file keeps what is deleted until it is overwritten
    apps.get_model('axes', 'AccessAttempt').objects.using(connection.alias).update(get_data='', post_data='')


class Migration(migrations.Migration):

    dependencies = [
        ('kalshi', '0009_token_number'),
        *([('axes', '__first__')] if installed.is_installed('axes') else []),
    ]

    operations = [
        migrations.RunPython(empty, migrations.RunPython.noop),
    ]
