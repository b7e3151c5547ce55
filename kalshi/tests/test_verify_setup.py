from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from django.core.cache import caches

from kalshi import conf
from kalshi.errors import UpstreamUnavailable
from kalshi.services import engine, verify, verify_exchange, verify_findings, verify_secrets, verify_versions
from kalshi.services.verify_findings import Finding, fail, ok, warn
from kalshi.tests import fakes
from kalshi.tests.servers import ROOT, Sandbox, bare_environment, free_port, running
from kalshi.upstream.credentials import Credentials


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with running(Sandbox) as server:
        yield server


@pytest.fixture
def configured(settings: Any, db: None, sandbox: Sandbox, tmp_path: Path) -> Iterator[dict[str, Any]]:
    """A set-up whose every check is good, in force; hand a changed one to `verified`."""
    settings.KALSHI = {
        "ENVIRONMENT": "demo",
        "BASE_URL": sandbox.base_url,
        "CREDENTIALS": {
            "KALSHI_API_KEY_ID": sandbox.key_ids["rsa"],
            "KALSHI_PRIVATE_KEY_PATH": str(sandbox.key_path("rsa")),
        },
        "CREDENTIALS_HOME": tmp_path,
    }
    caches["kalshi"].clear()
    conf.forget()
    yield settings.KALSHI
    sandbox.heal()
    engine.close()


def verified(settings: Any, changed: dict[str, Any], *, ahead_s: float = 0.0) -> dict[str, Finding]:
    """Findings by name, in this thread. ahead_s: how far this machine's clock is wrong."""
    settings.KALSHI = changed
    setup = conf.setup()
    exchange = verify_exchange.Exchange(setup, now=lambda: time.time() + ahead_s)
    checks = verify.checks(setup, exchange, Path())
    return {name: verify.guarded(name, check, exchange)() for name, check in checks}


def statuses(findings: dict[str, Finding]) -> dict[str, str]:
    return {name: finding.status for name, finding in findings.items() if finding.status != "ok"}


AFTER_SIGNATURE = dict.fromkeys(("scope", "balance", "positions", "cached call"), "fail")


