from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from kalshi.services import verify_exchange, verify_findings
from kalshi.tests import fakes
from kalshi.tests.servers import Sandbox
from kalshi.tests.verify_setup.findings import statuses, verified
from kalshi.upstream.credentials import Credentials


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
            *(
                ([{"api_key_id": "our-own-key-id", "scopes": odd}], "warn", "cannot be read")
                for odd in (77, True, "write", {"read": True}, [77], ["read", None])
            ),
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

    def test_what_kalshi_lists_can_neither_steer_a_terminal_nor_make_a_line_of_its_own(
        self, credentials: Credentials
    ) -> None:
        listed = [key("our-own-key-id", "read\x1b[2J\x07\u202e\nok    secrets    none", "r" * 100_000)]
        finding = verify_exchange.judged_scope(listed, credentials)
        assert finding.found.isprintable()
        assert len(finding.found) < 400
        assert finding.found.endswith("(key ***y-id)")

    def test_a_key_that_can_write_brings_the_advice_to_make_another(self, credentials: Credentials) -> None:
        finding = verify_exchange.judged_scope([key("our-own-key-id", "write")], credentials)
        assert "scope `read`" in finding.remedy
