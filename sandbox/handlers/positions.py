"""Positions, live and archived: market rows and their events' sums under one cursor."""

from collections.abc import Iterable, Sequence

from sandbox.account.ledger import Position
from sandbox.errors import Body
from sandbox.exchange import View
from sandbox.fixed import count, dollars6, iso_us
from sandbox.handlers.portfolio import matches
from sandbox.paging import comparable, decode, encode, page
from sandbox.params import Args

SECOND_US = 1_000_000


def get_positions(view: View, args: Args) -> Body:
    """Unsettled ones by default; those who ask for settled ones too get whole events on a page."""
    status = args.text("settlement_status") or "unsettled"
    positions = [
        position
        for position in selected(view, args)
        if status in {"all", "settled" if position.settled_us is not None else "unsettled"}
        and not in_archive(view, position)
    ]
    return positions_page(args, f"positions {status}", positions, by_event=status != "unsettled")


def get_historical_positions(view: View, args: Args) -> Body:
    positions = [position for position in selected(view, args) if in_archive(view, position)]
    return positions_page(args, "old positions", positions, by_event=True)


def selected(view: View, args: Args) -> Iterable[Position]:
    """Traded markets of one subaccount, held or not, that pass the filters."""
    fields = args.words("count_filter")
    positions = [
        position
        for trader in view.traders(args.integer("subaccount"))
        for position in trader.ledger.positions.values()
    ]
    for position in positions:
        nonzero = {"position": position.count_h != 0, "total_traded": position.traded_u != 0}
        if matches(args, position.market, position.last_us) and (
            not fields or any(nonzero[name] for name in fields)
        ):
            yield position


def in_archive(view: View, position: Position) -> bool:
    """An event's markets settle together, so whole events move at a time."""
    return position.settled_us is not None and position.settled_us < view.cutoff_s * SECOND_US


def positions_page(args: Args, scope: str, positions: Iterable[Position], *, by_event: bool) -> Body:
    """An event stands on the page of its first market."""
    limit, cursor = args.integer("limit"), args.text("cursor")
    groups = grouped(positions)
    if by_event:
        events, following = whole_events(scope, groups, cursor, limit)
        rows = [position for group in events for position in group]
    else:
        ordered = [position for group in groups for position in group]
        rows, following = page(scope, ordered, position_key, cursor, limit)
        events = [group for group in groups if group[0] in rows]
    return {
        "market_positions": [market_position(position) for position in rows],
        "event_positions": [event_position(group) for group in events],
        "cursor": following,
    }


def whole_events(
    scope: str, groups: Sequence[list[Position]], cursor: str | None, limit: int
) -> tuple[list[list[Position]], str]:
    """As many events as have `limit` market rows, at least one, and the next cursor."""
    after = decode(scope, cursor)
    taken: list[list[Position]] = []
    rows = 0
    for group in groups:
        key = (group[0].market.event.ticker,)
        if after is not None and comparable(after, key) and key <= after:
            continue
        if taken and rows + len(group) > limit:
            return taken, encode(scope, (taken[-1][0].market.event.ticker,))
        taken.append(group)
        rows += len(group)
    return taken, ""


def position_key(position: Position) -> tuple[str, str]:
    return position.market.event.ticker, position.market.ticker


def grouped(positions: Iterable[Position]) -> list[list[Position]]:
    groups: dict[str, list[Position]] = {}
    for position in sorted(positions, key=position_key):
        groups.setdefault(position.market.event.ticker, []).append(position)
    return list(groups.values())


def market_position(position: Position) -> Body:
    return {
        "ticker": position.market.ticker,
        "exchange_index": position.market.event.series.exchange_index,
        "total_traded_dollars": dollars6(position.traded_u),
        "position_fp": count(position.count_h),
        "market_exposure_dollars": dollars6(position.cost_u),
        "realized_pnl_dollars": dollars6(position.realized_u),
        "fees_paid_dollars": dollars6(position.fees_u),
        "last_updated_ts": iso_us(position.last_us),
    }


def event_position(group: Sequence[Position]) -> Body:
    return {
        "event_ticker": group[0].market.event.ticker,
        "total_cost_dollars": dollars6(sum(position.traded_u for position in group)),
        "total_cost_shares_fp": count(sum(position.shares_h for position in group)),
        "event_exposure_dollars": dollars6(sum(position.cost_u for position in group)),
        "realized_pnl_dollars": dollars6(sum(position.realized_u for position in group)),
        "fees_paid_dollars": dollars6(sum(position.fees_u for position in group)),
    }
