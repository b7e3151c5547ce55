"""Fee changes of series and events, as the series' and events' own fields show them in force."""

from sandbox.errors import Body
from sandbox.exchange import View
from sandbox.fixed import iso
from sandbox.paging import page
from sandbox.params import Args
from sandbox.world.days import DAY_S
from sandbox.world.model import Event, Series
from sandbox.world.numbers import uuid_of
from sandbox.world.universe import listing_order

LEAD_DAYS = 30


def get_series_fee_changes(view: View, args: Args) -> Body:
    """None are scheduled; the past ones brought in the makers' fees before the exchange opened."""
    wanted = args.text("series_ticker")
    rows = [
        series_change(view, series)
        for series in view.universe.series.values()
        if args.flag("show_historical") and "maker" in series.fee_type and wanted in {None, series.ticker}
    ]
    return {"series_fee_change_arr": rows}


def series_change(view: View, series: Series) -> Body:
    return {
        "id": uuid_of("fee change", series.ticker),
        "series_ticker": series.ticker,
        "fee_type": series.fee_type,
        "fee_multiplier": series.fee_multiplier,
        "scheduled_ts": iso((view.universe.first_day - LEAD_DAYS) * DAY_S),
    }


def get_event_fee_changes(view: View, args: Args) -> Body:
    """Overrides in force since their events were listed, latest close first."""
    wanted = args.text("event_ticker")
    events = (
        event
        for event in view.events()
        if event.fee_multiplier_override is not None and wanted in {None, event.ticker}
    )
    found, cursor = page(
        "event fee changes", events, listing_order, args.text("cursor"), args.integer("limit")
    )
    return {"event_fee_changes": [event_change(event) for event in found], "cursor": cursor}


def event_change(event: Event) -> Body:
    return {
        "id": uuid_of("fee change", event.ticker),
        "event_ticker": event.ticker,
        "series_ticker": event.series.ticker,
        "fee_type_override": event.series.fee_type,
        "fee_multiplier_override": event.fee_multiplier_override,
        "scheduled_ts": iso(event.timing.created_s),
    }
