"""Every read operation through our gateway, in front of Kalshi's demo exchange, against the reference schemas.

`make test-demo` runs this file and nothing else does: it is not called like a test, so that no other run collects it.
It wants KALSHI_ENV=demo and a demo key in the variables of the README, and says so when it has none. It reads only.
"""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Iterator
from datetime import datetime
from typing import Any

import pytest
import requests

from kalshi.tests.demo import handed
from kalshi.tests.gateway.signing import ROOT
from kalshi.tests.gateway.test_walk import DAY_S, OPERATIONS, REFERENCE, checker, path_of
from kalshi.tests.servers import Gateway, running, wait_until

__all__ = ["checker"]

SETTINGS = handed.settings_in(os.environ)

pytestmark = pytest.mark.skipif(not handed.are_enough(SETTINGS), reason=handed.WANTED)


@pytest.fixture(scope="module")
def gateway() -> Iterator[Gateway]:
    with running(lambda folder: Gateway(folder, **SETTINGS)) as server:
        yield server


def answer_to(gateway: Gateway, path: str) -> requests.Response:
    """Of the gateway; 503 means that the budget of the key is spent for a moment."""
    answers: list[requests.Response] = []

    def asked() -> bool:
        answers.append(gateway.get(path))
        return answers[-1].status_code != 503

    with contextlib.suppress(AssertionError):
        wait_until(asked, 30)
    return answers[-1]


@pytest.fixture(scope="module")
def names(gateway: Gateway) -> dict[str, Any]:
    """Things to ask for by name, as far as this account and the exchange's lists have them."""
    found: dict[str, Any] = {}

    def first(path: str, listed: str, **fields: str) -> dict[str, Any]:
        answer = answer_to(gateway, ROOT + path)
        rows = (answer.json().get(listed) if answer.status_code == 200 else None) or [{}]
        found.update({ours: rows[0][theirs] for ours, theirs in fields.items() if rows[0].get(theirs)})
        row: dict[str, Any] = rows[0]
        return row

    first("/markets?status=open&limit=1", "markets", ticker="ticker", event_ticker="event_ticker")
    first("/events?status=open&limit=1", "events", series_ticker="series_ticker")
    if "event_ticker" in found:
        event = answer_to(gateway, f"{ROOT}/events/{found['event_ticker']}").json()["event"]
        found["series_ticker"] = event["series_ticker"]
    old = first("/historical/markets?limit=1", "markets", old="ticker")
    if old.get("close_time"):
        close = int(datetime.fromisoformat(old["close_time"]).timestamp())
        found |= {"old_open": close - 7 * DAY_S, "old_close": close}
    first("/portfolio/orders?limit=1", "orders", order_id="order_id")
    first("/portfolio/order_groups", "order_groups", order_group_id="id")
    first("/portfolio/intra_exchange_instance_transfers", "transfers", transfer_id="transfer_id")
    first("/multivariate_event_collections", "multivariate_contracts", collection_ticker="collection_ticker")
    first("/milestones?limit=1", "milestones", milestone_id="id", milestone="id", type="type")
    first("/structured_targets?page_size=1", "structured_targets", structured_target_id="id")
    as_of = answer_to(gateway, f"{ROOT}/exchange/user_data_timestamp").json()["as_of_time"]
    now = int(datetime.fromisoformat(as_of).timestamp())
    return found | {"city": "nyc", "now": now, "day_ago": now - DAY_S}


@pytest.mark.parametrize("operation", OPERATIONS)
def test_the_body_fits_its_schema(
    gateway: Gateway, checker: Any, names: dict[str, Any], operation: str
) -> None:
    try:
        path = path_of(operation, names)
    except KeyError as missing:
        pytest.skip(f"NOT TESTED: {operation}: this account and exchange have no {missing}")
    answer = answer_to(gateway, path)
    if answer.status_code in {403, 404}:
        pytest.skip(f"NOT TESTED: {operation}: the exchange says {answer.status_code}: {answer.text[:150]}")
    assert answer.status_code == 200, answer.text[:300]
    schema = json.loads((REFERENCE / "rest" / f"{operation}.json").read_text())["response_schema"]
    assert checker.problems(schema, answer.json(), 5) == []
