"""Tokens get a number as their primary key. Databases cannot be told so in one way, so the rows go to a new table."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

COLUMNS = ('digest', 'token_key', 'created', 'expiry', 'name', 'scope', 'account_id', 'user_id')


def copy(apps, schema_editor, source, target):
    """The oldest first, so that numbers tell the order in which tokens were made."""
    made = apps.get_model('kalshi', target)
    created = made._meta.get_field('created')
    created.auto_now_add = False
    try:
        rows = apps.get_model('kalshi', source).objects.order_by('created').values(*COLUMNS)
        made.objects.bulk_create((made(**row) for row in rows.iterator(1000)), batch_size=1000)
    finally:
        created.auto_now_add = True
    schema_editor.connection.check_constraints()  # PostgreSQL renames no table with checks that are still to be done


def forward(apps, schema_editor):
    copy(apps, schema_editor, 'ApiToken', 'NumberedToken')


def back(apps, schema_editor):
    copy(apps, schema_editor, 'NumberedToken', 'ApiToken')


class Migration(migrations.Migration):

    dependencies = [
        ('kalshi', '0008_one_offered_app'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='NumberedToken',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('digest', models.CharField(editable=False, max_length=128, unique=True)),
                ('token_key', models.CharField(db_index=True, max_length=25)),
                ('created', models.DateTimeField(auto_now_add=True)),
                ('expiry', models.DateTimeField(blank=True, null=True)),
                ('name', models.CharField(max_length=100)),
                ('scope', models.CharField(choices=[('read', 'Read'), ('metrics', 'Metrics')], default='read', max_length=16)),
                ('account', models.ForeignKey(blank=True, help_text='The one account that the token opens; empty: all that its owner may see.', null=True, on_delete=django.db.models.deletion.CASCADE, related_name='+', to='kalshi.account')),
                ('user', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='auth_token_set', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'verbose_name': 'API token',
                'ordering': ('-created',),
            },
        ),
        migrations.RunPython(forward, back),
        migrations.DeleteModel(name='ApiToken'),
        migrations.RenameModel(old_name='NumberedToken', new_name='ApiToken'),
    ]
