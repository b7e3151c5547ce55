import json
from pathlib import Path
from typing import Any

import pytest

from kalshi.upstream import types

REST = Path(__file__).resolve().parents[3] / "reference" / "kalshi-api" / "rest"

ROOTS = {
    "get_balance": types.GetBalanceResponse,
    "get_positions": types.GetPositionsResponse,
    "get_orders": types.GetOrdersResponse,
    "get_events": types.GetEventsResponse,
    "get_market": types.GetMarketResponse,
    "get_exchange_status": types.ExchangeStatus,
    "get_account_api_limits": types.GetAccountApiLimitsResponse,
    "get_account_endpoint_costs": types.GetAccountEndpointCostsResponse,
}
PARTS = {
    "IndexedBalance": types.IndexedBalance,
    "MarketPosition": types.MarketPosition,
    "EventPosition": types.EventPosition,
    "Order": types.Order,
    "EventData": types.Event,
    "Market": types.Market,
    "MveSelectedLeg": types.MveSelectedLeg,
    "PriceRange": types.PriceRange,
    "SettlementSource": types.SettlementSource,
    "ExchangeIndexStatus": types.ExchangeIndexStatus,
    "BucketLimit": types.BucketLimit,
    "ApiUsageLevelGrant": types.UsageLevelGrant,
    "EndpointTokenCost": types.EndpointCost,
}
NOT_READ = {"Milestone"}


def cases() -> list[Any]:
    found = []
    for operation, root in ROOTS.items():
        schema = json.loads((REST / f"{operation}.json").read_text())["response_schema"]
        found.append(pytest.param(root, schema, id=operation))
        for name, part in schema.get("$defs", {}).items():
            if "properties" in part and name not in NOT_READ:
                found.append(pytest.param(PARTS[name], part, id=f"{operation}-{name}"))
    return found


@pytest.mark.parametrize(("typed", "schema"), cases())
def test_the_keys_are_those_of_the_reference(typed: Any, schema: dict[str, Any]) -> None:
    assert set(typed.__required_keys__) == set(schema.get("required", []))
    assert set(typed.__required_keys__ | typed.__optional_keys__) == set(schema["properties"])
