"""What rests in the books: queue positions, order groups, the value of all resting orders."""

from collections import defaultdict
from collections.abc import Iterator

from sandbox.account.account import Account
from sandbox.account.orders import Order
from sandbox.errors import Body, coded, not_found
from sandbox.exchange import View
from sandbox.fixed import cents, count, dollars6
from sandbox.handlers.portfolio import existing
from sandbox.params import Args
from sandbox.world.book import queue_size


def resting(view: View, subaccount: int | None = None) -> Iterator[Order]:
    """Oldest first."""
    orders = (order for trader in view.traders(subaccount) for order in trader.orders)
    found = [order for order in orders if order.resting(view.now_us) is not None]
    return iter(sorted(found, key=lambda order: (order.created_us, order.order_id)))


def left_h(view: View, order: Order) -> int:
    return order.count_h - order.filled_h(view.now_us)


def queue_position_h(view: View, order: Order) -> int:
    """Contracts ahead at the order's price: what is left of the market's, and the accounts' own older orders there."""
    older = sum(
        left_h(view, other)
        for other in view.exchange.placed[order.market.ticker]
        if other.created_us < order.created_us
        and (other.is_yes, other.yes_price_cc) == (order.is_yes, order.yes_price_cc)
        and other.resting(view.now_us) is not None
    )
    size = queue_size(order.market, order.yes_price_cc, view.now_s, is_bid=order.is_yes)
    return older + size * (order.end_us - view.now_us) // (order.end_us - order.created_us)


def get_order_queue_position(view: View, args: Args) -> Body:
    order = existing(view, args)
    if order.resting(view.now_us) is None:
        raise not_found()
    return {"queue_position_fp": count(queue_position_h(view, order))}


def get_order_queue_positions(view: View, args: Args) -> Body:
    tickers, event = args.words("market_tickers"), args.text("event_ticker")
    rows = [
        {
            "order_id": order.order_id,
            "market_ticker": order.market.ticker,
            "queue_position_fp": count(queue_position_h(view, order)),
        }
        for order in resting(view, args.integer("subaccount"))
        if (not tickers or order.market.ticker in tickers) and event in {None, order.market.event.ticker}
    ]
    return {"queue_positions": rows}


def groups(view: View, subaccount: int | None) -> dict[str, list[Order]]:
    """Every group that ever had an order, with those that rest now."""
    found: dict[str, list[Order]] = {}
    for trader in view.traders(subaccount):
        for order in trader.orders:
            name = view.account.group_id(order)
            if name is not None and order.created_us <= view.now_us:
                members = found.setdefault(name, [])
                if order.resting(view.now_us) is not None:
                    members.append(order)
    return found


def get_order_groups(view: View, args: Args) -> Body:
    subaccount = args.number("subaccount")
    rows = [{"id": name, **group_body(view.account, name)} for name in sorted(groups(view, subaccount))]
    return {"order_groups": rows}


def get_order_group(view: View, args: Args) -> Body:
    name = args.path("order_group_id")
    members = groups(view, args.number("subaccount")).get(name)
    if members is None:
        raise not_found()
    return {**group_body(view.account, name), "orders": [order.order_id for order in members]}


def group_body(account: Account, name: str) -> Body:
    order = next(
        order
        for trader in account.traders.values()
        for order in trader.orders
        if account.group_id(order) == name
    )
    style = account.holder.styles[order.subaccount]
    return {
        "contracts_limit_fp": count(style.group_limit_h) if style else None,
        "is_auto_cancel_enabled": True,
        "exchange_index": order.market.event.series.exchange_index,
    }


def get_portfolio_resting_order_total_value(view: View, _args: Args) -> Body:
    """Meant for members of a clearing house: an ordinary account is refused."""
    if not view.account.holder.is_fcm:
        raise coded(403, "permission_denied")
    shards: dict[int, int] = defaultdict(int)
    for order in resting(view):
        price = order.yes_price_cc if order.is_yes else 10_000 - order.yes_price_cc
        shards[order.market.event.series.exchange_index] += price * left_h(view, order)
    return {
        "total_resting_order_value": cents(sum(shards.values())),
        "resting_order_value_breakdown": [
            {"exchange_index": index, "balance": dollars6(value)} for index, value in sorted(shards.items())
        ],
    }
