"""Two accounts, their subaccounts, and what each key may see."""

import re
from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any

import pytest

from sandbox.tests.client import Sandbox

DENIED = {"error": {"code": "permission_denied", "message": "permission denied"}}
PRIVATE = (
    ("/portfolio/positions?settlement_status=all&limit=1000", "market_positions"),
    ("/historical/positions?limit=1000", "market_positions"),
    ("/portfolio/orders?limit=1000", "orders"),
    ("/historical/orders?limit=1000", "orders"),
    ("/portfolio/fills?limit=1000", "fills"),
    ("/historical/fills?limit=1000", "fills"),
    ("/portfolio/settlements?limit=1000", "settlements"),
    ("/portfolio/deposits?limit=500", "deposits"),
    ("/portfolio/withdrawals?limit=500", "withdrawals"),
    ("/portfolio/intra_exchange_instance_transfers?limit=500", "transfers"),
    ("/portfolio/orders/queue_positions", "queue_positions"),
    ("/portfolio/order_groups", "order_groups"),
)
SINGLE = ("/portfolio/balance", "/portfolio/subaccounts/balances", "/api_keys")
# Markets are the same for everyone, and so are the prices paid in them and how they ended.
SHARED = re.compile(
    r"(ticker|market_ticker|event_ticker|exchange_index|yes_price_dollars|no_price_dollars|value|settled_time"
    r"|queue_position_fp|\w*shard)"
)
COUNTED = re.compile(r"dollars|_fp$|cents$|cost$|balance$|amount$|revenue$")
SMALL = 50  # dollars or contracts; fees of a few cents may well be equal
NUMBER = re.compile(r"-?\d+(\.\d+)?")


def numbers(value: Any, name: str = "") -> Iterator[str]:
    """Larger amounts and identities in a body, but for what the two accounts must share."""
    if isinstance(value, dict):
        for key, item in value.items():
            yield from numbers(item, key)
    elif isinstance(value, list):
        for item in value:
            yield from numbers(item, name)
    elif SHARED.fullmatch(name) or isinstance(value, bool):
        return
    elif value is not None and (name.endswith("id") or COUNTED.search(name)):
        text = str(value)
        if not NUMBER.fullmatch(text) or abs(Decimal(text)) >= SMALL:
            yield text


def seen(sandbox: Sandbox, key: str) -> set[str]:
    found = {number for path, name in PRIVATE for number in numbers(sandbox.everything(path, name, key=key))}
    return found | {number for path in SINGLE for number in numbers(sandbox.body(path, key=key))}


def test_no_number_of_one_account_appears_in_the_other(frozen: Sandbox) -> None:
    first, second = seen(frozen, "ed25519"), seen(frozen, "second-ed25519")
    assert len(first) > 5_000
    assert len(second) > 500
    assert first & second == set()


def test_every_list_of_the_second_account_has_something_in_it(frozen: Sandbox) -> None:
    for path, name in PRIVATE:
        assert frozen.everything(path, name, key="second-ed25519"), path


@pytest.mark.parametrize(
    ("kind", "account"), [("rsa", "first"), ("ed25519", "first"), ("second-rsa", "second")]
)
def test_a_key_opens_its_own_account(frozen: Sandbox, kind: str, account: str) -> None:
    true = frozen.control("GET", f"truth?account={account}").json()
    balance = frozen.body("/portfolio/balance", key=kind)
    assert Decimal(balance["balance_dollars"]) == Decimal(true["cash_dollars"])
    held = frozen.everything("/portfolio/positions?count_filter=position", "market_positions", key=kind)
    assert {row["ticker"]: row["position_fp"] for row in held} == {
        row["ticker"]: row["position_fp"] for row in true["positions"]
    }


