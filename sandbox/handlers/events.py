"""Events, combos among them, and series."""

from collections.abc import Iterator

from sandbox.errors import Body, bad_request, not_found
from sandbox.exchange import View
from sandbox.handlers.bodies import event_body, market_body, series_body, source_body
from sandbox.handlers.markets import FOUND_BY, in_order
from sandbox.handlers.milestones import milestone_body
from sandbox.paging import page
from sandbox.params import Args
from sandbox.world.games import games_of
from sandbox.world.model import Event, Market
from sandbox.world.universe import listing_order


def get_events(view: View, args: Args) -> Body:
    """Combos are never among them."""
    events = (event for event in view.events() if event.collection is None and wanted(view, event, args))
    found, cursor = page("events", events, listing_order, args.text("cursor"), args.integer("limit"))
    games = games_of(view.universe.events, found) if args.flag("with_milestones") else []
    milestones = [milestone_body(view, game) for game in games]
    return {"events": nested(view, found, args), "milestones": milestones, "cursor": cursor}


def wanted(view: View, event: Event, args: Args) -> bool:
    status, tickers = args.text("status"), args.words("tickers")
    min_close, min_updated = args.number("min_close_ts"), args.number("min_updated_ts")
    return (
        args.text("series_ticker") in {None, event.series.ticker}
        and (not tickers or event.ticker in tickers)
        and (
            status is None
            or any(market.status(view.now_s) in FOUND_BY[status] for market in shown(view, event))
        )
        and (min_close is None or event.timing.close_s >= min_close)
        and (min_updated is None or event.timing.last_change_s(view.now_s) >= min_updated)
    )


def shown(view: View, event: Event) -> list[Market]:
    """Its markets, unless they have moved to the archive."""
    return [] if view.archived(event) else in_order(event)


def nested(view: View, events: list[Event], args: Args) -> list[Body]:
    bodies = [event_body(view, event) for event in events]
    if args.flag("with_nested_markets"):
        for body, event in zip(bodies, events, strict=True):
            body["markets"] = [market_body(view, market) for market in shown(view, event)]
    return bodies


def get_multivariate_events(view: View, args: Args) -> Body:
    series, collection = args.text("series_ticker"), args.text("collection_ticker")
    if series is not None and collection is not None:
        raise bad_request("series_ticker and collection_ticker are mutually exclusive")
    events: Iterator[Event] = (
        event
        for event in view.events()
        if event.collection is not None
        and series in {None, event.series.ticker}
        and collection in {None, event.collection}
    )
    found, cursor = page("combos", events, listing_order, args.text("cursor"), args.integer("limit"))
    return {"events": nested(view, found, args), "cursor": cursor}


def get_event(view: View, args: Args) -> Body:
    """Markets beside the event, or inside it when nested ones are asked for."""
    event = existing(view, args)
    if args.flag("with_nested_markets"):
        return {"event": nested(view, [event], args)[0], "markets": []}
    return {
        "event": event_body(view, event),
        "markets": [market_body(view, market) for market in shown(view, event)],
    }


def existing(view: View, args: Args) -> Event:
    event = view.event(args.path("event_ticker"))
    if event is None:
        raise not_found()
    return event


def get_event_metadata(view: View, args: Args) -> Body:
    event = existing(view, args)
    image = f"https://example.com/images/{event.series.ticker}.webp"
    details = [
        {"market_ticker": market.ticker, "image_url": image, "color_code": f"#{market.key & 0xFFFFFF:06X}"}
        for market in shown(view, event)
    ]
    return {
        "image_url": image,
        "market_details": details,
        "settlement_sources": [source_body(event.series)],
        **event.metadata,
    }


def get_series_list(view: View, args: Args) -> Body:
    """The whole list; `tags` finds series with any of them."""
    category, tags, since = args.text("category"), set(args.words("tags")), args.number("min_updated_ts")
    opened_s = view.universe.first_day * 86_400
    bodies = [
        series_body(
            view,
            series,
            with_volume=args.flag("include_volume"),
            with_metadata=args.flag("include_product_metadata"),
        )
        for series in view.universe.series.values()
        if category in {None, series.category}
        and (not tags or tags & set(series.tags))
        and (since is None or opened_s >= since)
    ]
    return {"series": bodies}


def get_series(view: View, args: Args) -> Body:
    series = view.universe.series.get(args.path("series_ticker"))
    if series is None:
        raise not_found()
    return {"series": series_body(view, series, with_volume=args.flag("include_volume"), with_metadata=True)}
