"""Exchange status, schedule and the age of user data."""

from sandbox.errors import Body
from sandbox.exchange import View
from sandbox.fixed import iso
from sandbox.params import Args

SHARDS = ((0, "Default"), (1, "Combos"), (2, "Crypto & Commodities"), (3, "Tennis, Baseball & Basketball"))
ALL_DAY = [{"open_time": "00:00", "close_time": "00:00"}]
MAINTENANCE_DAY = [
    {"open_time": "00:00", "close_time": "03:00"},
    {"open_time": "05:00", "close_time": "00:00"},
]
DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


def get_exchange_status(_view: View, _args: Args) -> Body:
    flags = {"exchange_active": True, "trading_active": True, "intra_exchange_transfers_active": True}
    shards = [{"exchange_index": index, "description": words, **flags} for index, words in SHARDS]
    return {**flags, "exchange_index_statuses": shards}


def get_exchange_schedule(_view: View, _args: Args) -> Body:
    """The weekly pause on Thursdays; the sandbox itself trades through it."""
    hours = {day: MAINTENANCE_DAY if day == "thursday" else ALL_DAY for day in DAYS}
    standard = {"start_time": "2024-12-01T00:00:00Z", "end_time": "2200-12-01T00:00:00Z", **hours}
    return {"schedule": {"standard_hours": [standard], "maintenance_windows": []}}


def get_user_data_timestamp(view: View, _args: Args) -> Body:
    return {"as_of_time": iso(view.now_s)}
