"""`make run`: from a bare clone to a running dashboard, in one process (and one more for the sandbox).

Finds out which exchange to talk to, starts the simulated one when there are no credentials, migrates, makes the
user `owner`, prints a sign-in link and serves. Whatever is wrong ends it with one sentence.
"""

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from types import FrameType

BANNER = """
  ======================================================================
   SIMULATED DATA: no Kalshi credentials were found, so a sandbox with
   play money stands in for the exchange. To see your own account, set
   KALSHI_API_KEY_ID and KALSHI_PRIVATE_KEY_PATH (README.md, Credentials).
  ======================================================================
"""


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "dashboard.settings")
    # Without this the sandbox would outlive us: the default action of SIGTERM skips every `finally`.
    signal.signal(signal.SIGTERM, _leave)
    from django.core.exceptions import ImproperlyConfigured
    from django.core.management.base import CommandError

    from kalshi.errors import ConfigError

    try:
        launch()
    except (ImproperlyConfigured, CommandError, ConfigError) as problem:
        sys.exit(f"error: {problem}")
    except KeyboardInterrupt:
        sys.exit(130)


def launch() -> None:
    import django
    from django.conf import settings

    from dashboard import data_dir

    if settings.DATABASES["default"]["ENGINE"].endswith("sqlite3"):
        data_dir.check_database(settings.SQLITE_PATH)
    with sandbox() if settings.UPSTREAM.own_sandbox else contextlib.nullcontext():
        django.setup()
        from django.core.management import call_command

        from kalshi import server
        from kalshi.management.commands.serve import refuse_faults

        refuse_faults()
        listener = server.listen(settings.HOST, settings.PORT)
        call_command("migrate", verbosity=0)
        make_owner()
        say(f"Kalshi gateway on {settings.PUBLIC_BASE_URL} ({settings.UPSTREAM.environment})")
        say(f"Sign in: {sign_in_link()}")
        server.run(listener)


def say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


@contextlib.contextmanager
def sandbox() -> Iterator[None]:
    """Run the simulated exchange beside us. Raises ImproperlyConfigured with its own words when it does not start."""
    from django.conf import settings
    from django.core.exceptions import ImproperlyConfigured

    command = [sys.executable, "-m", "sandbox", "--port", str(settings.ENV["SANDBOX_PORT"])]
    command += ["--keys-dir", str(settings.DATA_DIR / "sandbox")]
    with subprocess.Popen(
        command, cwd=settings.BASE_DIR, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        try:
            ready = process.stdout.readline() if process.stdout else ""
            if "Sandbox ready" not in ready:
                words = (process.communicate(timeout=10)[1] or ready).strip().splitlines()
                raise ImproperlyConfigured(
                    f"The sandbox did not start: {words[-1] if words else 'it said nothing'}"
                )
            say(BANNER)
            yield
        finally:
            process.terminate()


def make_owner() -> None:
    """The first user; has no password until one is set, and signs in by link."""
    from django.contrib.auth import get_user_model

    users = get_user_model().objects
    if not users.filter(username="owner").exists():
        users.create_superuser("owner", password=None)


def sign_in_link() -> str:
    from io import StringIO

    from django.core.management import call_command

    out = StringIO()
    call_command("sign_in_link", user="owner", stdout=out)
    return out.getvalue().strip()


def _leave(signum: int, frame: FrameType | None) -> None:
    sys.exit(0)


if __name__ == "__main__":
    main()