def test_an_order_of_the_other_account_is_not_found(frozen: Sandbox) -> None:
    order = frozen.body("/portfolio/orders?limit=1", key="second-ed25519")["orders"][0]["order_id"]
    assert frozen.get(f"/portfolio/orders/{order}", key="second-ed25519").status_code == 200
    assert frozen.get(f"/portfolio/orders/{order}").status_code == 404
    group = frozen.body("/portfolio/order_groups", key="second-ed25519")["order_groups"][0]["id"]
    assert frozen.get(f"/portfolio/order_groups/{group}").status_code == 404


def test_each_account_lists_its_own_keys_with_their_scopes(frozen: Sandbox) -> None:
    for account in frozen.accounts:
        key = "ed25519" if account["account"] == "first" else "second-ed25519"
        listed = frozen.body("/api_keys", key=key)["api_keys"]
        assert {row["api_key_id"]: row["scopes"] for row in listed} == {
            row["api_key_id"]: row["scopes"] for row in account["keys"]
        }
        assert frozen.body("/api_keys?fcm_subtrader_id=x", key=key) == {"api_keys": []}
    scopes = {row["file"]: row["scopes"] for account in frozen.accounts for row in account["keys"]}
    assert scopes["rsa.pem"] == scopes["ed25519.pem"] == scopes["second-ed25519.pem"] == ["read"]
    assert scopes["first-write.pem"] == scopes["second-rsa.pem"] == ["read", "write"]


@pytest.mark.parametrize(
    ("key", "path", "status"),
    [
        ("first-balance", "/portfolio/balance", 200),
        ("first-balance", "/portfolio/positions", 403),
        ("first-balance", "/api_keys", 403),
        ("first-balance", "/markets?limit=1", 200),
        ("first-trade", "/portfolio/balance", 403),
        ("first-trade", "/exchange/status", 200),
        ("first-write", "/portfolio/positions", 200),
    ],
)
def test_a_key_reads_what_its_scopes_allow(frozen: Sandbox, key: str, path: str, status: int) -> None:
    answer = frozen.get(path, key=key)
    assert answer.status_code == status
    if status == 403:
        assert answer.json() == DENIED


def test_only_a_clearing_member_may_ask_for_the_value_of_all_resting_orders(frozen: Sandbox) -> None:
    path = "/portfolio/summary/total_resting_order_value"
    refused = frozen.get(path)
    assert (refused.status_code, refused.json()) == (403, DENIED)
    body = frozen.body(path, key="second-ed25519")
    orders = frozen.everything("/portfolio/orders?status=resting", "orders", key="second-ed25519")
    value = sum(
        Decimal(order["remaining_count_fp"]) * Decimal(order[f"{order['outcome_side']}_price_dollars"])
        for order in orders
    )
    assert body["total_resting_order_value"] == int(value * 100) > 0
    assert sum(Decimal(row["balance"]) for row in body["resting_order_value_breakdown"]) == value


def test_an_empty_bucket_leaves_the_other_account_alone(starting: Callable[..., Sandbox]) -> None:
    sandbox = starting("--tier", "basic")

    def refused() -> bool:
        """Whether another key of the account finds it empty: it refills while a slow machine takes breath."""
        while sandbox.get("/exchange/status").status_code == 200:
            assert sandbox.stats()["tokens_used"] < 20_000
        return sandbox.get("/portfolio/balance", key="first-write").status_code == 429

    assert any(refused() for _ in range(20))  # a bucket of its own would last for sixty
    assert sandbox.get("/portfolio/balance", key="second-rsa").status_code == 200
    used = sandbox.stats()["tokens_by_account"]
    assert used["second"] == 10
    assert used["first"] >= 600


def test_a_missing_subaccount_means_all_in_lists_and_the_first_in_balance_and_positions(
    frozen: Sandbox,
) -> None:
    for path, name in (("/portfolio/fills", "fills"), ("/portfolio/orders", "orders")):
        rows = frozen.everything(f"{path}?limit=1000", name)
        for number in (0, 1):
            some = frozen.everything(f"{path}?limit=1000&subaccount={number}", name)
            assert some == [row for row in rows if row["subaccount_number"] == number] != []
    for path in ("/portfolio/balance", "/portfolio/positions", "/historical/positions"):
        assert frozen.body(path) == frozen.body(f"{path}?subaccount=0") != frozen.body(f"{path}?subaccount=1")
    queues = frozen.body("/portfolio/orders/queue_positions")
    assert queues == frozen.body("/portfolio/orders/queue_positions?subaccount=0")