class TestExchange:
    def test_a_good_installation_has_only_good_lines(self, settings: Any, configured: dict[str, Any]) -> None:
        findings = verified(settings, configured)
        assert statuses(findings) == {}
        assert findings["balance"].found.startswith("$")
        assert findings["positions"].found[0].isdigit()
        assert findings["cached call"].found.endswith(" ms")

    def test_the_second_call_asks_nothing(
        self, settings: Any, configured: dict[str, Any], sandbox: Sandbox
    ) -> None:
        before = sandbox.arrivals("get_balance")
        verified(settings, configured)
        assert (
            sandbox.arrivals("get_balance") == before + 2
        )  # the bare signed request, and one through the cache

    def test_the_amounts_are_those_of_the_exchange(
        self, settings: Any, configured: dict[str, Any], sandbox: Sandbox
    ) -> None:
        truth = sandbox.truth()
        findings = verified(settings, configured)
        amount = findings["balance"].found.removeprefix("$").replace(",", "")
        assert truth["cash_dollars"].startswith(amount)
        assert findings["positions"].found.startswith(f"{len(truth['positions'])} markets")

    @pytest.mark.parametrize(
        ("ahead_s", "expected", "words"),
        [
            (0.0, {}, ""),
            (1.0, {}, "ahead of"),
            (5.0, {"clock": "warn"}, "ahead of"),
            (-5.0, {"clock": "warn"}, "behind"),
            (12.0, {"clock": "fail"}, "ahead of"),
            (3600.0, {"clock": "fail"}, "ahead of"),
            (-3600.0, {"clock": "fail"}, "behind"),
        ],
    )
    def test_a_wrong_clock_is_told_from_a_wrong_key(
        self,
        settings: Any,
        configured: dict[str, Any],
        ahead_s: float,
        expected: dict[str, str],
        words: str,
    ) -> None:
        findings = verified(settings, configured, ahead_s=ahead_s)
        assert statuses(findings) == expected
        assert words in findings["clock"].found
        if expected:
            assert "timedatectl" in findings["clock"].remedy

    def test_an_unknown_key_id_is_told_by_name(self, settings: Any, configured: dict[str, Any]) -> None:
        credentials = configured["CREDENTIALS"] | {"KALSHI_API_KEY_ID": str(uuid.uuid4())}
        findings = verified(settings, configured | {"CREDENTIALS": credentials})
        assert statuses(findings) == {"signature": "fail"} | AFTER_SIGNATURE
        assert "KALSHI_ENV (now demo)" in findings["signature"].remedy
        assert findings["balance"].found == "not tested: no signed request succeeds"

    def test_a_key_of_another_id_is_told_by_name(
        self, settings: Any, configured: dict[str, Any], sandbox: Sandbox
    ) -> None:
        path = str(sandbox.key_path("ed25519"))
        credentials = configured["CREDENTIALS"] | {"KALSHI_PRIVATE_KEY_PATH": path}
        findings = verified(settings, configured | {"CREDENTIALS": credentials})
        assert statuses(findings) == {"signature": "fail"} | AFTER_SIGNATURE
        assert "private key" in findings["signature"].remedy
        assert "KALSHI_ENV" not in findings["signature"].remedy

    def test_an_exchange_that_is_away_is_asked_only_once(
        self, settings: Any, configured: dict[str, Any]
    ) -> None:
        address = f"http://127.0.0.1:{free_port()}/trade-api/v2"
        findings = verified(settings, configured | {"BASE_URL": address})
        assert statuses(findings) == {"clock": "fail", "signature": "fail"} | AFTER_SIGNATURE
        assert "cannot be reached" in findings["clock"].found
        assert "network" in findings["signature"].remedy

    @pytest.mark.parametrize(
        ("mode", "options", "words"),
        [
            ("hang", {}, "in time"),
            ("slow", {}, "in time"),
            ("down", {}, "connection"),
            ("garbage", {}, "no JSON"),
            ("truncate", {}, "cut short"),
            ("status", {"status": 503}, "503"),
            ("status", {"status": 429}, "rate limit"),
            ("status", {"status": 404}, "does not know"),
        ],
    )
    def test_every_way_to_fail_is_a_line_with_a_remedy_and_ends(
        self,
        settings: Any,
        configured: dict[str, Any],
        sandbox: Sandbox,
        monkeypatch: pytest.MonkeyPatch,
        mode: str,
        options: dict[str, Any],
        words: str,
    ) -> None:
        monkeypatch.setattr(verify_exchange, "PROBE_DEADLINE_S", 0.5)
        sandbox.fault(mode, **options)
        findings = verified(settings, configured)
        assert findings["signature"].status == "fail"
        assert words in findings["signature"].found
        assert findings["signature"].remedy
        assert {name: findings[name].status for name in AFTER_SIGNATURE} == AFTER_SIGNATURE

    def test_a_key_that_may_not_read_the_balance_is_still_a_good_signature(
        self, settings: Any, configured: dict[str, Any], sandbox: Sandbox
    ) -> None:
        sandbox.fault("status", status=403, operations=["get_balance"])
        findings = verified(settings, configured)
        assert statuses(findings) == {"balance": "fail", "cached call": "fail"}
        assert findings["balance"].remedy == "Give the key the scope `read`."

    def test_a_refused_list_of_keys_leaves_the_scope_unknown(
        self, settings: Any, configured: dict[str, Any], sandbox: Sandbox
    ) -> None:
        sandbox.fault("status", status=403, operations=["get_api_keys"])
        findings = verified(settings, configured)
        assert statuses(findings) == {"scope": "warn"}
        assert findings["scope"].found.startswith("not known")

    def test_an_endpoint_that_is_off_is_a_warning(self, settings: Any, configured: dict[str, Any]) -> None:
        from kalshi.models import EndpointPolicy

        EndpointPolicy.objects.update_or_create(operation="get_positions", defaults={"enabled": False})
        conf.forget()
        assert statuses(verified(settings, configured)) == {"positions": "warn"}

    def test_its_own_sandbox_must_be_running(
        self, settings: Any, configured: dict[str, Any], sandbox: Sandbox, tmp_path: Path
    ) -> None:
        own = configured | {"CREDENTIALS": {}, "ENVIRONMENT": "sandbox", "SANDBOX_KEYS_DIR": sandbox.keys_dir}
        assert statuses(verified(settings, own)) == {}

        away = own | {"BASE_URL": f"http://127.0.0.1:{free_port()}/trade-api/v2"}
        engine.close()
        assert "make run" in verified(settings, away)["signature"].remedy

        never_ran = verified(settings, own | {"SANDBOX_KEYS_DIR": tmp_path / "none"})
        assert "no sandbox has run yet" in never_ran["key file"].found
        assert "make run" in never_ran["key file"].remedy
        assert never_ran["signature"].found == "not tested: there is no key to sign with"

    def test_another_installations_sandbox_is_recognised(
        self, settings: Any, configured: dict[str, Any], sandbox: Sandbox, tmp_path: Path
    ) -> None:
        keys = tmp_path / "keys"
        shutil.copytree(sandbox.keys_dir, keys)
        (keys / "keys.json").write_text(json.dumps({"rsa": str(uuid.uuid4()), "ed25519": str(uuid.uuid4())}))
        findings = verified(settings, configured | {"CREDENTIALS": {}, "SANDBOX_KEYS_DIR": keys})
        assert "SANDBOX_PORT" in findings["signature"].remedy


