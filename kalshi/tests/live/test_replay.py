"""Bodies arrive byte for byte: recordings of both eras, and spellings that no serialiser of ours would choose."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from kalshi.tests.servers import ROOT, Gateway, Sandbox, running

REFERENCE = ROOT / "reference" / "kalshi-api"
ROUTES = {
    "get_balance": "balance/",
    "get_positions": "positions/",
    "get_orders": "orders/",
    "get_events": "events/",
    "get_market": "markets/KX-1.5/",
}
JANUARY = {
    "get_balance": "portfolio_balance_response",
    "get_positions": "portfolio_positions_response",
    "get_orders": "portfolio_orders_response",
    "get_events": "events_list_response",
    "get_market": "market_single_response",
}
ODD = (
    b'\n{ "z_unknown" : null,\t"balance":1E2 , "a":0.10000000000000000555, "neg":-0,\r\n'
    b'"big":123456789012345678901234567890, "z_unknown":[1,2 ,3], "events":[], "deep":{"b":{"a":[[[]]]}},\n'
    b'"text":"\\u00e9\xc3\xa9\\/\\ud83d\\ude00 \\"q\\""}  \n'
)


def january(operation: str) -> bytes:
    recording = json.loads((REFERENCE / "recorded" / f"{JANUARY[operation]}.json").read_text())
    return json.dumps(recording["response"], indent=1).encode()


def today(operation: str) -> bytes:
    path = REFERENCE / "recorded-2026" / f"{operation}.json"
    return path.read_bytes() if path.exists() else january(operation)


@pytest.fixture(scope="module", params=["january", "today", "odd"])
def era(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Gateway, Path]]:
    folder = tmp_path_factory.mktemp(request.param)
    for operation in ROUTES:
        body = {"january": january, "today": today, "odd": lambda _: ODD}[request.param](operation)
        (folder / f"{operation}.json").write_bytes(body)
    with (
        running(lambda home: Sandbox(home, "--replay", str(folder))) as sandbox,
        running(lambda home: Gateway(home, **sandbox.environment("ed25519"))) as gateway,
    ):
        yield gateway, folder


@pytest.mark.parametrize("operation", ROUTES)
def test_our_body_is_the_file(era: tuple[Gateway, Path], operation: str) -> None:
    gateway, folder = era
    for _ in range(2):
        answer = gateway.get("/api/v1/kalshi/" + ROUTES[operation])
        assert answer.status_code == 200
        assert answer.content == (folder / f"{operation}.json").read_bytes()
