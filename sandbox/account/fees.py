"""Trading fees, rounded up so that a balance stays a multiple of 0.0001 dollars."""

from sandbox.world.model import Event

TAKER_RATE = 700
MAKER_RATE = 175
GRAIN_U = 100


def fee(event: Event, yes_price_cc: int, count_h: int, *, is_yes: bool, is_taker: bool) -> int:
    """Micro-dollars: rate x count x price x (1 - price), with the rounding of the amount paid on top.

    Makers pay only in series whose `fee_type` names them; an event's own multiplier beats the series'.
    Rates are in hundredths of a percent.
    """
    rate = TAKER_RATE if is_taker else MAKER_RATE if "maker" in event.series.fee_type else 0
    exact = round(rate * event.fee_multiplier) * count_h * yes_price_cc * (10_000 - yes_price_cc)
    fee_u = -(-exact // 100_000_000)
    value_u = (yes_price_cc if is_yes else 10_000 - yes_price_cc) * count_h
    return fee_u + -(value_u + fee_u) % GRAIN_U