class TestKey:
    def test_a_key_id_that_is_no_uuid_is_a_warning(self, settings: Any, configured: dict[str, Any]) -> None:
        credentials = configured["CREDENTIALS"] | {"KALSHI_API_KEY_ID": "not-a-uuid-but-long"}
        finding = verified(settings, configured | {"CREDENTIALS": credentials})["key id"]
        assert (finding.status, finding.found) == ("warn", "***long is no UUID, as Kalshi's key ids are")

    def test_an_open_key_file_fails_and_warns_when_it_is_allowed(
        self, settings: Any, configured: dict[str, Any], sandbox: Sandbox, tmp_path: Path
    ) -> None:
        path = tmp_path / "key.pem"
        shutil.copy(sandbox.key_path("rsa"), path)
        path.chmod(0o644)
        configured["CREDENTIALS"]["KALSHI_PRIVATE_KEY_PATH"] = str(path)
        findings = verified(settings, configured)
        assert findings["key file"].status == "fail"
        assert "chmod 600" in findings["key file"].found
        assert findings["key id"].status == "fail"
        assert findings["signature"].status == "fail"
        assert statuses(verified(settings, configured | {"ALLOW_OPEN_KEY_FILE": True})) == {
            "key file": "warn"
        }

    def test_a_key_id_shows_its_last_four_characters_at_most(self) -> None:
        assert verify_findings.masked_key_id("5b2f1c9e-0000-4000-8000-00000000c0de") == "***c0de"
        assert verify_findings.masked_key_id("short-id") == "***"


