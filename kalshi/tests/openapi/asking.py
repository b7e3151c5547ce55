"""One question for each operation to which the sandbox has an answer, found in the gateway's own lists."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from kalshi.tests.servers import Gateway, wait_until
from kalshi.upstream.endpoints import ENDPOINTS, Endpoint

DAY_S = 86_400
OPERATIONS = [endpoint for endpoint in ENDPOINTS.values() if endpoint.exposed]


@dataclass(frozen=True)
class Question:
    """Values of the path, and of the query; a list where there are several."""

    path: dict[str, Any] = field(default_factory=dict)
    query: dict[str, Any] = field(default_factory=dict)

    def wire(self, endpoint: Endpoint) -> dict[str, Any]:
        """The query as `requests` takes it."""
        comma = {param.name for param in endpoint.params if param.serialization == "comma"}
        return {name: ",".join(value) if name in comma else value for name, value in self.query.items()}


def find(gateway: Gateway) -> dict[str, Question]:
    """By operation."""

    def body(path: str) -> Any:
        url = f"/trade-api/v2{path}"
        wait_until(lambda: gateway.get(url).status_code == 200, 30, path)
        return gateway.get(url).json()

    markets = body("/markets?status=open&limit=1000")["markets"]
    market = next(row for row in markets if row["event_ticker"].startswith("KXHIGH"))
    series = body(f"/events/{market['event_ticker']}")["event"]["series_ticker"]
    now = int(datetime.fromisoformat(body("/exchange/user_data_timestamp")["as_of_time"]).timestamp())
    milestones = body("/milestones?limit=500")["milestones"]
    over = min(milestones, key=lambda row: str(row["end_date"] or "9"))
    old = body("/historical/markets?limit=1")["markets"][0]
    old_s = int(datetime.fromisoformat(old["close_time"]).timestamp())
    collections = body("/multivariate_event_collections")["multivariate_contracts"]
    span = {"start_ts": now - DAY_S, "end_ts": now, "period_interval": 60}
    in_event = {"series_ticker": series, "ticker": market["event_ticker"]}
    given = {
        "ticker": market["ticker"],
        "event_ticker": market["event_ticker"],
        "series_ticker": series,
        "order_id": body("/portfolio/orders?status=resting&limit=1")["orders"][0]["order_id"],
        "order_group_id": body("/portfolio/order_groups")["order_groups"][0]["id"],
        "transfer_id": body("/portfolio/intra_exchange_instance_transfers")["transfers"][0]["transfer_id"],
        "collection_ticker": collections[0]["collection_ticker"],
        "milestone_id": over["id"],
        "type": over["type"],
        "city": "nyc",
        "structured_target_id": body("/structured_targets?page_size=1")["structured_targets"][0]["id"],
    }
    special = {
        "get_market_orderbooks": Question(query={"tickers": [market["ticker"]]}),
        "batch_get_market_candlesticks": Question(query={"market_tickers": [market["ticker"]]} | span),
        "get_market_candlesticks": Question({"series_ticker": series, "ticker": market["ticker"]}, span),
        "get_market_candlesticks_by_event": Question(in_event, span),
        "get_event_forecast_percentiles_history": Question(in_event, {"percentiles": [5000, 2500]} | span),
        "get_historical_market": Question({"ticker": old["ticker"]}),
        "get_market_candlesticks_historical": Question(
            {"ticker": old["ticker"]},
            {"start_ts": old_s - 7 * DAY_S, "end_ts": old_s, "period_interval": 1440},
        ),
        "get_milestones": Question(query={"limit": 100}),
        "get_live_datas": Question(query={"milestone_ids": [over["id"]]}),
    }
    return {row.operation: special.get(row.operation) or Question(_path(row, given)) for row in OPERATIONS}


def _path(endpoint: Endpoint, given: Mapping[str, Any]) -> dict[str, Any]:
    return {param.name: given[param.name] for param in endpoint.params if param.where == "path"}


def shortened(value: Any) -> Any:
    """A body as an example: of each list the first item, but pairs whole."""
    if isinstance(value, dict):
        return {name: shortened(part) for name, part in value.items()}
    if isinstance(value, list) and value and isinstance(value[0], dict | list):
        return [shortened(value[0])]
    return value[:3] if isinstance(value, list) else value


def examples(gateway: Gateway) -> str:
    """The text of kalshi/openapi/examples.json."""
    found = {}
    for operation, question in find(gateway).items():
        endpoint = ENDPOINTS[operation]
        path = endpoint.path.format_map(question.path)
        answer = gateway.get(f"/trade-api/v2{path}", params=question.wire(endpoint))
        if answer.status_code == 200:
            found[operation] = {
                "path": question.path,
                "query": question.query,
                "body": shortened(answer.json()),
            }
    return json.dumps(found, indent=1, ensure_ascii=False, sort_keys=False) + "\n"
