"""An archived candle in the words of a live one."""

from kalshi.services.history_candles import as_live

PRICES = {"open": "0.10", "low": "0.05", "high": "0.20", "close": "0.15"}
LIVE = {"open_dollars": "0.10", "low_dollars": "0.05", "high_dollars": "0.20", "close_dollars": "0.15"}


def test_every_name_becomes_the_live_one_and_every_value_stays() -> None:
    old = {
        "end_period_ts": 5,
        "yes_bid": PRICES,
        "yes_ask": PRICES,
        "price": PRICES | {"mean": "0.12", "previous": "0.11"},
        "volume": "3.00",
        "open_interest": "7.00",
        "brand_new": [1],
    }
    assert as_live({"ticker": "KX-1", "candlesticks": [old]}) == {
        "ticker": "KX-1",
        "candlesticks": [
            {
                "end_period_ts": 5,
                "yes_bid": LIVE,
                "yes_ask": LIVE,
                "price": LIVE | {"mean_dollars": "0.12", "previous_dollars": "0.11"},
                "volume_fp": "3.00",
                "open_interest_fp": "7.00",
                "brand_new": [1],
            }
        ],
    }


def test_a_period_without_a_trade_has_no_prices_but_the_previous_one() -> None:
    nothing = dict.fromkeys((*PRICES, "mean"), None)
    candle = {"price": nothing | {"previous": "0.11"}}
    assert as_live({"candlesticks": [candle]}) == {"candlesticks": [{"price": {"previous_dollars": "0.11"}}]}


def test_what_it_does_not_understand_it_leaves_alone() -> None:
    for body in ({}, {"candlesticks": None}, {"candlesticks": [None, 5, {"price": None, "yes_bid": "x"}]}):
        assert as_live(body) == body
