"""Balance, orders and fills, live and archived; positions, cash flows and what rests have modules of their own."""

from sandbox.account.orders import Fill, Order
from sandbox.account.trader import Trader
from sandbox.errors import Body, not_found
from sandbox.exchange import View
from sandbox.fixed import cents, count, dollars, dollars6, iso_us
from sandbox.paging import page
from sandbox.params import Args
from sandbox.world.model import Market

SECOND_US = 1_000_000
SHARD_PERCENT = {1: 5, 2: 15, 3: 10}


def get_balance(view: View, args: Args) -> Body:
    """Cash, never reduced by resting orders; the shards keep a fixed split of it, shard 0 the rest."""
    traders = view.traders(args.integer("subaccount"))
    if not traders:
        raise not_found()
    trader = traders[0]
    shards = shard_cash(trader)
    index = args.number("exchange_index")
    if index is not None:
        shards = {index: shards.get(index, 0)}
    total_cc = sum(shards.values())
    body: Body = {
        "balance": cents(total_cc * 100),
        "balance_dollars": dollars(total_cc),
        "portfolio_value": cents(portfolio_value_u(view, trader, index)),
        "updated_ts": updated_s(trader),
    }
    if view.bound is None:
        body["balance_breakdown"] = [
            {"exchange_index": shard, "balance": dollars(amount)} for shard, amount in shards.items()
        ]
    return body


