import json
import re
from pathlib import Path
from typing import Any

import pytest

from kalshi.upstream.endpoints import ENDPOINTS, Endpoint, Param

REST = Path(__file__).resolve().parents[3] / "reference" / "kalshi-api" / "rest"
ROWS = pytest.mark.parametrize("endpoint", ENDPOINTS.values(), ids=list(ENDPOINTS))


# API-key management is never offered, not even to read.
HIDDEN = {"get_api_keys"}


def reference(endpoint: Endpoint) -> dict[str, Any]:
    return json.loads((REST / f"{endpoint.operation}.json").read_text())


def param_of(row: dict[str, Any]) -> Param:
    return Param(
        name=row["name"],
        kind=row["items"]["type"] if row["type"] == "array" else row["type"],
        where=row["in"],
        required=row["required"],
        minimum=row.get("minimum"),
        maximum=row.get("maximum"),
        choices=tuple(map(str, row.get("enum", ()))),
        serialization=row.get("serialization", "plain"),
        max_items=row.get("maxItems"),
    )


@ROWS
def test_its_path_and_its_need_of_a_signature_are_those_of_the_reference(endpoint: Endpoint) -> None:
    row = reference(endpoint)
    assert (row["method"], row["path"], row["auth"]) == ("GET", endpoint.path, endpoint.signed)


@ROWS
def test_its_parameters_are_those_of_the_reference(endpoint: Endpoint) -> None:
    expected = {row["name"]: param_of(row) for row in reference(endpoint)["parameters"]}
    assert {param.name: param for param in endpoint.params} == expected


@ROWS
def test_what_it_promises_is_in_every_body_of_the_reference_or_may_be_missing(endpoint: Endpoint) -> None:
    schema = reference(endpoint)["response_schema"]
    assert endpoint.promises in schema["properties"]
    assert endpoint.keeps_promise is (endpoint.promises in schema.get("required", []))


@ROWS
def test_its_defaults_and_aliases_belong_to_known_parameters_and_lead_to_allowed_values(
    endpoint: Endpoint,
) -> None:
    choices = {param.name: param.choices for param in endpoint.query_params}
    for name, value in endpoint.api_defaults.items():
        assert not choices[name] or value in choices[name]
    for name, aliases in endpoint.api_aliases.items():
        for word, meant in aliases.items():
            assert word not in choices[name]
            assert meant is None or meant in choices[name]


@ROWS
def test_its_times_are_within_the_ranges_of_the_admin(endpoint: Endpoint) -> None:
    assert 1 <= endpoint.fresh_s <= 86_400
    assert endpoint.fresh_s <= endpoint.keep_s <= 30 * 86_400
    assert 0 <= endpoint.patience_s <= 10


def test_every_read_operation_of_the_reference_has_a_row() -> None:
    assert set(ENDPOINTS) == {path.stem for path in REST.glob("*.json")}


def test_the_promised_fresh_times_hold() -> None:
    fresh = {endpoint.name: endpoint.fresh_s for endpoint in ENDPOINTS.values()}
    promised = {"balance": 60, "positions": 30, "orders": 30, "events": 60, "market": 60}
    assert {name: fresh[name] for name in promised} == promised


def test_an_archived_list_is_never_older_than_the_cutoff_by_its_own_fresh_time() -> None:
    cutoff_s = ENDPOINTS["get_historical_cutoff"].fresh_s
    lists = [
        e for e in ENDPOINTS.values() if e.path.startswith("/historical/") and "limit" in str(e.query_params)
    ]
    assert len(lists) == 5
    assert {endpoint.fresh_s for endpoint in lists} == {cutoff_s}


def test_nothing_but_the_management_of_keys_is_hidden_from_callers() -> None:
    assert {operation for operation, endpoint in ENDPOINTS.items() if not endpoint.exposed} == HIDDEN
    assert all(ENDPOINTS[operation].route is None for operation in HIDDEN)


def test_names_are_short_words_and_each_stands_for_one_operation() -> None:
    names = [endpoint.name for endpoint in ENDPOINTS.values() if endpoint.name]
    assert len(set(names)) == len(names)
    assert [name for name in names if not re.fullmatch(r"[a-z_]{3,24}", name)] == []


@pytest.mark.parametrize("form", ["path", "route"])
def test_every_path_leads_to_its_own_row_first(form: str) -> None:
    patterns = {}
    for endpoint in ENDPOINTS.values():
        if endpoint.exposed:
            template = endpoint.path if form == "path" else f"/{endpoint.route}"
            patterns[endpoint.operation] = re.sub(r"[{<]\w+[}>]", "[^/]+", template)
    for operation, pattern in patterns.items():
        path = pattern.replace("[^/]+", "KX-1")
        assert next(name for name, each in patterns.items() if re.fullmatch(each, path)) == operation


def test_our_routes_are_the_exchanges_paths_without_portfolio() -> None:
    routes = {endpoint.operation: endpoint.route for endpoint in ENDPOINTS.values()}
    assert routes["get_balance"] == "balance"
    assert routes["get_order_queue_position"] == "orders/<order_id>/queue_position"
    assert routes["get_market"] == "markets/<ticker>"
    assert routes["get_fills_historical"] == "historical/fills"