class TestRequestFunction:
    def test_it_stands_in_for_key_and_clock(
        self, settings: Any, configured: dict[str, Any], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        exchange = fakes.FakeExchange()
        exchange.answers["/api_keys"] = (
            b'{"api_keys":[{"api_key_id":"x","name":"bot","scopes":["read","write"]}]}'
        )
        monkeypatch.setattr(fakes, "exchange", exchange)
        settings.KALSHI = configured
        findings = verified(
            settings, configured | {"CREDENTIALS": {}, "REQUEST_FUNCTION": "kalshi.tests.fakes.request"}
        )
        assert statuses(findings) == {"scope": "warn"}
        assert findings["scope"].found == "can write: read, write (all 1 keys of the account)"
        assert findings["balance"].found == "$98.0186"
        assert findings["request function"].found == "kalshi.tests.fakes.request imports"

    def test_one_that_cannot_be_imported_is_named(self, settings: Any, configured: dict[str, Any]) -> None:
        changed = configured | {"REQUEST_FUNCTION": "no_such_daemon.request"}
        findings = verified(settings, changed)
        assert findings["request function"].status == "fail"
        assert "no_such_daemon" in findings["request function"].found
        assert "KALSHI_REQUEST_FUNCTION" in findings["request function"].remedy
        assert findings["signature"].status == "fail"


def key(key_id: str, *scopes: str) -> dict[str, Any]:
    return {"api_key_id": key_id, "name": "any", "scopes": list(scopes)}


class TestScope:
    @pytest.fixture
    def credentials(self) -> Credentials:
        return Credentials("our-own-key-id", Ed25519PrivateKey.generate())

    @pytest.mark.parametrize(
        ("listed", "status", "words"),
        [
            ([key("our-own-key-id", "read")], "ok", "read (key ***y-id)"),
            ([key("our-own-key-id", "read::portfolio_balance")], "ok", "read::portfolio_balance"),
            ([key("other", "read", "write"), key("our-own-key-id", "read")], "ok", "read"),
            ([key("our-own-key-id", "read", "write")], "warn", "can write: read, write"),
            ([key("our-own-key-id", "read", "write::trade")], "warn", "can write"),
            ([key("our-own-key-id")], "warn", "none listed"),
            ([{"api_key_id": "our-own-key-id", "name": "any"}], "warn", "none listed"),
            ([key("other", "read")], "warn", "not in Kalshi's list"),
            ([], "warn", "not in Kalshi's list"),
            (None, "warn", "not in Kalshi's list"),
            (["odd"], "warn", "not in Kalshi's list"),
        ],
    )
    def test_only_a_key_that_cannot_write_is_good(
        self, credentials: Credentials, listed: Any, status: str, words: str
    ) -> None:
        finding = verify_exchange.judged_scope(listed, credentials)
        assert finding.status == status
        assert words in finding.found
        assert bool(finding.remedy) == (status != "ok")
        assert "our-own-key-id" not in finding.found

    def test_a_key_that_can_write_brings_the_advice_to_make_another(self, credentials: Credentials) -> None:
        finding = verify_exchange.judged_scope([key("our-own-key-id", "write")], credentials)
        assert "scope `read`" in finding.remedy


class TestMachine:
    def test_an_old_python_is_refused(self) -> None:
        assert verify_versions.python((3, 11, 0)).status == "ok"
        assert verify_versions.python((3, 10, 9)) == fail(
            "python", "3.10.9; 3.11 or newer is needed", "Install it, then: make PYTHON=python3.11 run"
        )

    def test_this_environment_is_as_pinned(self) -> None:
        assert verify_versions.dependencies(ROOT / "requirements.txt").status == "ok"

    def test_missing_and_other_versions_are_named_and_conditional_ones_may_be_absent(
        self, tmp_path: Path
    ) -> None:
        requirements = tmp_path / "requirements.txt"
        requirements.write_text(
            "# comment\ndjango==1.0 \\\n    --hash=sha256:00\nno-such-package==2.0 \\\n"
            "no-such-either==1 ; sys_platform == 'win32' \\\n"
        )
        finding = verify_versions.dependencies(requirements)
        assert finding.status == "fail"
        assert "django is 5." in finding.found
        assert "not 1.0" in finding.found
        assert "no-such-package is missing" in finding.found
        assert "no-such-either" not in finding.found
        assert "make run" in finding.remedy

    def test_a_missing_list_is_a_failure(self, tmp_path: Path) -> None:
        assert verify_versions.dependencies(tmp_path / "requirements.txt").status == "fail"


class TestSecrets:
    def test_a_secret_in_a_line_is_masked_and_fails(self) -> None:
        findings = [ok("a", "fine"), warn("b", "x hunter2-hunter2-hunter2 y", "use hunter2-hunter2-hunter2")]
        shown = verify_findings.without_secrets(findings, ["hunter2-hunter2-hunter2"])
        assert shown[:2] == [ok("a", "fine"), warn("b", "x *** y", "use ***")]
        assert (shown[2].status, shown[2].name) == ("fail", "secrets")
        assert "b" in shown[2].found
        assert not verify_findings.all_good(shown)

    def test_an_ordinary_word_as_password_counts_only_as_a_word(self) -> None:
        findings = [ok("database", "postgresql, answers")]
        assert verify_findings.without_secrets(findings, ["postgres", "", "ans"])[0] == findings[0]
        leaking = [ok("database", "password postgres")]
        assert verify_findings.without_secrets(leaking, ["postgres"])[0].found == "password ***"

    def test_it_knows_every_secret_of_the_installation(
        self, settings: Any, configured: dict[str, Any], sandbox: Sandbox, tmp_path: Path
    ) -> None:
        (tmp_path / ".secrets").mkdir()
        (tmp_path / ".secrets" / "kalshi.json").write_text('{"api_key_id": " id-in-the-file "}')
        (tmp_path / ".secrets" / "kalshi_private.pem").write_text("-----BEGIN\n" + "Q" * 64 + "\n-----END\n")
        (tmp_path / "key_ring").write_text("ring-key-of-a-file\n")
        ring = {"KEY_RING": "newest-ring-key, oldest-ring-key", "KEY_RING_FILE": tmp_path / "key_ring"}
        settings.KALSHI = configured | {"SANDBOX_KEYS_DIR": sandbox.keys_dir} | ring
        configured["CREDENTIALS"]["KALSHI_PRIVATE_KEY"] = "-----BEGIN X-----\\n" + "Z" * 40
        known = set(verify_secrets.known(conf.setup()))
        lines = [line for line in sandbox.key_path("rsa").read_text().splitlines()[1:-1] if len(line) == 64]
        assert {settings.SECRET_KEY, *sandbox.key_ids.values(), "id-in-the-file", "Q" * 64, "Z" * 40} <= known
        assert {"newest-ring-key", "oldest-ring-key", "ring-key-of-a-file"} <= known
        assert all(line in known for line in lines)

    def test_it_knows_the_passwords_within_addresses(self, settings: Any, configured: dict[str, Any]) -> None:
        settings.DATABASES["default"]["PASSWORD"] = "database-pass"
        settings.CACHES = settings.CACHES | {"kalshi": {"LOCATION": "redis://:cache%40pass@h/0"}}
        try:
            assert {"database-pass", "cache@pass", "cache%40pass"} <= set(verify_secrets.known(conf.setup()))
        finally:
            settings.DATABASES["default"]["PASSWORD"] = ""


class TestRunner:
    def test_a_check_that_hangs_is_left_behind(self) -> None:
        began = time.monotonic()
        finding = verify.bounded("slow", lambda: time.sleep(30) or ok("slow", ""), 0.2)  # type: ignore[func-returns-value]
        assert time.monotonic() - began < 5
        assert (finding.status, finding.found) == ("fail", "no result in time")

    def test_a_bug_in_a_check_is_a_line_without_its_text(self, configured: dict[str, Any]) -> None:
        def broken() -> Finding:
            raise ValueError("hunter2")

        exchange = verify_exchange.Exchange(conf.setup())
        finding = verify.guarded("any", broken, exchange)()
        assert finding == fail(
            "any", "the check itself failed (ValueError)", "Please report this as a bug of the product."
        )

    def test_an_error_of_the_tree_is_its_sentence_and_a_remedy(self, configured: dict[str, Any]) -> None:
        def away() -> Finding:
            raise UpstreamUnavailable("Kalshi is away.")

        exchange = verify_exchange.Exchange(conf.setup())
        finding = verify.guarded("any", away, exchange)()
        assert (finding.status, finding.found) == ("fail", "Kalshi is away.")
        assert finding.remedy

    def test_the_order_of_the_lines_is_fixed(self, configured: dict[str, Any]) -> None:
        setup = conf.setup()
        names = tuple(name for name, _ in verify.checks(setup, verify_exchange.Exchange(setup), Path()))
        assert ("python", "dependencies", *names, "secrets") == verify_findings.NAMES


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
        "noisy": (("--json",), {"KALSHI_REQUEST_FUNCTION": "noisy.request", "PYTHONPATH": str(base)}),
    }
    with ThreadPoolExecutor(2) as pool:
        started = {
            name: pool.submit(Script, base / name, *arguments, **env)
            for name, (arguments, env) in runs.items()
        }
        return {name: script.result() for name, script in started.items()}


