from __future__ import annotations

import json
import shutil
import uuid
from email.utils import formatdate
from pathlib import Path
from typing import Any

import pytest

from kalshi import conf
from kalshi.services import engine, verify_exchange
from kalshi.tests.servers import Sandbox, free_port, running
from kalshi.tests.upstream.raw_server import Line, answer, serving
from kalshi.tests.verify_setup.conftest import of
from kalshi.tests.verify_setup.findings import AFTER_SIGNATURE, statuses, verified


def test_a_good_installation_has_only_good_lines(settings: Any, configured: dict[str, Any]) -> None:
    findings = verified(settings, configured)
    assert statuses(findings) == {}
    assert findings["balance"].found.startswith("$")
    assert findings["positions"].found[0].isdigit()
    assert findings["cached call"].found.endswith(" ms")


def test_the_second_call_asks_nothing(settings: Any, configured: dict[str, Any], sandbox: Sandbox) -> None:
    before = sandbox.arrivals("get_balance")
    verified(settings, configured)
    assert sandbox.arrivals("get_balance") == before + 2  # the bare signed request, and one through the cache


def test_the_amounts_are_those_of_the_exchange_on_any_day(
    settings: Any, configured: dict[str, Any], any_epoch: str
) -> None:
    with running(lambda folder: Sandbox(folder, "--speed", "0", epoch=any_epoch)) as sandbox:
        truth = sandbox.truth()
        findings = verified(settings, configured | of(sandbox))
    amount = findings["balance"].found.removeprefix("$").replace(",", "")
    assert truth["cash_dollars"].startswith(amount)
    assert findings["positions"].found == f"{len(truth['positions'])} markets"


@pytest.mark.parametrize(
    ("body", "status", "found"),
    [
        ({"market_positions": [{"position_fp": "3.00"}, {"position_fp": "-0.50"}]}, "ok", "2 markets"),
        ({"market_positions": [{"position_fp": "3.00"}, {"position_fp": "0.00"}]}, "ok", "1 markets"),
        ({"market_positions": [{"position_fp": "-0.00"}], "cursor": ""}, "ok", "0 markets"),
        ({"market_positions": []}, "ok", "0 markets"),
        (
            {"market_positions": [{"position_fp": "1.00"}], "cursor": "a"},
            "ok",
            "1 markets, and more on further pages",
        ),
        (
            {"market_positions": [{"position_fp": 0}, {}, None, {"position_fp": "1.00"}]},
            "warn",
            "3 of 4 have no number of contracts",
        ),
        ({"market_positions": None}, "warn", "the answer holds no list"),
        ({}, "warn", "the answer holds no list"),
    ],
)
def test_only_positions_with_contracts_are_counted_and_unknown_is_not_none(
    body: dict[str, Any], status: str, found: str
) -> None:
    finding = verify_exchange.judged_positions(body)
    assert (finding.status, finding.found) == (status, found)


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


def test_a_false_date_is_no_fault_of_a_clock_that_the_exchange_accepts(
    settings: Any, configured: dict[str, Any]
) -> None:
    def an_hour_ahead(line: Line) -> None:
        while request := line.read_request():
            ours_s = int(request.headers.get("kalshi-access-timestamp", "0")) / 1000
            date = f"Date: {formatdate(ours_s + 3600, usegmt=True)}\r\n"
            line.send(answer(b'{"balance":5}', headers=date))

    with serving(an_hour_ahead) as server:
        finding = verified(settings, configured | {"BASE_URL": server.url})["clock"]
    assert finding.status == "warn"
    assert "accepted" in finding.found
    assert "timedatectl" not in finding.remedy


def test_an_unknown_key_id_is_told_by_name(settings: Any, configured: dict[str, Any]) -> None:
    credentials = configured["CREDENTIALS"] | {"KALSHI_API_KEY_ID": str(uuid.uuid4())}
    findings = verified(settings, configured | {"CREDENTIALS": credentials})
    assert statuses(findings) == {"signature": "fail"} | AFTER_SIGNATURE
    assert "KALSHI_ENV (now demo)" in findings["signature"].remedy
    assert findings["balance"].found == "not tested: no signed request succeeds"


def test_a_key_of_another_id_is_told_by_name(
    settings: Any, configured: dict[str, Any], sandbox: Sandbox
) -> None:
    path = str(sandbox.key_path("ed25519"))
    credentials = configured["CREDENTIALS"] | {"KALSHI_PRIVATE_KEY_PATH": path}
    findings = verified(settings, configured | {"CREDENTIALS": credentials})
    assert statuses(findings) == {"signature": "fail"} | AFTER_SIGNATURE
    assert "private key" in findings["signature"].remedy
    assert "KALSHI_ENV" not in findings["signature"].remedy


def test_an_exchange_that_is_away_is_asked_only_once(settings: Any, configured: dict[str, Any]) -> None:
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
    settings: Any, configured: dict[str, Any], sandbox: Sandbox
) -> None:
    sandbox.fault("status", status=403, operations=["get_balance"])
    findings = verified(settings, configured)
    assert statuses(findings) == {"balance": "fail", "cached call": "fail"}
    assert findings["balance"].remedy == "Give the key the scope `read`."


@pytest.mark.parametrize(
    ("status", "body"),
    [
        ("403 Forbidden", b"<html><title>Access denied</title></html>"),
        ("403 Forbidden", b""),
        ("403 Forbidden", b'{"blocked": true}'),
        ("200 OK", b'{"error": {"code": "service_unavailable", "message": "down"}}'),
        ("200 OK", b'{"message": "down"}'),
    ],
)
def test_what_others_answer_on_the_way_accepts_no_signature(
    settings: Any, configured: dict[str, Any], status: str, body: bytes
) -> None:
    with serving(answer(body, status=status)) as server:
        findings = verified(settings, configured | {"BASE_URL": server.url})
    assert findings["signature"].status == "fail"
    assert "scope `read`" not in findings["signature"].remedy
    assert {name: findings[name].status for name in AFTER_SIGNATURE} == AFTER_SIGNATURE
    assert findings["balance"].found == "not tested: no signed request succeeds"


def test_a_refused_list_of_keys_leaves_the_scope_unknown(
    settings: Any, configured: dict[str, Any], sandbox: Sandbox
) -> None:
    sandbox.fault("status", status=403, operations=["get_api_keys"])
    findings = verified(settings, configured)
    assert statuses(findings) == {"scope": "warn"}
    assert findings["scope"].found.startswith("not known")


def test_an_endpoint_that_is_off_is_a_warning(settings: Any, configured: dict[str, Any]) -> None:
    from kalshi.models import EndpointPolicy

    EndpointPolicy.objects.update_or_create(operation="get_positions", defaults={"enabled": False})
    conf.forget()
    assert statuses(verified(settings, configured)) == {"positions": "warn"}


def test_its_own_sandbox_must_be_running(
    settings: Any, configured: dict[str, Any], sandbox: Sandbox, tmp_path: Path
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
    settings: Any, configured: dict[str, Any], sandbox: Sandbox, tmp_path: Path
) -> None:
    keys = tmp_path / "keys"
    shutil.copytree(sandbox.keys_dir, keys)
    (keys / "keys.json").write_text(json.dumps({"rsa": str(uuid.uuid4()), "ed25519": str(uuid.uuid4())}))
    findings = verified(settings, configured | {"CREDENTIALS": {}, "SANDBOX_KEYS_DIR": keys})
    assert "SANDBOX_PORT" in findings["signature"].remedy
