"""What the markets expect of an event's figure: percentiles over time."""

from statistics import NormalDist

from sandbox.errors import Body, bad_request, not_found, unparsable
from sandbox.exchange import View
from sandbox.params import INTEGER, Args
from sandbox.world.model import Event
from sandbox.world.prices import forecast

MOST_POINTS = 5_000
FINEST_S = 5
PERCENTILES = range(10_000)


def get_event_forecast_percentiles_history(view: View, args: Args) -> Body:
    """Percentiles are in hundredths of a percent. An event that is not about a figure has an empty history."""
    event = view.event(args.path("ticker"))
    if event is None or event.series.ticker != args.path("series_ticker"):
        raise not_found()
    percentiles = [percentile(text) for text in args.words("percentiles")]
    period = args.integer("period_interval")
    step = period * 60 or FINEST_S
    start_s, end_s = args.integer("start_ts"), args.integer("end_ts")
    if start_s > end_s:
        raise bad_request("start_ts must not be after end_ts")
    if (end_s - start_s) // step > MOST_POINTS:
        raise bad_request(f"too many points requested, at most {MOST_POINTS} allowed")
    first = max(start_s, event.timing.open_s + 1)
    last = min(end_s, view.now_s, event.timing.close_s)
    moments = range(-(-first // step) * step, last + 1, step) if is_numerical(event) else range(0)
    return {"forecast_history": [point(event, at_s, period, percentiles) for at_s in moments]}


def percentile(text: str) -> int:
    """Raises ApiError 400."""
    if not INTEGER.fullmatch(text):
        raise unparsable("percentiles", text, "integer")
    if int(text) not in PERCENTILES:
        raise bad_request("percentiles must be between 0 and 9999")
    return int(text)


def is_numerical(event: Event) -> bool:
    return event.collection is None and event.value_text.lstrip("-").replace(".", "", 1).isdecimal()


def point(event: Event, at_s: int, period: int, percentiles: list[int]) -> Body:
    value, deviation = forecast(event, at_s)
    expected = NormalDist(value, deviation)
    digits = len(event.value_text.partition(".")[2])
    rows = []
    for wanted in percentiles:
        raw = expected.inv_cdf(max(wanted, 0.5) / len(PERCENTILES))
        rows.append(
            {
                "percentile": wanted,
                "raw_numerical_forecast": raw,
                "numerical_forecast": round(raw, digits),
                "formatted_forecast": f"{raw:,.{digits}f}",
            }
        )
    return {
        "event_ticker": event.ticker,
        "end_period_ts": at_s,
        "period_interval": period,
        "percentile_points": rows,
    }
