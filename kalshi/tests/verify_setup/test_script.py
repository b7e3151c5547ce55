from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from kalshi.services import verify_findings
from kalshi.tests.servers import ROOT, Sandbox, bare_environment, free_port, run_python

FAR = {"KALSHI_BASE_URL": "https://kalshi.invalid/trade-api/v2"}
NEVER_RUN = {"data folder", "database", "migrations"}


class Script:
    """`verify_setup.py` as a person runs it, on a fresh folder unless told otherwise."""

    def __init__(self, folder: Path, *arguments: str, python: str = sys.executable, **env: str) -> None:
        folder.mkdir(exist_ok=True)
        self.env = bare_environment(folder) | {"DATA_DIR": str(folder / "data")} | env
        done = subprocess.run(
            [python, str(ROOT / "verify_setup.py"), *arguments],
            check=False,
            env=self.env,
            cwd=folder,
            text=True,
            capture_output=True,
            timeout=60,
        )
        self.code, self.out, self.err = done.returncode, done.stdout, done.stderr

    def checks(self) -> dict[str, Any]:
        document = json.loads(self.out)
        assert set(document) == {"ok", "checks"}
        assert document["ok"] is (self.code == 0)
        assert all(set(check) == {"name", "status", "found", "remedy"} for check in document["checks"])
        return {check["name"]: check for check in document["checks"]}


@pytest.fixture(scope="module")
def scripts(sandbox: Sandbox, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Script]:
    """Every way to run it that a test below looks at, two at a time."""
    base = tmp_path_factory.mktemp("verify")
    good = sandbox.environment("ed25519")
    (base / "noisy.py").write_text("print('noise')\ndef request(method, path, params):\n    return {}\n")
    (base / "proxy.env").write_text(f"HTTPS_PROXY=http://ada:hunter2secret@127.0.0.1:{free_port()}\n")
    garbage = base / "corrupt" / "data"
    garbage.mkdir(parents=True)
    (garbage / "db.sqlite3").write_bytes(b"no database " * 500)
    (base / "half" / "data").mkdir(parents=True)
    (base / "half" / "data" / "db.sqlite3").touch()
    runs: dict[str, tuple[tuple[str, ...], dict[str, str]]] = {
        "good": ((), good),
        "json": (("--json",), good),
        "malformed": (("--json",), {"PORT": "eighty"}),
        "first start": ((), {"SANDBOX_PORT": str(free_port())}),
        "half": (("--json",), {"KALSHI_API_KEY_ID": good["KALSHI_API_KEY_ID"]}),
        "corrupt": (("--json",), good),
        "dead proxy": (("--json",), good | FAR | {"KALSHI_ENV_FILE": str(base / "proxy.env")}),
        "socks": (("--json",), good | FAR | {"HTTPS_PROXY": "socks5://ada:hunter2secret@127.0.0.1:9"}),
        "noisy": (("--json",), {"KALSHI_REQUEST_FUNCTION": "noisy.request", "PYTHONPATH": str(base)}),
    }
    with ThreadPoolExecutor(2) as pool:
        started = {
            name: pool.submit(Script, base / name, *arguments, **env)
            for name, (arguments, env) in runs.items()
        }
        return {name: script.result() for name, script in started.items()}


def test_it_prints_one_line_per_check_and_says_what_to_do(scripts: dict[str, Script]) -> None:
    lines = scripts["good"].out.splitlines()
    # Nothing has run yet, so there is nothing to keep anything in: no other fault here.
    assert scripts["good"].code == 1
    assert [line[6:23].strip() for line in lines] == list(verify_findings.NAMES)
    faults = {line[6:23].strip(): line for line in lines if not line.startswith("ok ")}
    assert set(faults) == NEVER_RUN
    data_dir = scripts["good"].env["DATA_DIR"]
    assert f"{data_dir} does not exist -> Run `make run`" in faults["data folder"]
    assert f"{data_dir}/db.sqlite3 does not exist -> Run `make run`" in faults["database"]


def test_it_makes_nothing(scripts: dict[str, Script]) -> None:
    for name in ("good", "json", "first start"):
        assert list(Path(scripts[name].env["HOME"]).iterdir()) == [], name
    corrupt = Path(scripts["corrupt"].env["DATA_DIR"])
    assert [path.name for path in corrupt.iterdir()] == ["db.sqlite3"]


