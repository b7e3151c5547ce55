import json

import pytest

from kalshi.models import Grant
from kalshi.services import daemon
from kalshi.tests.fakes import HttpError

STATUS = "/api/v1/status/"
NAMES = {
    "environment",
    "now",
    "account",
    "accounts",
    "balance",
    "endpoints",
    "exchange",
    "budget",
    "breaker",
    "stream",
    "daemon",
}


def test_status_has_the_promised_shape(exchange, api) -> None:
    body = api(STATUS).json()
    assert set(body) == NAMES
    assert body["environment"] == "demo"
    assert body["account"] == {"slug": "default", "label": "Default account"}
    assert body["accounts"] == [body["account"] | {"environment": "demo", "role": "viewer"}]
    assert body["balance"]["balance_dollars"] == "98.0186"
    assert set(body["endpoints"]) == {
        "balance",
        "positions",
        "orders",
        "events",
        "market",
        "exchange_status",
    }
    assert set(body["endpoints"]["balance"]) == {"state", "age_s", "fresh_s", "last_error"}
    assert set(body["budget"]) == {"tier", "level", "capacity", "refill_per_s"}
    assert body["breaker"] == "closed"


def test_status_fetches_nothing_but_the_balance(exchange, api) -> None:
    states = api(STATUS).json()["endpoints"]
    assert exchange.account_calls == ["/portfolio/balance"]
    assert states["balance"]["state"] == "fresh"
    assert {states[name]["state"] for name in ("positions", "orders", "events", "market")} == {"empty"}
    assert states["orders"]["age_s"] is None


def test_status_is_200_with_null_when_there_is_no_balance(exchange, api) -> None:
    exchange.answers["/portfolio/balance"] = HttpError(401)
    answer = api(STATUS)
    assert answer.status_code == 200
    assert answer.json()["balance"] is None
    assert answer.json()["endpoints"]["balance"] == {
        "state": "empty",
        "age_s": None,
        "fresh_s": 60,
        "last_error": "upstream_rejected_key",
    }


def test_status_tells_the_state_of_what_was_read_last(exchange, api) -> None:
    api("markets/KX-1/")
    api("orders/?status=executed")
    states = api(STATUS).json()["endpoints"]
    assert states["market"]["state"] == states["orders"]["state"] == "fresh"


def test_status_shows_the_exchange_as_it_was_when_somebody_last_asked(exchange, api) -> None:
    assert api(STATUS).json()["exchange"] is None
    exchange.answers["/exchange/status"] = b'{"exchange_active":true,"trading_active":false}'
    api("exchange/status/")
    asked = len(exchange.account_calls)
    body = api(STATUS).json()
    assert body["exchange"] == {"exchange_active": True, "trading_active": False}
    assert body["endpoints"]["exchange_status"]["state"] == "fresh"
    assert len(exchange.account_calls) == asked


def test_status_takes_no_parameters(exchange, api) -> None:
    assert api(STATUS + "?x=1").status_code == 400


def test_status_needs_a_sign_in(exchange, client) -> None:
    assert client.get(STATUS).status_code == 401


@pytest.fixture
def state_dir(exchange, settings, tmp_path):
    settings.KALSHI = settings.KALSHI | {"STATE_DIR": tmp_path}
    return tmp_path


def test_only_operators_see_the_daemons_state(state_dir, api, user) -> None:
    (state_dir / "bot.json").write_text(
        '{"mode": "live", "api_key": "s3cret", "nested": [{"Token": "x", "n": 1}]}'
    )
    assert api(STATUS).json()["daemon"] is None
    user.is_staff = True
    user.save()
    assert api(STATUS).json()["daemon"] is None
    Grant.objects.filter(user=user).update(role="operator")
    assert api(STATUS).json()["daemon"] == {
        "files": {"bot.json": {"mode": "live", "api_key": "***", "nested": [{"Token": "***", "n": 1}]}},
        "left_out": 0,
    }


def test_state_files_are_bounded_and_what_is_left_out_is_said(tmp_path) -> None:
    for number in range(25):
        (tmp_path / f"{number:02}.json").write_text("{}")
    (tmp_path / "00.json").write_text(json.dumps({"x": "y" * 300_000}))
    (tmp_path / "01.json").write_text("{not json")
    (tmp_path / "notes.txt").write_text("no")
    state = daemon.read_state(tmp_path)
    assert state["left_out"] == 5
    assert len(state["files"]) == 20
    assert state["files"]["00.json"] == {"error": "larger than 256 KB"}
    assert state["files"]["01.json"] == {"error": "no valid JSON"}


def test_a_missing_state_folder_is_said(tmp_path) -> None:
    assert "cannot be read" in daemon.read_state(tmp_path / "none")["error"]


def test_a_pem_is_masked_under_any_name() -> None:
    assert daemon.mask({"notes": "-----BEGIN PRIVATE KEY-----"}) == {"notes": "***"}
