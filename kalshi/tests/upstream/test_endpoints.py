import json
from pathlib import Path
from typing import Any

import pytest

from kalshi.upstream.endpoints import ENDPOINTS, Endpoint, Param

REST = Path(__file__).resolve().parents[3] / "reference" / "kalshi-api" / "rest"
ROWS = pytest.mark.parametrize("endpoint", ENDPOINTS.values(), ids=list(ENDPOINTS))


def reference(endpoint: Endpoint) -> dict[str, Any]:
    return json.loads((REST / f"{endpoint.operation}.json").read_text())


def param_of(row: dict[str, Any]) -> Param:
    return Param(
        name=row["name"],
        kind=row["type"],
        where=row["in"],
        required=row["required"],
        minimum=row.get("minimum"),
        maximum=row.get("maximum"),
        choices=tuple(row.get("enum", ())),
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


def test_the_promised_fresh_times_hold() -> None:
    fresh = {endpoint.name: endpoint.fresh_s for endpoint in ENDPOINTS.values() if endpoint.name}
    assert fresh == {"balance": 60, "positions": 30, "orders": 30, "events": 60, "market": 60}


def test_the_public_routes_have_names_and_internal_rows_have_neither() -> None:
    for endpoint in ENDPOINTS.values():
        assert (endpoint.route is None) == (endpoint.name is None)
