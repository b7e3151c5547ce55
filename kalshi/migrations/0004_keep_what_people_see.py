from django.conf import settings
from django.db import migrations


def keep_what_people_see(apps, schema_editor):
    """Until now everybody who could sign in saw the account; whoever was there goes on seeing it."""
    account, _ = apps.get_model('kalshi', 'Account').objects.get_or_create(
        slug='default', defaults={'label': 'Default account', 'from_environment': True}
    )
    app_label, _, model = settings.AUTH_USER_MODEL.partition('.')
    people = apps.get_model(app_label, model).objects.filter(is_active=True, is_superuser=False)
    grant = apps.get_model('kalshi', 'Grant')
    grant.objects.bulk_create(
        [grant(user=person, account=account, role='operator' if person.is_staff else 'viewer') for person in people]
    )


class Migration(migrations.Migration):

    dependencies = [
        ('kalshi', '0003_accounts_people_keys_audit'),
    ]

    operations = [
        migrations.RunPython(keep_what_people_see, migrations.RunPython.noop),
    ]
