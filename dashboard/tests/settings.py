"""The product's settings on a bare environment: nothing of the machine's own configuration reaches a test."""

import os
import tempfile

from dashboard.env import SETTINGS

for _setting in SETTINGS:
    os.environ.pop(_setting.name, None)
_folder = tempfile.mkdtemp(prefix="kalshi-tests-")
os.environ |= {"KALSHI_ENV_FILE": os.devnull, "DATA_DIR": _folder, "HOME": _folder}

from dashboard.settings import *  # noqa: E402, F403

PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
# Every test client loads the middleware anew, and this one would read all static files each time.
WHITENOISE_AUTOREFRESH = True
