"""Our account's cash: what came in, what went out, and how it is spread."""

from kalshi.upstream.endpoints.model import CURSOR, Endpoint, Param, limit

ROWS = (
    Endpoint(
        operation="get_deposits",
        path="/portfolio/deposits",
        signed=True,
        params=(limit(1, 500), CURSOR),
        fresh_s=30,
        name="deposits",
    ),
    Endpoint(
        operation="get_withdrawals",
        path="/portfolio/withdrawals",
        signed=True,
        params=(limit(1, 500), CURSOR),
        fresh_s=30,
        name="withdrawals",
    ),
    Endpoint(
        operation="get_subaccount_balances",
        path="/portfolio/subaccounts/balances",
        signed=True,
        params=(),
        fresh_s=60,
        name="subaccount_balances",
    ),
    Endpoint(
        operation="get_subaccount_netting",
        path="/portfolio/subaccounts/netting",
        signed=True,
        params=(),
        fresh_s=60,
        name="subaccount_netting",
    ),
    Endpoint(
        operation="get_subaccount_transfers",
        path="/portfolio/subaccounts/transfers",
        signed=True,
        params=(limit(1, 1000), CURSOR),
        fresh_s=30,
        name="subaccount_transfers",
    ),
    Endpoint(
        operation="get_intra_exchange_instance_transfers",
        path="/portfolio/intra_exchange_instance_transfers",
        signed=True,
        params=(limit(1, 500), CURSOR),
        fresh_s=30,
        name="instance_transfers",
    ),
    Endpoint(
        operation="get_intra_exchange_instance_transfer",
        path="/portfolio/intra_exchange_instance_transfers/{transfer_id}",
        signed=True,
        params=(Param("transfer_id", where="path", required=True),),
        fresh_s=30,
        name="instance_transfer",
    ),
    Endpoint(
        operation="get_target_balance_allocation",
        path="/portfolio/target_balance_allocation",
        signed=True,
        params=(),
        fresh_s=60,
        name="target_allocation",
    ),
)