def test_a_database_without_tables_is_left_as_it_is(sandbox: Sandbox, tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    empty = tmp_path / "data" / "db.sqlite3"
    empty.touch(0o600)
    checks = Script(tmp_path, "--json", **sandbox.environment("ed25519")).checks()
    assert {name for name, check in checks.items() if check["status"] != "ok"} == {"migrations"}
    assert checks["migrations"]["remedy"] == "Run: .venv/bin/python manage.py migrate"
    assert empty.stat().st_size == 0


def test_files_that_others_can_read_are_said_and_left_as_they_are(sandbox: Sandbox, tmp_path: Path) -> None:
    (tmp_path / "data").mkdir(0o700)
    (tmp_path / "data" / "db.sqlite3").touch()
    (tmp_path / "data" / "db.sqlite3").chmod(0o644)
    found = Script(tmp_path, "--json", **sandbox.environment("ed25519")).checks()["data folder"]
    assert (found["status"], found["remedy"]) == ("warn", "Run chmod 600 on them.")
    assert found["found"].endswith("where other users can read db.sqlite3")
    assert (tmp_path / "data" / "db.sqlite3").stat().st_mode & 0o777 == 0o644


def test_json_is_the_same_in_one_object(scripts: dict[str, Script]) -> None:
    checks = scripts["json"].checks()
    assert tuple(checks) == verify_findings.NAMES
    assert {name for name, check in checks.items() if check["status"] != "ok"} == NEVER_RUN


def test_everything_good_is_exit_code_0(sandbox: Sandbox, scripts: dict[str, Script]) -> None:
    env = scripts["good"].env
    run_python("manage.py", "migrate", "--verbosity", "0", env=env)
    again = Script(Path(env["HOME"]), **sandbox.environment("ed25519"))
    assert again.code == 0, again.out


def test_a_malformed_setting_is_a_line_and_no_traceback(scripts: dict[str, Script]) -> None:
    checks = scripts["malformed"].checks()
    assert tuple(checks) == verify_findings.NAMES
    assert checks["settings"]["found"] == "PORT is 'eighty'; allowed: a whole number from 1 to 65535."
    assert checks["python"]["status"] == "ok"
    assert checks["balance"]["found"].startswith("not tested")


def test_before_the_first_start_it_says_make_run(scripts: dict[str, Script]) -> None:
    key_file = next(line for line in scripts["first start"].out.splitlines() if " key file " in line)
    assert key_file.startswith("fail")
    assert "make run" in key_file


def test_half_a_credential_fails_alone_and_what_depends_on_it(scripts: dict[str, Script]) -> None:
    checks = scripts["half"].checks()
    assert "KALSHI_PRIVATE_KEY_PATH" in checks["key file"]["found"]
    assert checks["database"]["status"] == "ok"
    assert checks["request function"]["status"] == "ok"


def test_a_corrupt_database_leaves_the_exchange_readable(scripts: dict[str, Script]) -> None:
    checks = scripts["corrupt"].checks()
    assert checks["database"]["status"] == "fail"
    assert "db.sqlite3 from a backup" in checks["database"]["remedy"]
    assert checks["balance"]["status"] == "ok"


def test_what_a_request_function_prints_is_not_in_the_json(scripts: dict[str, Script]) -> None:
    assert scripts["noisy"].checks()["request function"]["status"] == "ok"
    assert "noise" in scripts["noisy"].err


def test_no_run_shows_a_key_or_a_traceback(scripts: dict[str, Script], sandbox: Sandbox) -> None:
    secrets = [*sandbox.key_ids.values()]
    for kind in ("rsa", "ed25519"):
        secrets += sandbox.key_path(kind).read_text().splitlines()[1:-1]
    for name, script in scripts.items():
        output = script.out + script.err
        assert "Traceback" not in output, name
        assert not [secret for secret in secrets if secret in output], name


def test_without_django_it_goes_on_with_the_python_of_the_virtual_environment(tmp_path: Path) -> None:
    venv = tmp_path / ".venv" / "bin"
    venv.mkdir(parents=True)
    (venv / "python").write_text('#!/bin/sh\necho "went on with $*"\n')
    (venv / "python").chmod(0o755)
    done = _without_django(tmp_path, "--json")
    assert done.stdout == f"went on with {tmp_path / 'verify_setup.py'} --json\n"


def test_without_django_and_virtual_environment_it_says_make_run(tmp_path: Path) -> None:
    done = _without_django(tmp_path, "--json")
    assert done.returncode == 1
    (check,) = json.loads(done.stdout)["checks"]
    assert "make run" in check["remedy"]
    text = _without_django(tmp_path)
    assert text.stdout.count("\n") == 1
    assert "make run" in text.stdout


def _without_django(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    shutil.copy(ROOT / "verify_setup.py", folder)
    python = os.path.realpath(sys.executable)  # outside of the environment that the tests run in
    return subprocess.run(
        [python, "-I", "-S", str(folder / "verify_setup.py"), *arguments],
        check=False,
        text=True,
        capture_output=True,
        timeout=30,
    )


def test_a_proxy_of_the_settings_file_that_is_dead_is_named_without_its_password(
    scripts: dict[str, Script],
) -> None:
    checks = scripts["dead proxy"].checks()
    assert "through the proxy 127.0.0.1:" in checks["settings"]["found"]
    assert "(HTTPS_PROXY) does not answer, so Kalshi cannot be reached" in checks["signature"]["found"]
    assert "hunter2secret" not in scripts["dead proxy"].out + scripts["dead proxy"].err
    assert checks["secrets"]["status"] == "ok"


def test_a_proxy_that_cannot_be_used_is_named_without_its_password(scripts: dict[str, Script]) -> None:
    checks = scripts["socks"].checks()
    assert "HTTPS_PROXY must be the address of an HTTP proxy" in checks["settings"]["found"]
    assert "hunter2secret" not in scripts["socks"].out + scripts["socks"].err
