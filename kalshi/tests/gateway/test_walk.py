"""Every operation through the running gateway, in front of the sandbox: bodies fit Kalshi's schemas, unchanged."""

from __future__ import annotations

import importlib.util
import json
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests

from kalshi.tests.gateway.signing import ROOT, Signer, create_at, get
from kalshi.tests.servers import ROOT as CHECKOUT
from kalshi.tests.servers import Gateway, Sandbox, wait_until
from kalshi.upstream.credentials import Credentials
from kalshi.upstream.endpoints import ENDPOINTS
from kalshi.upstream.pem import parse_private_key

REFERENCE = CHECKOUT / "reference" / "kalshi-api"
OPERATIONS = [operation for operation, endpoint in ENDPOINTS.items() if endpoint.route is not None]
DAY_S = 86_400
CANDLES = "?start_ts={day_ago}&end_ts={now}&period_interval=60"
QUERIES = {
    "get_market_orderbooks": "?tickers={ticker}",
    "batch_get_market_candlesticks": f"{CANDLES}&market_tickers={{ticker}}",
    "get_market_candlesticks": CANDLES,
    "get_market_candlesticks_by_event": CANDLES,
    "get_market_candlesticks_historical": "?start_ts={old_open}&end_ts={old_close}&period_interval=1440",
    "get_event_forecast_percentiles_history": f"{CANDLES}&percentiles=5000&percentiles=2500",
    "get_milestones": "?limit=500",
    "get_live_datas": "?milestone_ids={milestone}",
}
# What the name in a path means for these.
OTHER = {
    "get_market_candlesticks_by_event": {"ticker": "event_ticker"},
    "get_event_forecast_percentiles_history": {"ticker": "event_ticker"},
    "get_historical_market": {"ticker": "old"},
    "get_market_candlesticks_historical": {"ticker": "old"},
}


@pytest.fixture(scope="module")
def checker() -> Any:
    spec = importlib.util.spec_from_file_location("kalshi_reference_check", REFERENCE / "check.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def signer(gateway: Gateway) -> Signer:
    return create_at(gateway, "--type", "ed25519")


@pytest.fixture(scope="module")
def names(gateway: Gateway, signer: Signer) -> dict[str, Any]:
    """Things to ask for by name, from the gateway's own lists."""

    def body(path: str) -> Any:
        url = f"{ROOT}{path}"
        wait_until(lambda: get(gateway, signer, url).status_code == 200, 30, path)
        return get(gateway, signer, url).json()

    markets = body("/markets?status=open&limit=1000")["markets"]
    market = next(row for row in markets if row["event_ticker"].startswith("KXHIGH"))
    now = int(datetime.fromisoformat(body("/exchange/user_data_timestamp")["as_of_time"]).timestamp())
    milestones = body("/milestones?limit=500")["milestones"]
    over = min(milestones, key=lambda row: str(row["end_date"] or "9"))
    old = body("/historical/markets?limit=1")["markets"][0]
    old_close = int(datetime.fromisoformat(old["close_time"]).timestamp())
    event = body(f"/events/{market['event_ticker']}")["event"]
    return {
        "ticker": market["ticker"],
        "event_ticker": market["event_ticker"],
        "series_ticker": event["series_ticker"],
        "old": old["ticker"],
        "old_open": old_close - 7 * DAY_S,
        "old_close": old_close,
        "order_id": body("/portfolio/orders?status=resting&limit=1")["orders"][0]["order_id"],
        "order_group_id": body("/portfolio/order_groups")["order_groups"][0]["id"],
        "transfer_id": body("/portfolio/intra_exchange_instance_transfers")["transfers"][0]["transfer_id"],
        "collection_ticker": body("/multivariate_event_collections")["multivariate_contracts"][0][
            "collection_ticker"
        ],
        "milestone_id": over["id"],
        "milestone": over["id"],
        "type": over["type"],
        "city": "nyc",
        "structured_target_id": body("/structured_targets?page_size=1")["structured_targets"][0]["id"],
        "now": now,
        "day_ago": now - DAY_S,
    }


def path_of(operation: str, names: dict[str, Any]) -> str:
    values = names | {ours: names[theirs] for ours, theirs in OTHER.get(operation, {}).items()}
    path = ENDPOINTS[operation].path.format_map(values)
    return ROOT + path + QUERIES.get(operation, "").format_map(names)


@pytest.mark.parametrize("operation", OPERATIONS)
def test_every_body_fits_its_schema_and_is_the_exchanges_own(
    gateway: Gateway, sandbox: Sandbox, signer: Signer, checker: Any, names: dict[str, Any], operation: str
) -> None:
    path = path_of(operation, names)
    answer = get(gateway, signer, path)
    own = ask_the_exchange(sandbox, path)
    assert answer.status_code == own.status_code, answer.text[:300]
    if answer.status_code == 403:  # the total of resting orders is not for ordinary accounts
        assert operation == "get_portfolio_resting_order_total_value" and answer.content == own.content
        return
    assert answer.status_code == 200, answer.text[:300]
    assert answer.content == own.content
    schema = json.loads((REFERENCE / "rest" / f"{operation}.json").read_text())["response_schema"]
    assert checker.problems(schema, answer.json(), 5) == []
    assert answer.headers["Cache-Status"].startswith("kalshi; ") and answer.headers["ETag"]
    with_slash = get(gateway, signer, path.replace("?", "/?") if "?" in path else path + "/")
    assert with_slash.content == answer.content


def ask_the_exchange(sandbox: Sandbox, path: str) -> requests.Response:
    key = parse_private_key(sandbox.key_path("ed25519").read_bytes(), source="test")
    direct = Signer(Credentials(sandbox.key_ids["ed25519"], key))
    headers = direct.headers(urlsplit(path).path)
    answer = requests.get(sandbox.root + path, headers=headers, timeout=20)
    if answer.status_code == 429:
        wait_until(
            lambda: requests.get(sandbox.root + path, headers=headers, timeout=20).status_code != 429, 10
        )
        return requests.get(sandbox.root + path, headers=headers, timeout=20)
    return answer
