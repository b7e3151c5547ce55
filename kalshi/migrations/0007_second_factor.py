import uuid
from collections import defaultdict

import django.db.models.deletion
from django.apps import apps as installed
from django.conf import settings
from django.db import migrations, models

from kalshi.accounts import recovery

APPS, CODES, CODE_SETS = 'otp_totp_totpdevice', 'otp_static_statictoken', 'otp_static_staticdevice'


def move(apps, schema_editor):
    """Bring over what django-otp kept readable. Codes are hashed here; keys are sealed right after all migrations
    (kalshi.apps), or as soon as there is a key ring.

    Where the plugins of django-otp are installed, their tables are another project's own.
    """
    connection = schema_editor.connection
    if installed.is_installed('django_otp.plugins.otp_totp') or APPS not in connection.introspection.table_names():
        return
    with connection.cursor() as cursor:
        if connection.vendor == 'sqlite':
            cursor.execute('PRAGMA secure_delete=ON')  # else the file keeps what is deleted until it is overwritten
        cursor.execute(f'SELECT user_id, confirmed, key, drift, last_t FROM {APPS} ORDER BY id')
        rows = cursor.fetchall()
        codes = defaultdict(list)
        cursor.execute(
            f'SELECT one.user_id, token FROM {CODES} JOIN {CODE_SETS} one ON device_id = one.id WHERE one.confirmed'
        )
        for user, token in cursor.fetchall():
            codes[user].append(token)
        apps.get_model('kalshi', 'Authenticator').objects.bulk_create(
            apps.get_model('kalshi', 'Authenticator')(
                user_id=user, confirmed=bool(confirmed), sealed_key=f'plain:{key}', drift=drift, last_t=last_t
            )
            for user, confirmed, key, drift, last_t in rows
        )
        apps.get_model('kalshi', 'RecoveryCodes').objects.bulk_create(
            hashed(apps.get_model('kalshi', 'RecoveryCodes'), user, tokens) for user, tokens in codes.items()
        )
        for table in (APPS, CODES, CODE_SETS):
            cursor.execute(f'DELETE FROM {table}')


def hashed(model, user, tokens):
    salt, cost = recovery.new_salt(), recovery.COST
    digests = [recovery.digest(token, salt=salt, cost=cost) for token in tokens]
    return model(user_id=user, salt=salt, cost=cost, digests=digests)


class Migration(migrations.Migration):
    """Not to be undone: codes cannot be made readable again, and without them everybody would sign in without one."""

    dependencies = [
        ('kalshi', '0006_audit_account'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='Authenticator',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('throttling_failure_timestamp', models.DateTimeField(blank=True, default=None, help_text='A timestamp of the last failed verification attempt. Null if last attempt succeeded.', null=True)),
                ('throttling_failure_count', models.PositiveIntegerField(default=0, help_text='Number of successive failed attempts.')),
                ('uid', models.UUIDField(default=uuid.uuid4, editable=False, unique=True)),
                ('confirmed', models.BooleanField(default=False)),
                ('sealed_key', models.TextField(editable=False)),
                ('drift', models.SmallIntegerField(default=0)),
                ('last_t', models.BigIntegerField(default=-1)),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('user', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'ordering': ('id',),
            },
        ),
        migrations.CreateModel(
            name='RecoveryCodes',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('throttling_failure_timestamp', models.DateTimeField(blank=True, default=None, help_text='A timestamp of the last failed verification attempt. Null if last attempt succeeded.', null=True)),
                ('throttling_failure_count', models.PositiveIntegerField(default=0, help_text='Number of successive failed attempts.')),
                ('salt', models.CharField(max_length=64)),
                ('cost', models.PositiveIntegerField()),
                ('digests', models.JSONField(default=list)),
                ('user', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, related_name='+', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'verbose_name_plural': 'recovery codes',
            },
        ),
        migrations.RunPython(move),
    ]
