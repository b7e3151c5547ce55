"""`make run`: from a bare clone to a running dashboard, in one process or WORKERS (and one more for the sandbox).

Finds out which exchange to talk to, starts the simulated one when there are no credentials, migrates, makes the
user `owner`, prints a sign-in link and serves. Whatever is wrong ends it with one sentence.
"""

import contextlib
import logging
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from io import StringIO
from pathlib import Path
from types import FrameType

import django
from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.exceptions import ImproperlyConfigured
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import Error as DatabaseError
from django.db import IntegrityError, transaction
from django.db.utils import ConnectionHandler

from dashboard import data_dir, database_faults
from dashboard.output import ends_with_its_reader
from kalshi.errors import ConfigError
from kalshi.management.commands.serve import refuse_faults
from kalshi.private_files import open_private
from kalshi.server import serving, sockets, stopping
from kalshi.server.one_server import one_server

BANNER = """
  ======================================================================
   SIMULATED DATA: no Kalshi credentials were found, so a sandbox with
   play money stands in for the exchange. To see your own account, set
   KALSHI_API_KEY_ID and KALSHI_PRIVATE_KEY_PATH (README.md, Credentials).
  ======================================================================
"""
SANDBOX_START_S = 30.0
SANDBOX_STOP_S = 2.0
DATABASE_S = 5


def main() -> None:
    os.umask(0o077)  # what we write holds sessions, keys and account data
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "dashboard.settings")
    # Their default action skips every `finally`, and the sandbox would outlive us.
    signal.signal(signal.SIGTERM, _leave)
    # The terminal was closed, and whatever SIGTERM means at this moment is what to do.
    signal.signal(signal.SIGHUP, lambda *_: signal.raise_signal(signal.SIGTERM))
    try:
        launch()
    except (ImproperlyConfigured, CommandError, ConfigError) as problem:
        sys.exit(f"error: {problem}")
    except DatabaseError as problem:
        kind = type(problem).__name__
        known = database_faults.sentence(problem)
        sys.exit(
            f"error: {known or f'The database does not work ({kind}); start it, or correct DATABASE_URL.'}"
        )
    except KeyboardInterrupt:
        sys.exit(130)


def launch() -> None:
    """Serve until a signal. Raises what `main` turns into a sentence."""
    workers = settings.KALSHI["WORKERS"]
    serving.refuse_workers_without_redis(workers)
    check_database()
    listener = sockets.listen(settings.HOST, settings.PORT)
    with one_server(), sandbox() if settings.UPSTREAM.own_sandbox else contextlib.nullcontext():
        django.setup()
        refuse_faults()
        call_command("migrate", verbosity=0)
        make_owner()
        say(f"Kalshi gateway on {settings.PUBLIC_BASE_URL} ({settings.UPSTREAM.environment})")
        say(f"Sign in: {sign_in_link()}")
        if workers > 1:
            serving.run_supervised(listener, workers, reload_on_hangup=False)
        else:
            serving.run_alone(listener)


def check_database() -> None:
    """Raise when the database cannot be used, at once: the connection pool would go on trying, and log each try."""
    database = settings.DATABASES["default"]
    if database["ENGINE"].endswith("sqlite3"):
        data_dir.check_database(Path(database["NAME"]))
        return
    options = {name: value for name, value in database["OPTIONS"].items() if name != "pool"}
    single = ConnectionHandler({"default": database | {"OPTIONS": options | {"connect_timeout": DATABASE_S}}})
    single["default"].ensure_connection()
    single.close_all()


def say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


@contextlib.contextmanager
def sandbox() -> Iterator[None]:
    """Run the simulated exchange beside us. Raises ImproperlyConfigured with its own words when it does not start."""

    command = [sys.executable, "-m", "sandbox", "--port", str(settings.ENV["SANDBOX_PORT"])]
    command += ["--keys-dir", str(settings.DATA_DIR / "sandbox"), "--with-parent", str(os.getpid())]
    log = settings.DATA_DIR / "sandbox.log"
    with open_private(log) as output:
        output.truncate(0)
        process = subprocess.Popen(command, cwd=settings.BASE_DIR, stdout=output, stderr=output)  # noqa: S603 - our own program
    stopping.before_cut_off(process.kill)
    stopping_now = threading.Event()
    try:
        await_sandbox(process, log)
        say(BANNER)
        threading.Thread(target=report_end, args=(process, log, stopping_now), daemon=True).start()
        yield
    finally:
        stopping_now.set()
        process.terminate()
        try:
            process.wait(SANDBOX_STOP_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def await_sandbox(process: "subprocess.Popen[bytes]", log: Path) -> None:
    deadline = time.monotonic() + SANDBOX_START_S
    while "Sandbox ready" not in (said := log.read_text()):
        if process.poll() is not None or time.monotonic() > deadline:
            last = said.strip().splitlines()[-1:] or ["it said nothing"]
            port = settings.ENV["SANDBOX_PORT"]
            raise ImproperlyConfigured(f"The sandbox on SANDBOX_PORT {port} did not start: {last[0]}")
        time.sleep(0.02)


def report_end(process: "subprocess.Popen[bytes]", log: Path, stopping_now: threading.Event) -> None:
    """Say so when the sandbox ends while we go on: what follows would look like an outage of Kalshi."""
    code = process.wait()
    if not stopping_now.is_set():
        logging.getLogger("dashboard.launch").error(
            "the sandbox has ended (code %s, its words are in %s); stop this program and start it again",
            code,
            log,
        )


def make_owner() -> None:
    """The first user; has no password until one is set, and signs in by link."""

    users = get_user_model().objects
    if users.filter(username="owner").exists():
        return
    # Servers that start together all find nobody.
    with contextlib.suppress(IntegrityError), transaction.atomic():
        users.create_superuser("owner", password=None)


def sign_in_link() -> str:
    out = StringIO()
    call_command("sign_in_link", user="owner", stdout=out)
    return out.getvalue().strip()


def _leave(signum: int, frame: FrameType | None) -> None:
    sys.exit(0)


if __name__ == "__main__":
    with ends_with_its_reader():
        main()
