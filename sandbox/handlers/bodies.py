"""Bodies of markets, events and series, as every list and single answer shows them."""

from typing import Any

from sandbox.exchange import View
from sandbox.fixed import count, dollars, iso
from sandbox.world.book import Book
from sandbox.world.days import DAY_S
from sandbox.world.model import Event, Market, Series
from sandbox.world.prices import Quote, base_quote
from sandbox.world.sports import team_id

Body = dict[str, Any]


def market_body(view: View, market: Market) -> Body:
    """A market as of now; kept once nothing in it can change."""
    final = view.exchange.finished.get(market.ticker)
    if final is not None:
        return final
    body = fixed_part(market) | moving_part(view, market)
    timing = market.timing
    if view.now_s > max(timing.settled_s, timing.close_s + DAY_S):
        view.exchange.finished[market.ticker] = body
    return body


def fixed_part(market: Market) -> Body:
    event, timing = market.event, market.timing
    body: Body = {
        "ticker": market.ticker,
        "event_ticker": event.ticker,
        "market_type": "binary",
        "title": event.title,
        "yes_sub_title": market.name,
        "no_sub_title": market.name,
        "created_time": iso(timing.created_s),
        "open_time": iso(timing.open_s),
        "close_time": iso(timing.close_s),
        "expected_expiration_time": iso(timing.determined_s),
        "expiration_time": iso(timing.settled_s + 7 * DAY_S),
        "latest_expiration_time": iso(timing.settled_s + 7 * DAY_S),
        "settlement_timer_seconds": timing.settled_s - timing.determined_s,
        "can_close_early": event.series.category in {"Sports", "Exotics"},
        "notional_value_dollars": "1.0000",
        "settlement_bounds_type": "default",
        "rules_primary": event.rules,
        "rules_secondary": "",
        "price_level_structure": event.series.grid.label,
        "price_ranges": event.series.grid.body(),
        "exchange_index": event.series.exchange_index,
    }
    body |= strike_part(market)
    if body["can_close_early"]:
        body["early_close_condition"] = "This market will close and expire after a winner is declared."
        body["occurrence_datetime"] = iso(timing.close_s)
    return body


def strike_part(market: Market) -> Body:
    body: Body = {"strike_type": market.strike_type}
    if market.floor_strike is not None:
        body["floor_strike"] = market.floor_strike
    if market.cap_strike is not None:
        body["cap_strike"] = market.cap_strike
    if market.strike_type == "structured":
        body["custom_strike"] = {"team": team_id(market.event.metadata["competition"], market.name)}
    if market.legs:
        body["is_provisional"] = True
        body["mve_collection_ticker"] = market.event.collection
        body["custom_strike"] = {
            "Associated Events": ",".join(leg.event.ticker for leg in market.legs),
            "Associated Market Sides": ",".join("yes" for _ in market.legs),
            "Associated Markets": ",".join(leg.ticker for leg in market.legs),
        }
    return body


def moving_part(view: View, market: Market) -> Body:
    now_s, now_us, timing = view.now_s, view.now_us, market.timing
    last, previous = view.last_trade(market, now_us), view.last_trade(market, now_us - DAY_S * 1_000_000)
    before = base_quote(market, now_s - DAY_S)
    volume = view.volume_h(market, now_us)
    decided = now_s >= timing.determined_s
    body: Body = {
        "status": market.status(now_s),
        "updated_time": iso(timing.last_change_s(now_s)),
        "last_price_dollars": dollars(last.yes_price_cc if last else 0),
        "volume_fp": count(volume),
        "volume_24h_fp": count(volume - view.volume_h(market, now_us - DAY_S * 1_000_000)),
        "open_interest_fp": count(volume * 45 // 100),
        "result": market.result if decided else "",
        "expiration_value": market.event.value_text if decided else "",
        "previous_price_dollars": dollars(previous.yes_price_cc if previous else 0),
    }
    body |= quote_part(view.book(market, best_only=True)) | previous_quote(before)
    if market.legs:
        body["mve_selected_legs"] = [leg_body(leg, now_s) for leg in market.legs]
    if decided:
        body["settlement_value_dollars"] = dollars(market.settlement_cc)
    if now_s >= timing.settled_s:
        body["settlement_ts"] = iso(timing.settled_s)
    return body


def quote_part(book: Book) -> Body:
    bid, bid_size = book.best_bid or (0, 0)
    ask, ask_size = book.best_ask or (10_000, 0)
    return {
        "yes_bid_dollars": dollars(bid),
        "yes_bid_size_fp": count(bid_size),
        "yes_ask_dollars": dollars(ask),
        "yes_ask_size_fp": count(ask_size),
        "no_bid_dollars": dollars(10_000 - ask),
        "no_ask_dollars": dollars(10_000 - bid),
    }


def previous_quote(before: Quote) -> Body:
    return {
        "previous_yes_bid_dollars": dollars(before.bid_cc or 0),
        "previous_yes_ask_dollars": dollars(10_000 if before.ask_cc is None else before.ask_cc),
    }


def leg_body(leg: Market, now_s: int) -> Body:
    body: Body = {"event_ticker": leg.event.ticker, "market_ticker": leg.ticker, "side": "yes"}
    if now_s >= leg.timing.determined_s:
        body["yes_settlement_value_dollars"] = dollars(leg.settlement_cc)
    return body


def event_body(view: View, event: Event) -> Body:
    body: Body = {
        "event_ticker": event.ticker,
        "series_ticker": event.series.ticker,
        "title": event.title,
        "sub_title": event.sub_title,
        "category": event.series.category,
        "collateral_return_type": "MECNET" if event.mutually_exclusive else "",
        "mutually_exclusive": event.mutually_exclusive,
        "strike_period": event.strike_period,
        "settlement_sources": [source_body(event.series)],
        "last_updated_ts": iso(event.timing.last_change_s(view.now_s)),
        "exchange_index": event.series.exchange_index,
    }
    if event.fee_multiplier_override is not None:
        body["fee_type_override"] = event.series.fee_type
        body["fee_multiplier_override"] = event.fee_multiplier_override
    if event.strike_s is not None:
        body["strike_date"] = iso(event.strike_s)
    if event.metadata:
        body["product_metadata"] = dict(event.metadata)
    return body


def source_body(series: Series) -> Body:
    name, url = series.source
    return {"name": name, "url": url}


def series_body(view: View, series: Series, *, with_volume: bool, with_metadata: bool) -> Body:
    body: Body = {
        "ticker": series.ticker,
        "title": series.title,
        "category": series.category,
        "categories": [series.category],
        "tags": list(series.tags),
        "frequency": series.frequency,
        "settlement_sources": [source_body(series)],
        "contract_url": f"https://example.com/contracts/{series.ticker}.pdf",
        "contract_terms_url": f"https://example.com/terms/{series.ticker}.pdf",
        "fee_type": series.fee_type,
        "fee_multiplier": series.fee_multiplier,
        "additional_prohibitions": [],
        "last_updated_ts": iso(view.universe.first_day * DAY_S),
        "exchange_index": series.exchange_index,
    }
    if with_metadata:
        body["product_metadata"] = {"scope": series.frequency}
    if with_volume:
        body["volume_fp"] = count(series_volume_h(view, series))
    return body


def series_volume_h(view: View, series: Series) -> int:
    """Volume of the series' markets that still trade."""
    return sum(
        view.volume_h(market, view.now_us)
        for event in view.trading_between(view.now_s, view.now_s)
        if event.series is series
        for market in event.markets
    )
