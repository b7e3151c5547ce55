from django.conf import settings
from django.db import migrations, models


def keep_the_first(apps, schema_editor):
    """Pages that were opened at once each made an app of their own; the first is the one that is shown since."""
    rows = apps.get_model('kalshi', 'Authenticator').objects.filter(confirmed=False)
    first = rows.order_by().values('user').annotate(first=models.Min('id')).values_list('first', flat=True)
    rows.exclude(pk__in=list(first)).delete()


class Migration(migrations.Migration):

    dependencies = [
        ('kalshi', '0007_second_factor'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.RunPython(keep_the_first, migrations.RunPython.noop),
        migrations.AddConstraint(
            model_name='authenticator',
            constraint=models.UniqueConstraint(condition=models.Q(('confirmed', False)), fields=('user',), name='kalshi_one_offered_app'),
        ),
    ]
