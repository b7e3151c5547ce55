"""Market lists, single markets and order books."""

from collections.abc import Iterator

from sandbox.errors import Body, bad_request, not_found
from sandbox.exchange import View
from sandbox.fixed import count, dollars
from sandbox.handlers.bodies import market_body
from sandbox.paging import page
from sandbox.params import Args
from sandbox.world.book import Book
from sandbox.world.model import Event, Market

FOUND_BY = {
    "unopened": {"initialized"},
    "open": {"active"},
    "paused": {"inactive"},
    "closed": {"closed", "determined"},
    "settled": {"finalized"},
}
TIME_FILTERS: dict[str, set[str | None]] = {
    "created": {None, "unopened", "open"},
    "close": {None, "closed"},
    "settled": {None, "settled"},
    "updated": {None},
}


def get_markets(view: View, args: Args) -> Body:
    check_filters(args)
    markets = (market for market in live_markets(view) if wanted(view, market, args))
    found, cursor = page("markets", markets, listing_key, args.text("cursor"), args.integer("limit") or 100)
    return {"markets": [market_body(view, market) for market in found], "cursor": cursor}


def live_markets(view: View) -> Iterator[Market]:
    return (market for event in view.events() if not view.archived(event) for market in in_order(event))


def in_order(event: Event) -> list[Market]:
    return sorted(event.markets, key=lambda market: market.ticker)


def listing_key(market: Market) -> tuple[int, str, str]:
    return -market.timing.close_s, market.event.ticker, market.ticker


def check_filters(args: Args) -> None:
    """The families of time filters exclude each other and most status words."""
    used = [
        family
        for family in TIME_FILTERS
        if args.number(f"min_{family}_ts") is not None or args.number(f"max_{family}_ts") is not None
    ]
    if len(used) > 1:
        raise bad_request(f"{used[0]} and {used[1]} timestamp filters are mutually exclusive")
    for family in used:
        if args.text("status") not in TIME_FILTERS[family]:
            raise bad_request(
                f"{family} timestamp filters are incompatible with status {args.text('status')}"
            )
    if used == ["updated"]:
        excluding = args.text("mve_filter") == "exclude"
        others: tuple[str, ...] = (
            ("event_ticker", "tickers")
            if excluding
            else ("event_ticker", "tickers", "series_ticker", "mve_filter")
        )
        if any(args.values.get(name) for name in others):
            raise bad_request("updated timestamp filters are incompatible with other filters")


def wanted(view: View, market: Market, args: Args) -> bool:
    timing, event = market.timing, market.event
    status, mve = args.text("status"), args.text("mve_filter")
    return (
        args.text("event_ticker") in {None, event.ticker}
        and args.text("series_ticker") in {None, event.series.ticker}
        and (not args.words("tickers") or market.ticker in args.words("tickers"))
        and (mve is None or (mve == "only") == bool(market.legs))
        and (status is None or market.status(view.now_s) in FOUND_BY[status])
        and within(args, "created", timing.created_s)
        and within(args, "close", timing.close_s)
        and within(args, "settled", timing.settled_s if timing.settled_s <= view.now_s else None)
        and within(args, "updated", timing.created_s)
    )


def within(args: Args, family: str, moment_s: int | None) -> bool:
    """Inside a pair of time filters; an unset moment only when neither is used."""
    low, high = args.number(f"min_{family}_ts"), args.number(f"max_{family}_ts")
    if low is None and high is None:
        return True
    return moment_s is not None and (low is None or moment_s >= low) and (high is None or moment_s <= high)


def get_market(view: View, args: Args) -> Body:
    return {"market": market_body(view, live(view, args.path("ticker")))}


def live(view: View, ticker: str) -> Market:
    market = view.live_market(ticker)
    if market is None:
        raise not_found()
    return market


def get_market_orderbook(view: View, args: Args) -> Body:
    book = view.book(live(view, args.path("ticker")))
    return {"orderbook_fp": book_body(book, args.integer("depth"))}


def get_market_orderbooks(view: View, args: Args) -> Body:
    """Unknown tickers are left out."""
    markets = [market for ticker in args.words("tickers") if (market := view.live_market(ticker))]
    books = [{"ticker": market.ticker, "orderbook_fp": book_body(view.book(market), 0)} for market in markets]
    return {"orderbooks": books}


def book_body(book: Book, depth: int) -> Body:
    """Bids of both outcomes, ascending, so the best is last; `depth` 0 is all."""
    sides = {
        "yes_dollars": book.bids,
        "no_dollars": [(10_000 - price, size) for price, size in book.asks],
    }
    return {
        name: [[dollars(price), count(size)] for price, size in reversed(levels[: depth or None])]
        for name, levels in sides.items()
    }
