"""An archived market's candlesticks under the names that the live endpoint uses. Pure."""

from __future__ import annotations

from typing import Any

_PRICES = {name: f"{name}_dollars" for name in ("open", "low", "high", "close", "mean", "previous")}
_COUNTS = {"volume": "volume_fp", "open_interest": "open_interest_fp"}
_NO_TRADE = frozenset({"open_dollars", "low_dollars", "high_dollars", "close_dollars", "mean_dollars"})


def as_live(body: dict[str, Any]) -> dict[str, Any]:
    """The archive's body, renamed. Values stay as they are; what has no other name live keeps its own.

    Without a trade in a period the archive says null for a price where the live endpoint leaves the key out.
    """
    candles = body.get("candlesticks")
    if not isinstance(candles, list):
        return body
    return body | {"candlesticks": [_candle(candle) for candle in candles]}


def _candle(candle: Any) -> Any:
    if not isinstance(candle, dict):
        return candle
    renamed = {_COUNTS.get(name, name): value for name, value in candle.items()}
    for side in ("yes_bid", "yes_ask", "price"):
        if isinstance(renamed.get(side), dict):
            renamed[side] = {_PRICES.get(name, name): value for name, value in renamed[side].items()}
    if isinstance(renamed.get("price"), dict):
        price = renamed["price"]
        renamed["price"] = {
            name: value for name, value in price.items() if value is not None or name not in _NO_TRADE
        }
    return renamed
