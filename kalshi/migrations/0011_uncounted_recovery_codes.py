from django.db import migrations


class Migration(migrations.Migration):

    dependencies = [
        ('kalshi', '0010_no_kept_forms'),
    ]

    operations = [
        migrations.RemoveField(model_name='recoverycodes', name='throttling_failure_count'),
        migrations.RemoveField(model_name='recoverycodes', name='throttling_failure_timestamp'),
    ]
