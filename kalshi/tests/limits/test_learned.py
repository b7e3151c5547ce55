import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kalshi.limits.learned import CostTable, Granted

RECORDED = Path(__file__).parents[3] / "reference/kalshi-api/recorded-2026/get_account_api_limits.json"
COSTS = {
    "default_cost": 10,
    "endpoint_costs": [
        {"method": "GET", "path": "/trade-api/v2/portfolio/orders/:order_id", "cost": 2},
        {"method": "DELETE", "path": "/trade-api/v2/portfolio/orders/:order_id", "cost": 4},
        {"method": "GET", "path": "/trade-api/v2/communications/quotes/:quote_id", "cost": 2},
        {"method": "GET", "path": "/trade-api/v2/cfbenchmarks*", "cost": 50},
        {"method": "GET", "path": "/trade-api/v2/archive/*path", "cost": 30},
        {"method": "GET", "path": "/trade-api/v2/archive/:kind", "cost": 20},
        {"method": "GET", "path": "/trade-api/v2/archive/index", "cost": 1},
    ],
}
json_values = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.just(10**400) | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["read", "refill_rate", "bucket_capacity", "default_cost", "endpoint_costs", "path", "cost"]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


def body(value):
    return json.dumps(value).encode()


@pytest.mark.parametrize(
    ("path", "cost"),
    [
        ("/portfolio/orders/{order_id}", 2),
        ("/portfolio/orders/queue_positions", 2),
        ("/portfolio/orders", 10),
        ("/portfolio/orders/{order_id}/queue_position", 10),
        ("/portfolio/balance", 10),
        ("/cfbenchmarks/latest", 50),
        ("/cfbenchmarks-daily", 50),
        ("/archive/index", 1),
        ("/archive/{kind}", 20),
        ("/archive/a/b/c", 30),
    ],
)
def test_the_most_exact_pattern_says_what_a_request_costs(path, cost):
    table, faults = CostTable().learn(body(COSTS))
    assert faults == []
    assert table.cost(path, otherwise=7) == cost


def test_before_anything_is_learned_the_endpoint_tables_cost_holds():
    assert CostTable().cost("/portfolio/balance", otherwise=7) == 7


def test_odd_rows_are_left_out_and_named_and_the_rest_counts():
    values = ("many", True, 0, -5, 0.5, 101, 1000, 1e308)
    odd = [None, {"path": 5, "cost": 1}, *({"path": "/x", "cost": value} for value in values)]
    rows = [*odd, {"method": "GET", "path": "/trade-api/v2/x", "cost": 3}]
    table, faults = CostTable(default=10.0).learn(body({"endpoint_costs": rows}))
    assert table.cost("/x", otherwise=7) == 3
    assert table.cost("/y", otherwise=7) == 10
    assert faults == ["default_cost", *(f"endpoint_costs[{n}]" for n in range(len(odd)))]


def test_the_recorded_limits_are_read():
    granted, faults = Granted().learn(RECORDED.read_bytes())
    assert (granted.tier, granted.refill_per_s, granted.capacity) == ("basic", 200, 200)
    assert faults == []


@pytest.mark.parametrize(
    ("payload", "faults"),
    [
        (b"", ["usage_tier", "read.refill_rate", "read.bucket_capacity"]),
        (b"<html>", ["usage_tier", "read.refill_rate", "read.bucket_capacity"]),
        (b"[1]", ["usage_tier", "read.refill_rate", "read.bucket_capacity"]),
        (b"[" * 100_000, ["usage_tier", "read.refill_rate", "read.bucket_capacity"]),
        (b'{"usage_tier":"x","read":{"refill_rate":0,"bucket_capacity":190}}', ["read.refill_rate"]),
        (b'{"usage_tier":"x","read":{"refill_rate":150,"bucket_capacity":1}}', ["read.bucket_capacity"]),
        (b'{"usage_tier":"x","read":{"refill_rate":150,"bucket_capacity":"9"}}', ["read.bucket_capacity"]),
        (b'{"usage_tier":"x","read":{"refill_rate":150,"bucket_capacity":1e999}}', ["read.bucket_capacity"]),
        (b'{"usage_tier":"x","read":{"refill_rate":150,"bucket_capacity":1e308}}', ["read.bucket_capacity"]),
        (b'{"usage_tier":"x","read":{"refill_rate":1e6,"bucket_capacity":190}}', ["read.refill_rate"]),
        (
            b'{"usage_tier":"x","read":{"refill_rate":10,"bucket_capacity":10}}',
            ["read.refill_rate", "read.bucket_capacity"],
        ),
    ],
)
def test_what_cannot_be_read_keeps_its_old_value_and_is_named(payload, faults):
    old = Granted("advanced", 300, 900)
    granted, found = old.learn(payload)
    assert found == faults
    assert granted.refill_per_s in (300, 150)
    assert granted.capacity in (900, 190)
    assert granted.tier in ("advanced", "x")


def test_a_tiers_name_can_neither_steer_a_terminal_nor_fill_a_page():
    name = "basic\x1b[2J\n" + "x" * 100_000
    granted, _ = Granted().learn(body({"usage_tier": name, "read": {}}))
    assert granted.tier.startswith("basic [2J x")
    assert granted.tier.isprintable()
    assert len(granted.tier) == 40


@given(json_values)
def test_whatever_is_told_a_request_a_second_can_be_made(value):
    granted, _ = Granted().learn(body(value))
    table, _ = CostTable().learn(body(value))
    assert 1 <= table.cost("/portfolio/balance", otherwise=10) <= granted.refill_per_s <= 100_000
    assert granted.refill_per_s >= 100 and 100 <= granted.capacity <= 100_000


def test_an_answer_that_is_far_too_long_is_not_kept():
    rows = [{"method": "GET", "path": f"/trade-api/v2/p{n}", "cost": 9} for n in range(10_000)]
    table, faults = CostTable(default=10).learn(body({"default_cost": 5, "endpoint_costs": rows}))
    assert (table, faults) == (CostTable(default=10), ["default_cost", "endpoint_costs"])
