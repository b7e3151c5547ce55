"""Programs whose output nobody reads to its end, as with `| head`: no word more, and the code that other tools have."""

from __future__ import annotations

import subprocess
import sys

import pytest

from dashboard.output import READER_GONE
from kalshi.tests.servers import ROOT, bare_environment, free_port, ran, run_python

FILL = """
from django.contrib.auth.models import User
from kalshi.models import Account
User.objects.create_superuser("ada")
User.objects.create_user("bob")
Account.objects.get_or_create(slug="default")
from kalshi.models import AuditEvent
AuditEvent.objects.bulk_create(AuditEvent(actor="ada", action="sign_in", target="x" * 100) for _ in range(2000))
"""
# More than a pipe and its reader's buffer hold. The third makes a sentence of its own of whatever fails.
LONG_OUTPUT = (
    ["audit", "--csv"],
    ["audit", "--traceback"],
    ["dumpdata", "kalshi.auditevent"],
    ["shell", "-v0", "-c", "for n in range(100_000): print('line', n)"],
)
SHORT_OUTPUT = (
    ["manage.py", "help"],
    ["manage.py", "showmigrations"],
    ["verify_setup.py"],
    ["verify_setup.py", "--json"],
    ["-m", "dashboard.launch"],
)


@pytest.fixture(scope="module")
def env(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    folder = tmp_path_factory.mktemp("output")
    found = bare_environment(folder) | {"DATA_DIR": str(folder / "data"), "PYTHONUNBUFFERED": ""}
    found |= {"PORT": str(free_port()), "SANDBOX_PORT": str(free_port())}
    run_python("manage.py", "migrate", "--verbosity", "0", env=found)
    run_python("manage.py", "shell", "-v0", "-c", FILL, env=found)
    return found


def read_a_little(program: list[str], env: dict[str, str], count: int) -> tuple[int, str]:
    """Exit code and standard error of a program whose reader goes after so many bytes; 0: before it begins."""
    process = subprocess.Popen(
        [sys.executable, *program], cwd=ROOT, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert process.stdout is not None
    process.stdout.read(count)
    process.stdout.close()
    _, said = process.communicate(timeout=60)
    return process.returncode, said.decode()


@pytest.mark.parametrize("unbuffered", ["", "1"], ids=["buffered", "unbuffered"])
def test_the_audit_log_whose_reader_has_seen_enough_ends_quietly(
    env: dict[str, str], unbuffered: str
) -> None:
    done = read_a_little(["manage.py", "audit"], env | {"PYTHONUNBUFFERED": unbuffered}, 1)
    assert done == (READER_GONE, "")


@pytest.mark.parametrize("command", LONG_OUTPUT, ids=" ".join)
def test_so_does_every_other_command_that_prints_much(env: dict[str, str], command: list[str]) -> None:
    assert read_a_little(["manage.py", *command], env, 1) == (READER_GONE, "")


@pytest.mark.parametrize("program", SHORT_OUTPUT, ids=" ".join)
def test_what_prints_little_to_nobody_ends_quietly_too(env: dict[str, str], program: list[str]) -> None:
    assert read_a_little(program, env, 0) == (READER_GONE, "")


def test_a_failure_keeps_its_words_and_its_code_though_nobody_reads(env: dict[str, str]) -> None:
    code = "print('a line'); raise SystemExit('no good')"
    assert read_a_little(["manage.py", "shell", "-v0", "-c", code], env, 0) == (1, "no good\n")
    code = "print('a line'); 1/0"
    status, said = read_a_little(["manage.py", "shell", "-v0", "-c", code], env, 0)
    assert status == 1 and said.endswith("ZeroDivisionError: division by zero\n")


def test_another_broken_pipe_is_no_quiet_end(env: dict[str, str]) -> None:
    code = "import os; theirs, ours = os.pipe(); os.close(theirs); os.write(ours, b'x')"
    done = ran([sys.executable, "manage.py", "shell", "-v0", "-c", code], env=env)
    assert done.returncode == 1 and done.stderr.endswith("BrokenPipeError: [Errno 32] Broken pipe\n")


PRINTING = (
    ["manage.py", "help"],
    ["manage.py", "showmigrations"],
    ["manage.py", "audit"],
    ["manage.py", "audit", "--traceback"],
    ["manage.py", "accounts", "list"],
    ["manage.py", "create_token", "--user", "ada", "--name", "x"],
    ["manage.py", "dumpdata", "kalshi.auditevent"],
    ["verify_setup.py", "--json"],
)


@pytest.mark.parametrize("unbuffered", ["", "1"], ids=["buffered", "unbuffered"])
@pytest.mark.parametrize(
    ("where", "why"),
    [(">/dev/full", "No space left on device"), (">&-", "Bad file descriptor")],
    ids=["no room", "closed"],
)
@pytest.mark.parametrize("program", PRINTING, ids=" ".join)
def test_output_that_cannot_be_written_is_one_sentence(
    env: dict[str, str], program: list[str], where: str, why: str, unbuffered: str
) -> None:
    done = in_a_shell(program, where, env | {"PYTHONUNBUFFERED": unbuffered})
    assert done == (1, "", f"error: The output cannot be written ({why}).\n")


def test_what_prints_nothing_needs_no_output(env: dict[str, str]) -> None:
    assert in_a_shell(["manage.py", "migrate", "--verbosity", "0"], ">&- 2>&-", env) == (0, "", "")


def test_what_is_printed_arrives_without_a_standard_error(env: dict[str, str]) -> None:
    """The command has a warning for it too."""
    program = ["manage.py", "create_token", "--user", "bob", "--name", "x", "--account", "default"]
    status, token, said = in_a_shell(program, "2>&-", env)
    assert (status, len(token), said) == (0, 65, "")


def in_a_shell(program: list[str], where: str, env: dict[str, str]) -> tuple[int, str, str]:
    """Exit code, output and standard error."""
    done = ran(["sh", "-c", f'"$@" {where}', "sh", sys.executable, *program], env=env)
    return done.returncode, done.stdout, done.stderr
