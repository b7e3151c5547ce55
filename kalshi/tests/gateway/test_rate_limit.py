"""The limit of a virtual key, and what its owner hears of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from kalshi.tests.fakes import HttpError
from kalshi.tests.gateway.signing import ROOT, Signer, create, create_at, get
from kalshi.tests.gateway.test_callers import refusal
from kalshi.tests.live.served import SERVE, Prepared, Served, redis_environment
from kalshi.tests.servers import Sandbox, running, wait_until

Ask = Callable[..., Any]
BALANCE = f"{ROOT}/portfolio/balance"


def test_a_key_hears_of_its_limit_and_then_of_its_end(ask: Ask, exchange: Any) -> None:
    slow = create("--type", "ed25519", "--per-second", "0.02")
    first = ask("/portfolio/balance", slow)
    assert first.status_code == 200
    assert first["RateLimit-Policy"] == '"key";q=1;w=50' and first["RateLimit"] == '"key";r=0;t=50'
    second = ask("/portfolio/balance", slow)
    assert refusal(second) == (429, "too_many_requests", "")
    assert second["RateLimit"] == '"key";r=0;t=50'
    assert second["RateLimit-Policy"] == first["RateLimit-Policy"]


@pytest.mark.parametrize(("per_s", "told"), [("0.1", "10"), ("0.02", None)])
def test_nobody_is_told_to_wait_until_the_signature_is_too_old(
    ask: Ask, exchange: Any, per_s: str, told: str | None
) -> None:
    slow = create("--type", "ed25519", "--per-second", per_s)
    answers = [ask("/portfolio/balance", slow) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [200, 429]
    assert answers[1].get("Retry-After") == told


def test_every_path_counts_and_no_refused_signature_does(ask: Ask, exchange: Any, signer: Signer) -> None:
    meta = {"HTTP_KALSHI_ACCESS_SIGNATURE": "AAAA"}
    for paths, statuses in (
        (("/nope", "/portfolio/balance"), [404, 429]),
        (("/portfolio/balance", "/nope"), [200, 429]),
    ):
        slow = create("--type", "ed25519", "--per-second", "0.02")
        assert [ask("/portfolio/balance", slow, **meta).status_code for _ in range(5)] == [401] * 5
        assert [ask(path, slow).status_code for path in paths] == statuses
    assert ask("/portfolio/balance").status_code == 200


def test_others_hear_of_no_limit(ask: Ask, exchange: Any, token: str) -> None:
    for answer in (ask("/portfolio/balance"), Client().get(BALANCE, HTTP_AUTHORIZATION=f"Bearer {token}")):
        assert "RateLimit" not in answer and "RateLimit-Policy" not in answer


def test_a_spent_budget_is_told_as_the_accounts(ask: Ask, exchange: Any) -> None:
    exchange.answers["/portfolio/balance"] = HttpError(429)
    answer = ask("/portfolio/balance")
    assert answer.status_code == 503
    assert answer["RateLimit"] == f'"account";r=0;t={answer["Retry-After"]}'


@pytest.mark.timeout(90)
def test_two_processes_count_together(sandbox: Sandbox, redis_url: str, tmp_path_factory: Any) -> None:
    prepared = Prepared(tmp_path_factory.mktemp("prepared"))
    env = redis_environment(sandbox, redis_url)
    with running(lambda folder: Served(folder, prepared, *SERVE, "--workers", "2", **env)) as server:
        wait_until(lambda: len(server.workers()) == 2, 20, "two workers")
        key = create_at(server, "--type", "ed25519", "--per-second", "0.02")
        # Each on a connection of its own, so that both processes get some.
        statuses = [get(server, key, BALANCE).status_code for _ in range(24)]
    assert statuses[0] == 200 and statuses.count(200) <= 2 and set(statuses) == {200, 429}