class TestScript:
    def test_it_prints_one_line_per_check_and_says_what_to_do(self, scripts: dict[str, Script]) -> None:
        lines = scripts["good"].out.splitlines()
        # Nothing has run yet, so there is nothing to keep anything in: no other fault here.
        assert scripts["good"].code == 1
        assert [line[6:23].strip() for line in lines] == list(verify_findings.NAMES)
        faults = {line[6:23].strip(): line for line in lines if not line.startswith("ok ")}
        assert set(faults) == NEVER_RUN
        data_dir = scripts["good"].env["DATA_DIR"]
        assert f"{data_dir} does not exist -> Run `make run`" in faults["data folder"]
        assert f"{data_dir}/db.sqlite3 does not exist -> Run `make run`" in faults["database"]

    def test_it_makes_nothing(self, scripts: dict[str, Script]) -> None:
        for name in ("good", "json", "first start"):
            assert list(Path(scripts[name].env["HOME"]).iterdir()) == [], name
        corrupt = Path(scripts["corrupt"].env["DATA_DIR"])
        assert [path.name for path in corrupt.iterdir()] == ["db.sqlite3"]

    def test_a_database_without_tables_is_left_as_it_is(self, sandbox: Sandbox, tmp_path: Path) -> None:
        (tmp_path / "data").mkdir()
        empty = tmp_path / "data" / "db.sqlite3"
        empty.touch()
        checks = Script(tmp_path, "--json", **sandbox.environment("ed25519")).checks()
        assert {name for name, check in checks.items() if check["status"] != "ok"} == {"migrations"}
        assert checks["migrations"]["remedy"] == "Run: .venv/bin/python manage.py migrate"
        assert empty.stat().st_size == 0

    def test_json_is_the_same_in_one_object(self, scripts: dict[str, Script]) -> None:
        checks = scripts["json"].checks()
        assert tuple(checks) == verify_findings.NAMES
        assert {name for name, check in checks.items() if check["status"] != "ok"} == NEVER_RUN

    def test_everything_good_is_exit_code_0(self, sandbox: Sandbox, scripts: dict[str, Script]) -> None:
        env = scripts["good"].env
        command = [sys.executable, "manage.py", "migrate", "--verbosity", "0"]
        subprocess.run(command, check=True, cwd=ROOT, env=env, timeout=60)
        again = Script(Path(env["HOME"]), **sandbox.environment("ed25519"))
        assert again.code == 0, again.out

    def test_a_malformed_setting_is_a_line_and_no_traceback(self, scripts: dict[str, Script]) -> None:
        checks = scripts["malformed"].checks()
        assert tuple(checks) == verify_findings.NAMES
        assert checks["settings"]["found"] == "PORT is 'eighty'; allowed: a whole number from 1 to 65535."
        assert checks["python"]["status"] == "ok"
        assert checks["balance"]["found"].startswith("not tested")

    def test_before_the_first_start_it_says_make_run(self, scripts: dict[str, Script]) -> None:
        key_file = next(line for line in scripts["first start"].out.splitlines() if " key file " in line)
        assert key_file.startswith("fail")
        assert "make run" in key_file

    def test_half_a_credential_fails_alone_and_what_depends_on_it(self, scripts: dict[str, Script]) -> None:
        checks = scripts["half"].checks()
        assert "KALSHI_PRIVATE_KEY_PATH" in checks["key file"]["found"]
        assert checks["database"]["status"] == "ok"
        assert checks["request function"]["status"] == "ok"

    def test_a_corrupt_database_leaves_the_exchange_readable(self, scripts: dict[str, Script]) -> None:
        checks = scripts["corrupt"].checks()
        assert checks["database"]["status"] == "fail"
        assert "db.sqlite3 from a backup" in checks["database"]["remedy"]
        assert checks["balance"]["status"] == "ok"

    def test_what_a_request_function_prints_is_not_in_the_json(self, scripts: dict[str, Script]) -> None:
        assert scripts["noisy"].checks()["request function"]["status"] == "ok"
        assert "noise" in scripts["noisy"].err

    def test_no_run_shows_a_key_or_a_traceback(self, scripts: dict[str, Script], sandbox: Sandbox) -> None:
        secrets = [*sandbox.key_ids.values()]
        for kind in ("rsa", "ed25519"):
            secrets += sandbox.key_path(kind).read_text().splitlines()[1:-1]
        for name, script in scripts.items():
            output = script.out + script.err
            assert "Traceback" not in output, name
            assert not [secret for secret in secrets if secret in output], name

    def test_without_django_it_goes_on_with_the_python_of_the_virtual_environment(
        self, tmp_path: Path
    ) -> None:
        venv = tmp_path / ".venv" / "bin"
        venv.mkdir(parents=True)
        (venv / "python").write_text('#!/bin/sh\necho "went on with $*"\n')
        (venv / "python").chmod(0o755)
        done = self._without_django(tmp_path, "--json")
        assert done.stdout == f"went on with {tmp_path / 'verify_setup.py'} --json\n"

    def test_without_django_and_virtual_environment_it_says_make_run(self, tmp_path: Path) -> None:
        done = self._without_django(tmp_path, "--json")
        assert done.returncode == 1
        (check,) = json.loads(done.stdout)["checks"]
        assert "make run" in check["remedy"]
        text = self._without_django(tmp_path)
        assert text.stdout.count("\n") == 1
        assert "make run" in text.stdout

    @staticmethod
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
