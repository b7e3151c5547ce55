"""The stable Python entry for other Django code:

    from kalshi.kalshi_client import get_client
    get_client().get_balance()["balance_dollars"]

Answers come through the same cache, budget and stale-on-error rules as the HTTP API and are dicts of Kalshi's own
JSON, so dollars and counts are strings; kalshi.upstream.fields turns them into Decimal. Errors are those of
kalshi.errors. Nothing here can place an order.
"""

from typing import Any, cast

from kalshi.errors import Forbidden
from kalshi.models import Account
from kalshi.services import read
from kalshi.upstream import documents, params
from kalshi.upstream.endpoints import ENDPOINTS
from kalshi.upstream.types import (
    GetBalanceResponse,
    GetEventsResponse,
    GetMarketResponse,
    GetOrdersResponse,
    GetPositionsResponse,
)


class KalshiClient:
    """Safe to share between threads. Keyword arguments are Kalshi's own parameter names.

    account: whose data; None: the default account. Nobody's rights are asked for here: other Django code is trusted.
    """

    def __init__(self, account: Account | None = None) -> None:
        self._account = account

    def get_balance(self, **query: Any) -> GetBalanceResponse:
        return cast(GetBalanceResponse, self._read("get_balance", query))

    def get_positions(self, **query: Any) -> GetPositionsResponse:
        return cast(GetPositionsResponse, self._read("get_positions", query))

    def get_orders(self, status: str | None = None, limit: int = 100, **query: Any) -> GetOrdersResponse:
        """status: resting (or open), canceled, executed; None for all."""
        return cast(GetOrdersResponse, self._read("get_orders", {"status": status, "limit": limit, **query}))

    def get_events(
        self, status: str | None = "open", limit: int = 100, with_nested_markets: bool = True, **query: Any
    ) -> GetEventsResponse:
        """status: unopened, open, closed, settled; None or "all" for every event."""
        query |= {"status": status or "all", "limit": limit, "with_nested_markets": with_nested_markets}
        return cast(GetEventsResponse, self._read("get_events", query))

    def get_market(self, ticker: str) -> GetMarketResponse:
        return cast(GetMarketResponse, self._read("get_market", {}, ticker=ticker))

    def _read(self, operation: str, query: dict[str, Any], **path_args: str) -> Any:
        pairs = [(name, _text(value)) for name, value in query.items() if value is not None]
        call = params.validate(ENDPOINTS[operation], pairs, path_args, api=True)
        return documents.read_object(read.read(call, account=self._row()).answer.entry.body)

    def _row(self) -> Account | None:
        """The account as it stands now: this object may live long."""
        if self._account is None or self._account.from_environment:
            return None
        row = Account.objects.filter(pk=self._account.pk, enabled=True).first()
        if row is None:
            raise Forbidden(f"The account {self._account.slug} was removed or switched off.")
        return row


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


_client = KalshiClient()


def get_client(account: Account | None = None) -> KalshiClient:
    """The client of an account; None: of the default one, whose credentials are those of the environment."""
    return _client if account is None else KalshiClient(account)