def shard_cash(trader: Trader) -> dict[int, int]:
    """Centi-cents by shard."""
    cash_cc = trader.ledger.cash_u // 100
    shards = {index: cash_cc * percent // 100 for index, percent in SHARD_PERCENT.items()}
    return {0: cash_cc - sum(shards.values()), **shards}


def updated_s(trader: Trader) -> int:
    return max(trader.ledger.updated_us // SECOND_US, trader.universe.first_day * 86_400)


def portfolio_value_u(view: View, trader: Trader, exchange_index: int | None) -> int:
    """What the open contracts would bring at the best bid; after the close, what they will pay."""
    return sum(
        abs(position.count_h) * worth_cc(view, position.market, is_yes=position.count_h > 0)
        for position in trader.ledger.positions.values()
        if position.count_h and exchange_index in {None, position.market.event.series.exchange_index}
    )


def worth_cc(view: View, market: Market, *, is_yes: bool) -> int:
    """Centi-cents for one contract."""
    if view.now_s >= market.timing.close_s:
        return market.settlement_cc if is_yes else 10_000 - market.settlement_cc
    book = view.book(market)
    if is_yes:
        return book.best_bid[0] if book.best_bid else 0
    return 10_000 - book.best_ask[0] if book.best_ask else 0


def matches(args: Args, market: Market, at_us: int) -> bool:
    """The filters that all portfolio lists share, but for the subaccount."""
    tickers, events = (
        args.words("ticker") or args.text("ticker"),
        args.words("event_ticker") or args.text("event_ticker"),
    )
    low, high = args.number("min_ts"), args.number("max_ts")
    return (
        (not tickers or market.ticker in ((tickers,) if isinstance(tickers, str) else tickers))
        and (not events or market.event.ticker in ((events,) if isinstance(events, str) else events))
        and (low is None or at_us >= low * SECOND_US)
        and (high is None or at_us < (high + 1) * SECOND_US)
        and args.number("exchange_index") in {None, market.event.series.exchange_index}
    )


def get_orders(view: View, args: Args) -> Body:
    return orders_page(view, args, "orders", archived=False)


def get_historical_orders(view: View, args: Args) -> Body:
    return orders_page(view, args, "old orders", archived=True)


def orders_page(view: View, args: Args, scope: str, *, archived: bool) -> Body:
    """Newest first; resting orders are always live."""
    status = args.text("status")
    orders = sorted(
        (
            order
            for trader in view.traders(args.number("subaccount"))
            for order in trader.orders
            if order.created_us <= view.now_us
            and is_archived(view, order) == archived
            and status in {None, order.status(view.now_us)}
            and matches(args, order.market, order.created_us)
        ),
        key=order_key,
    )
    found, cursor = page(scope, orders, order_key, args.text("cursor"), args.integer("limit"))
    return {"orders": [order_body(view, order) for order in found], "cursor": cursor}


def order_key(order: Order) -> tuple[int, str]:
    return -order.created_us, order.order_id


def is_archived(view: View, order: Order) -> bool:
    if order.status(view.now_us) == "resting":
        return False
    return order.last_update_us(view.now_us) < view.orders_cutoff_s * SECOND_US


def get_order(view: View, args: Args) -> Body:
    return {"order": order_body(view, existing(view, args))}


def existing(view: View, args: Args) -> Order:
    """The live order that the path names; a bound key sees those of its subaccount only."""
    order_id = args.path("order_id")
    for trader in view.traders():
        order = trader.orders_by_id.get(order_id)
        if order is not None and order.created_us <= view.now_us and not is_archived(view, order):
            return order
    raise not_found()


def direction(is_yes: bool, is_sell: bool) -> Body:
    """The outcome gained, and the legacy pair that says the same in another way."""
    return {
        "side": "yes" if is_yes != is_sell else "no",
        "action": "sell" if is_sell else "buy",
        "outcome_side": "yes" if is_yes else "no",
        "book_side": "bid" if is_yes else "ask",
    }


def order_body(view: View, order: Order) -> Body:
    now_us = view.now_us
    status = order.status(now_us)
    fills = [fill for fill in order.fills if fill.at_us <= now_us]
    filled_h = sum(fill.count_h for fill in fills)
    taken, made = ([fill for fill in fills if fill.is_taker is wanted] for wanted in (True, False))
    return {
        "order_id": order.order_id,
        "user_id": view.account.user_id,
        "client_order_id": f"sandbox-{order.order_id[:8]}",
        "ticker": order.market.ticker,
        **direction(order.is_yes, order.is_sell),
        "type": "limit",
        "status": status,
        "yes_price_dollars": dollars(order.yes_price_cc),
        "no_price_dollars": dollars(10_000 - order.yes_price_cc),
        "fill_count_fp": count(filled_h),
        "remaining_count_fp": count(order.count_h - filled_h if status == "resting" else 0),
        "initial_count_fp": count(order.count_h),
        "taker_fill_cost_dollars": dollars6(sum(fill.value_u for fill in taken)),
        "maker_fill_cost_dollars": dollars6(sum(fill.value_u for fill in made)),
        "taker_fees_dollars": dollars6(sum(fill.fee_u for fill in taken)),
        "maker_fees_dollars": dollars6(sum(fill.fee_u for fill in made)),
        "expiration_time": iso_us(order.end_us) if order.expires else None,
        "created_time": iso_us(order.created_us),
        "last_update_time": iso_us(order.last_update_us(now_us)),
        "self_trade_prevention_type": "taker_at_cross",
        "order_group_id": view.account.group_id(order),
        "cancel_order_on_pause": False,
        "subaccount_number": order.subaccount,
        "exchange_index": order.market.event.series.exchange_index,
    }


def get_fills(view: View, args: Args) -> Body:
    return fills_page(view, args, "fills", archived=False)


def get_fills_historical(view: View, args: Args) -> Body:
    return fills_page(view, args, "old fills", archived=True)


def fills_page(view: View, args: Args, scope: str, *, archived: bool) -> Body:
    """Newest first."""
    cutoff_us, order_id = view.cutoff_s * SECOND_US, args.text("order_id")
    fills = (
        fill
        for fill in newest(view, args.number("subaccount"))
        if (fill.at_us < cutoff_us) == archived
        and order_id in {None, fill.order_id}
        and matches(args, fill.market, fill.at_us)
    )
    found, cursor = page(scope, fills, fill_key, args.text("cursor"), args.integer("limit"))
    return {"fills": [fill_body(fill) for fill in found], "cursor": cursor}


def newest(view: View, subaccount: int | None) -> list[Fill]:
    fills = (fill for trader in view.traders(subaccount) for fill in trader.ledger.fills)
    return sorted(fills, key=fill_key)


def fill_key(fill: Fill) -> tuple[int, str]:
    return -fill.at_us, fill.fill_id


def fill_body(fill: Fill) -> Body:
    return {
        "fill_id": fill.fill_id,
        "trade_id": fill.fill_id,
        "order_id": fill.order_id,
        "ticker": fill.market.ticker,
        "market_ticker": fill.market.ticker,
        **direction(fill.is_yes, fill.is_sell),
        "count_fp": count(fill.count_h),
        "yes_price_dollars": dollars(fill.yes_price_cc),
        "no_price_dollars": dollars(10_000 - fill.yes_price_cc),
        "is_taker": fill.is_taker,
        "fee_cost": dollars6(fill.fee_u),
        "created_time": iso_us(fill.at_us),
        "ts": fill.at_us // SECOND_US,
        "subaccount_number": fill.subaccount,
        "exchange_index": fill.market.event.series.exchange_index,
    }
