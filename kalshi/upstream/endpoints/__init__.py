"""The table of upstream operations: the one place that knows what can be asked of Kalshi.

Views, gateway, documentation, admin rows and walking tests derive from it; a test compares every row with the
reference of Kalshi's API. Times are in seconds, costs in tokens of the account's read bucket. Pure data.
"""

from collections.abc import Mapping
from types import MappingProxyType

from kalshi.upstream.endpoints import cash, events, exchange, historical, markets, milestones, portfolio
from kalshi.upstream.endpoints.model import Endpoint, Param

__all__ = ["ENDPOINTS", "Endpoint", "Param"]

GROUPS = (portfolio, cash, markets, events, historical, milestones, exchange)

# By operation. In this order, the first row whose path or route fits a request is the right one.
ENDPOINTS: Mapping[str, Endpoint] = MappingProxyType(
    {row.operation: row for group in GROUPS for row in group.ROWS}
)
