import os

import django

from dashboard.request import Handler

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "dashboard.settings")
django.setup(set_prefix=False)

application = Handler()
