"""The archive's cutoffs and markets; its other lists live beside their live twins."""

from sandbox.errors import Body, bad_request, not_found
from sandbox.exchange import View
from sandbox.fixed import iso
from sandbox.handlers.bodies import market_body
from sandbox.handlers.markets import in_order, listing_key
from sandbox.paging import page
from sandbox.params import Args

EXCLUSIVE = ("tickers", "event_ticker", "series_ticker", "mve_filter")


def get_historical_cutoff(view: View, _args: Args) -> Body:
    return {
        "market_settled_ts": iso(view.cutoff_s),
        "trades_created_ts": iso(view.cutoff_s),
        "orders_updated_ts": iso(view.orders_cutoff_s),
        "market_positions_last_updated_ts": iso(view.cutoff_s),
    }


def get_historical_markets(view: View, args: Args) -> Body:
    used = [name for name in EXCLUSIVE if args.values.get(name)]
    if len(used) > 1:
        raise bad_request(f"{used[0]} and {used[1]} are mutually exclusive")
    tickers = args.words("tickers")
    markets = (
        market
        for event in view.events()
        if view.archived(event)
        and args.text("event_ticker") in {None, event.ticker}
        and args.text("series_ticker") in {None, event.series.ticker}
        and (args.text("mve_filter") is None or event.collection is None)
        for market in in_order(event)
        if not tickers or market.ticker in tickers
    )
    found, cursor = page(
        "old markets", markets, listing_key, args.text("cursor"), args.integer("limit") or 100
    )
    return {"markets": [market_body(view, market) for market in found], "cursor": cursor}


def get_historical_market(view: View, args: Args) -> Body:
    market = view.market(args.path("ticker"))
    if market is None or not view.archived(market.event):
        raise not_found()
    return {"market": market_body(view, market)}
