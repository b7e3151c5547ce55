"""How an order meets the market: at once against the other side, or resting until the price comes to it."""

from collections.abc import Sequence
from dataclasses import dataclass
from random import Random

from sandbox.account.fees import fee
from sandbox.account.orders import Fill, Order
from sandbox.world.model import Market
from sandbox.world.numbers import uuid_of
from sandbox.world.prices import base_quote

LARGE_H = 4_000


@dataclass(frozen=True, slots=True)
class Intent:
    """Gain `count_h` of an outcome at some second; `is_sell` when that closes what was bought before.

    `odd_h`: what the first parts of an order filled in parts have beyond whole contracts.
    """

    market: Market
    is_yes: bool
    count_h: int
    at_s: int
    is_sell: bool = False
    subaccount: int = 0
    odd_h: int = 0
    grouped: bool = False


def cross(dice: Random, intent: Intent) -> Order | None:
    """Take the best price, part of a larger order one tick beyond it; None when that side is empty."""
    market, count_h = intent.market, intent.count_h
    created_us = intent.at_s * 1_000_000 + dice.randrange(1_000_000)
    quote = base_quote(market, intent.at_s)
    price = quote.ask_cc if intent.is_yes else quote.bid_cc
    if price is None:
        return None
    parts = [(price, count_h)]
    beyond = next_tick(market, price, is_yes=intent.is_yes)
    if count_h > LARGE_H and beyond is not None:
        first_h = count_h * dice.randint(50, 80) // 10_000 * 100 + intent.odd_h
        parts = [(price, first_h), (beyond, count_h - first_h)]
    order_id = uuid_of(market.ticker, created_us, dice.random())
    moments = [created_us + 1_500 + 400 * number for number in range(len(parts))]
    fills = make_fills(order_id, intent, parts, moments, is_taker=True)
    end_us = market.timing.close_s * 1_000_000
    return make_order(order_id, intent, parts[-1][0], created_us=created_us, fills=fills, end_us=end_us)


def next_tick(market: Market, price_cc: int, *, is_yes: bool) -> int | None:
    """The next worse price for the taker, None at the grid's end."""
    prices = market.event.series.grid.prices
    place = prices.index(price_cc) + (1 if is_yes else -1)
    return prices[place] if 0 < place < len(prices) - 1 else None


def rest(dice: Random, intent: Intent, price_cc: int, end_s: int, step_s: int) -> Order:
    """A limit order that waits until `end_s`; looked at every `step_s`, filled once the market trades through it."""
    created_us = intent.at_s * 1_000_000 + dice.randrange(1_000_000)
    order_id = uuid_of(intent.market.ticker, created_us, dice.random())
    moments = range(intent.at_s + step_s, end_s - 600, step_s)
    reached = next((moment for moment in moments if passed(intent, price_cc, moment)), None)
    fills: tuple[Fill, ...] = ()
    if reached is not None:
        parts = [(price_cc, part) for part in split(dice, intent)]
        first_us = reached * 1_000_000 + dice.randrange(90_000_000)
        if dice.random() < 0.15:
            parts = parts[:-1]
        fills = make_fills(
            order_id,
            intent,
            parts,
            [first_us + 90_000_000 * number for number in range(len(parts))],
            is_taker=False,
        )
    return make_order(
        order_id,
        intent,
        price_cc,
        created_us=created_us,
        fills=fills,
        end_us=end_s * 1_000_000,
        expires=dice.random() < 0.3,
    )


def passed(intent: Intent, price_cc: int, at_s: int) -> bool:
    """The own side's best price has fallen behind the order's."""
    if not intent.market.tradable(at_s):
        return False
    quote = base_quote(intent.market, at_s)
    if intent.is_yes:
        return quote.bid_cc is None or quote.bid_cc < price_cc
    return quote.ask_cc is None or quote.ask_cc > price_cc


def split(dice: Random, intent: Intent) -> list[int]:
    """One to three parts."""
    pieces, count_h = dice.randint(1, 3), intent.count_h
    part = count_h // pieces // 100 * 100
    if not part:
        return [count_h]
    part += intent.odd_h
    return [part] * (pieces - 1) + [count_h - part * (pieces - 1)]


def make_order(
    order_id: str,
    intent: Intent,
    price_cc: int,
    *,
    created_us: int,
    fills: tuple[Fill, ...],
    end_us: int,
    expires: bool = False,
) -> Order:
    return Order(
        order_id=order_id,
        market=intent.market,
        is_yes=intent.is_yes,
        is_sell=intent.is_sell,
        yes_price_cc=price_cc,
        count_h=intent.count_h,
        created_us=created_us,
        fills=fills,
        end_us=end_us,
        expires=expires,
        subaccount=intent.subaccount,
        grouped=intent.grouped,
    )


def make_fills(
    order_id: str, intent: Intent, parts: Sequence[tuple[int, int]], moments: Sequence[int], *, is_taker: bool
) -> tuple[Fill, ...]:
    """One fill for each (YES price, count)."""
    return tuple(
        Fill(
            fill_id=uuid_of(order_id, number),
            order_id=order_id,
            market=intent.market,
            at_us=at_us,
            is_yes=intent.is_yes,
            is_sell=intent.is_sell,
            yes_price_cc=price,
            count_h=count_h,
            is_taker=is_taker,
            fee_u=fee(intent.market.event, price, count_h, is_yes=intent.is_yes, is_taker=is_taker),
            subaccount=intent.subaccount,
        )
        for number, ((price, count_h), at_us) in enumerate(zip(parts, moments, strict=True))
    )
