"""Two installations on one Redis: data of one environment, host or key never answers for another."""

from __future__ import annotations

from decimal import Decimal

from kalshi.tests.servers import Gateway, Sandbox, running

BALANCE = "/api/v1/kalshi/balance/"


def test_one_redis_for_two_exchanges_never_mixes_their_money(redis_url: str) -> None:
    with (
        running(lambda folder: Sandbox(folder, "--seed", "1", "--speed", "0")) as one,
        running(lambda folder: Sandbox(folder, "--seed", "2", "--speed", "0")) as two,
        running(lambda folder: Gateway(folder, REDIS_URL=redis_url, **one.environment())) as first,
        running(lambda folder: Gateway(folder, REDIS_URL=redis_url, **two.environment())) as second,
    ):
        mine, theirs = first.get(BALANCE), second.get(BALANCE)
        assert mine.headers["Cache-Status"] == theirs.headers["Cache-Status"] == "kalshi; fwd=miss; stored"
        assert Decimal(mine.json()["balance_dollars"]) == Decimal(one.truth()["cash_dollars"])
        assert Decimal(theirs.json()["balance_dollars"]) == Decimal(two.truth()["cash_dollars"])


def test_another_key_of_the_same_exchange_starts_with_an_empty_cache(
    sandbox: Sandbox, redis_url: str
) -> None:
    with (
        running(lambda folder: Gateway(folder, REDIS_URL=redis_url, **sandbox.environment("rsa"))) as first,
        running(
            lambda folder: Gateway(folder, REDIS_URL=redis_url, **sandbox.environment("ed25519"))
        ) as second,
    ):
        first.get(BALANCE)
        assert second.get(BALANCE).headers["Cache-Status"] == "kalshi; fwd=miss; stored"
        # Public data needs no key, so it is shared.
        first.get("/api/v1/kalshi/events/")
        assert second.get("/api/v1/kalshi/events/").headers["Cache-Status"].startswith("kalshi; hit")
