import pytest

from kalshi.errors import BadRequest, NotFound, UpstreamRefused
from kalshi.kalshi_client import get_client
from kalshi.tests.fakes import HttpError


def test_python_callers_get_dicts_through_the_same_cache(exchange, api) -> None:
    assert get_client().get_balance()["balance_dollars"] == "98.0186"
    assert api("balance/")["Cache-Status"].startswith("kalshi; hit")
    assert exchange.account_calls == ["/portfolio/balance"]


def test_every_method_asks_its_operation(exchange) -> None:
    client = get_client()
    client.get_positions(settlement_status="all")
    client.get_orders(status="open")
    client.get_events()
    client.get_market("KX-1.5")
    assert exchange.account_calls == [
        "/portfolio/positions",
        "/portfolio/orders",
        "/events",
        "/markets/KX-1.5",
    ]


def test_its_defaults_share_the_entries_of_the_http_api(exchange, api) -> None:
    api("orders/")
    api("events/")
    get_client().get_orders()
    get_client().get_events()
    assert len(exchange.account_calls) == 2


def test_errors_are_the_tree(exchange) -> None:
    with pytest.raises(BadRequest):
        get_client().get_orders(limit=0)
    with pytest.raises(NotFound):
        get_client().get_market("../x")
    exchange.answers["/portfolio/orders"] = HttpError(
        400, b'{"error":{"code":"bad_request","message":"no such filter"}}'
    )
    with pytest.raises(UpstreamRefused, match="no such filter"):
        get_client().get_orders()