def test_the_subaccounts_balances_are_those_of_the_shards(frozen: Sandbox) -> None:
    rows = frozen.body("/portfolio/subaccounts/balances")["subaccount_balances"]
    assert {row["subaccount_number"] for row in rows} == {0, 1, 2}
    for number in (0, 1, 2):
        body = frozen.body(f"/portfolio/balance?subaccount={number}")
        assert body["balance_breakdown"] == [
            {"exchange_index": row["exchange_index"], "balance": row["balance"]}
            for row in rows
            if row["subaccount_number"] == number
        ]
    netting = frozen.body("/portfolio/subaccounts/netting")["netting_configs"]
    places = [(row["subaccount_number"], row["exchange_index"]) for row in rows]
    assert [(row["subaccount_number"], row["exchange_index"]) for row in netting] == places
    shares = frozen.body("/portfolio/target_balance_allocation")["allocations"]
    cash = Decimal(frozen.body("/portfolio/balance")["balance_dollars"])
    for share, row in zip(shares, rows[:4], strict=True):
        assert abs(cash * share["percent"] / 100 - Decimal(row["balance"])) < Decimal("0.001")


def test_the_money_between_shards_is_the_others_share_of_deposits_and_withdrawals(frozen: Sandbox) -> None:
    moved = frozen.everything("/portfolio/intra_exchange_instance_transfers?limit=500", "transfers")
    net = sum(Decimal(row["amount"]) * (1 if row["source_exchange_shard"] == 0 else -1) for row in moved)
    true = frozen.control("GET", "truth").json()
    applied = Decimal(true["deposits_dollars"]) - Decimal(true["withdrawals_dollars"])
    assert net == applied * 30 / 100
    path = f"/portfolio/intra_exchange_instance_transfers/{moved[5]['transfer_id']}"
    assert frozen.body(path) == {"transfer": moved[5]}


def test_a_key_bound_to_a_subaccount_sees_that_one_alone(frozen: Sandbox) -> None:
    key = "first-subaccount-1"
    for path in ("/portfolio/positions", "/portfolio/fills", "/portfolio/orders", "/portfolio/order_groups"):
        bound = frozen.body(path, key=key)
        assert bound == frozen.body(f"{path}?subaccount=1", key=key) == frozen.body(f"{path}?subaccount=1")
        refused = frozen.get(f"{path}?subaccount=0", key=key)
        assert (refused.status_code, refused.json()) == (403, DENIED)
    balance = frozen.body("/portfolio/balance", key=key)
    assert "balance_breakdown" not in balance
    assert balance["balance"] == frozen.body("/portfolio/balance?subaccount=1")["balance"]
    other = frozen.body("/portfolio/orders?subaccount=0&limit=1")["orders"][0]["order_id"]
    assert frozen.get(f"/portfolio/orders/{other}", key=key).status_code == 404
    rows = frozen.body("/portfolio/subaccounts/balances", key=key)["subaccount_balances"]
    assert {row["subaccount_number"] for row in rows} == {1}


def test_the_truth_of_each_book_can_be_asked_for(frozen: Sandbox) -> None:
    first = frozen.control("GET", "truth").json()
    assert first == frozen.control("GET", "truth?account=first&subaccount=0").json()
    moved = [
        Decimal(frozen.control("GET", f"truth?subaccount={number}").json()["moved_in_dollars"])
        for number in (0, 1, 2)
    ]
    assert sum(moved) == 0
    assert moved[0] < 0 < min(moved[1:])
    for query in ("account=third", "subaccount=9", "account=second&subaccount=1", "subaccount=x"):
        answer = frozen.control("GET", f"truth?{query}")
        assert (answer.status_code, list(answer.json())) == (404, ["error"])
