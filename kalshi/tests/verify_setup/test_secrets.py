from __future__ import annotations

from pathlib import Path
from typing import Any

from kalshi import conf
from kalshi.services import verify_findings, verify_secrets
from kalshi.services.verify_findings import ok, warn
from kalshi.tests.servers import Sandbox


def test_a_secret_in_a_line_is_masked_and_fails() -> None:
    findings = [ok("a", "fine"), warn("b", "x hunter2-hunter2-hunter2 y", "use hunter2-hunter2-hunter2")]
    shown = verify_findings.without_secrets(findings, ["hunter2-hunter2-hunter2"])
    assert shown[:2] == [ok("a", "fine"), warn("b", "x *** y", "use ***")]
    assert (shown[2].status, shown[2].name) == ("fail", "secrets")
    assert "b" in shown[2].found
    assert not verify_findings.all_good(shown)


def test_an_ordinary_word_as_password_counts_only_as_a_word() -> None:
    findings = [ok("database", "postgresql, answers")]
    assert verify_findings.without_secrets(findings, ["postgres", "", "ans"])[0] == findings[0]
    leaking = [ok("database", "password postgres")]
    assert verify_findings.without_secrets(leaking, ["postgres"])[0].found == "password ***"


def test_it_knows_every_secret_of_the_installation(
    settings: Any, configured: dict[str, Any], sandbox: Sandbox, tmp_path: Path
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


def test_it_knows_the_passwords_within_addresses(settings: Any, configured: dict[str, Any]) -> None:
    settings.DATABASES["default"]["PASSWORD"] = "database-pass"
    settings.CACHES = settings.CACHES | {"kalshi": {"LOCATION": "redis://:cache%40pass@h/0"}}
    try:
        assert {"database-pass", "cache@pass", "cache%40pass"} <= set(verify_secrets.known(conf.setup()))
    finally:
        settings.DATABASES["default"]["PASSWORD"] = ""
