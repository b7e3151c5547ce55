"""Read what lies either in the live data or, after its settlement, in the archive: a market, and its candlesticks."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from kalshi.errors import BadRequest, NotFound
from kalshi.services.history_candles import as_live
from kalshi.services.history_read import History, Reader
from kalshi.upstream import documents, params
from kalshi.upstream.endpoints import ENDPOINTS, Endpoint

Body = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Moved:
    """`archive`: the operation that knows it when the live one answers 404. `as_live`: its body in the live form."""

    archive: str
    as_live: Callable[[Body], Body] = dict


MOVED: Mapping[str, Moved] = {
    "get_market": Moved("get_historical_market"),
    "get_market_candlesticks": Moved("get_market_candlesticks_historical", as_live),
}


def read_wherever(
    endpoint: Endpoint,
    query: Iterable[tuple[str, str]],
    path_args: Mapping[str, str],
    read: Reader,
    *,
    forced: bool = False,
) -> History:
    """The live body, or the archive's in the live form, with `history.source` added. Raises NotFound for neither.

    The archive does not know all parameters; BadRequest names one that it could not honour, wherever the data is.
    """
    moved = MOVED[endpoint.operation]
    archive = ENDPOINTS[moved.archive]
    call = params.validate(endpoint, query, path_args, api=True)
    known = {param.name for param in archive.params}
    for name, value in call.params:
        if name not in known and value != "false":
            raise BadRequest(
                f"{name} cannot be combined with history=true: Kalshi's archive does not know it."
            )
    try:
        reading = read(call, forced=forced)
        body, source = documents.read_object(reading.answer.entry.body), "live"
    except NotFound:
        pairs = [pair for pair in call.params if pair[0] in known]
        args = {name: value for name, value in path_args.items() if name in known}
        reading = read(params.validate(archive, pairs, args, api=True), forced=forced)
        body, source = moved.as_live(documents.read_object(reading.answer.entry.body)), "archive"
    document = body | {"history": {"source": source}}
    return History(documents.write(document), (reading,))
