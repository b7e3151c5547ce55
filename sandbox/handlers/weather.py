"""The weather index of the cities and the calibrations of its stations; its windows are in milliseconds."""

from dataclasses import dataclass

from sandbox.errors import Body, bad_request
from sandbox.exchange import View
from sandbox.params import Args
from sandbox.world.days import DAY_S
from sandbox.world.model import Event
from sandbox.world.temperature import DAY_BEGINS_S, temperature
from sandbox.world.weather import CITY_OF

STEP_S = 300
WINDOW_S = DAY_S
LONGEST_S = 7 * DAY_S
UNITS = "fahrenheit"
VERSION = "v1"
RECEIVED_MS = 90_000


@dataclass(frozen=True, slots=True)
class Station:
    """The index is the weighted sum of the stations' temperatures plus their offsets."""

    number: int
    weight: float
    offset_c: float

    def station_id(self, city: str) -> str:
        return f"{city}-{self.number}"

    def reading(self, index_f: float) -> float:
        return round(index_f - self.offset_c * 1.8, 4)


STATIONS = (Station(1, 0.5, 0.0), Station(2, 0.3, -0.4), Station(3, 0.2, 0.6))
TICKER_OF = {city: ticker for ticker, city in CITY_OF.items()}


def city_of(args: Args) -> str:
    """Raises ApiError 400 for a city without an index."""
    city = args.path("city").lower()
    if city not in TICKER_OF:
        raise bad_request(f"unknown city, there are {', '.join(TICKER_OF)}")
    return city


def get_weather_index(view: View, args: Args) -> Body:
    """A point every five minutes up to now; the last day unless told otherwise."""
    city = city_of(args)
    last_ms, first_ms, seconds = args.number("to"), args.number("from"), args.number("last_sec")
    end_s = view.now_s if last_ms is None else min(view.now_s, last_ms // 1000)
    start_s = end_s - WINDOW_S if first_ms is None else -(-first_ms // 1000)
    if seconds is not None:
        start_s, end_s = view.now_s - seconds, view.now_s
    if end_s - start_s > LONGEST_S:
        raise bad_request("the window is longer than seven days")
    points = []
    for at_s in range(-(-start_s // STEP_S) * STEP_S, end_s + 1, STEP_S):
        value = index_at(view, city, at_s)
        if value is not None:
            points.append(point_body(city, at_s, value, detailed=args.flag("detailed")))
    return {"city": city, "config_version": VERSION, "units": UNITS, "timeseries": points}


def index_at(view: View, city: str, at_s: int) -> float | None:
    value = temperature(view.universe, TICKER_OF[city], at_s)
    return None if value is None else round(value, 2)


def point_body(city: str, at_s: int, value: float, *, detailed: bool) -> Body:
    body: Body = {
        "t": at_s * 1000,
        "v": value,
        "status": "ok",
        "contributors": len(STATIONS),
        "receipt_basis": "observed",
    }
    if detailed:
        body["stations"] = [
            {
                "station_id": station.station_id(city),
                "code": "ok",
                "source": "sandbox",
                "temp_f": station.reading(value),
                "obs_time_ms": at_s * 1000,
                "received_at_ms": at_s * 1000 + RECEIVED_MS,
            }
            for station in STATIONS
        ]
    return body


def get_weather_index_calibrations(view: View, args: Args) -> Body:
    """One, in force since the exchange opened."""
    city = city_of(args)
    opened_ms = view.universe.first_day * DAY_S * 1000
    stations = [
        {
            "station_id": station.station_id(city),
            "weight": station.weight,
            "offset_c": station.offset_c,
        }
        for station in STATIONS
    ]
    calibration = {
        "config_version": VERSION,
        "published_at_ms": opened_ms,
        "effective_at_ms": opened_ms,
        "change_reason": "opening",
        "city_reference_c": 15.0,
        "stations": stations,
    }
    return {"city": city, "units": UNITS, "calibrations": [calibration]}


def latest(view: View, city: str, event: Event) -> Body:
    """The index now, or at the end of the event's day, and the day's highest so far."""
    first_s = (event.timing.close_s - DAY_BEGINS_S) // DAY_S * DAY_S - DAY_S + DAY_BEGINS_S
    end_s = min(view.now_s, first_s + DAY_S - STEP_S)
    values = [index_at(view, city, at_s) for at_s in range(first_s, end_s + 1, STEP_S)]
    known = [value for value in values if value is not None]
    return {
        "city": city,
        "units": UNITS,
        "latest": known[-1] if known else None,
        "highest": max(known, default=None),
    }
