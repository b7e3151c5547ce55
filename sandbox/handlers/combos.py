"""Multivariate event collections: of which events combos can be made."""

from sandbox.errors import Body, not_found
from sandbox.exchange import View
from sandbox.fixed import iso
from sandbox.paging import page
from sandbox.params import Args
from sandbox.world import combos
from sandbox.world.days import DAY_S
from sandbox.world.model import Event

MOST = 200
DECADE_S = 3_653 * DAY_S
ALL_IN_ONE = f"{combos.COLLECTION}-R"


def get_multivariate_event_collections(view: View, args: Args) -> Body:
    """There is one, always open."""
    body = collection_body(view)
    series, event = args.text("series_ticker"), args.text("associated_event_ticker")
    fits = (
        args.text("status") in {None, "open"}
        and series in {None, body["series_ticker"]}
        and (event is None or event in body["associated_event_tickers"])
    )
    rows = [body] if fits else []
    found, cursor = page(
        "collections",
        rows,
        lambda row: (row["collection_ticker"],),
        args.text("cursor"),
        args.number("limit") or MOST,
    )
    return {"multivariate_contracts": found, "cursor": cursor}


def get_multivariate_event_collection(view: View, args: Args) -> Body:
    if args.path("collection_ticker") != ALL_IN_ONE:
        raise not_found()
    return {"multivariate_contract": collection_body(view)}


def associated(view: View) -> list[Event]:
    """Games whose winner can still be a leg."""
    return [
        event
        for event in view.trading_between(view.now_s, view.now_s)
        if event.mutually_exclusive
        and event.metadata
        and event.timing.open_s <= view.now_s < event.timing.close_s
    ]


def collection_body(view: View) -> Body:
    series = combos.SERIES[0]
    events = associated(view)
    opened = view.universe.first_day * DAY_S
    return {
        "collection_ticker": ALL_IN_ONE,
        "series_ticker": series.ticker,
        "exchange_index": series.exchange_index,
        "title": series.title,
        "description": "Two or three games, and who wins each of them.",
        "open_date": iso(opened),
        "close_date": iso(opened + DECADE_S),
        "associated_events": [
            {"ticker": event.ticker, "is_yes_only": True, "size_max": 1, "size_min": 0, "active_quoters": []}
            for event in events
        ],
        "associated_event_tickers": [event.ticker for event in events],
        "is_ordered": False,
        "is_single_market_per_event": True,
        "is_all_yes": True,
        "size_min": 2,
        "size_max": 3,
        "functional_description": "Yes if every leg resolves to Yes.",
        "price_level_structure": series.grid.label,
        "price_ranges": series.grid.body(),
    }
