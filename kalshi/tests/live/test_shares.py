"""One viewer asks for much at once: everybody else of that account is answered, and the viewer hears of the limit."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
import requests

from kalshi.tests.servers import Gateway, Sandbox, running, wait_until

API = "/api/v1/kalshi/"
VIEWERS = """
import json
from django.contrib.auth import get_user_model
from kalshi.models import Account, ApiToken, Grant
account, tokens = Account.objects.get(from_environment=True), []
for number in range(6):
    user = get_user_model().objects.create_user(f"viewer-{number}")
    Grant.objects.create(user=user, account=account)
    tokens.append(ApiToken.objects.create(user, name="tests")[1])
print(json.dumps(tokens))
"""


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with running(lambda folder: Sandbox(folder, "--speed", "0", "--tier", "prestige")) as server:
        yield server


@pytest.fixture(scope="module")
def gateway(sandbox: Sandbox) -> Iterator[Gateway]:
    with running(
        lambda folder: Gateway(folder, **sandbox.environment() | {"KALSHI_TIMEOUT_S": "5"})
    ) as server:
        yield server


@pytest.fixture(scope="module")
def viewers(gateway: Gateway) -> list[str]:
    """Tokens of people who may all see the same account."""
    return list(json.loads(gateway.manage("shell", "-v0", "-c", VIEWERS)))


def ask(gateway: Gateway, token: str, path: str) -> requests.Response:
    return gateway.session.get(
        f"{gateway.base_url}{path}", headers={"Authorization": f"Bearer {token}"}, timeout=60
    )


def test_230_cold_questions_of_one_viewer_leave_the_others_their_answers(
    gateway: Gateway, sandbox: Sandbox, viewers: list[str]
) -> None:
    greedy, *others = viewers
    sandbox.fault("latency", latency_ms=1500, operations=["get_orders"])
    with ThreadPoolExecutor(240) as threads:
        theirs = [threads.submit(ask, gateway, greedy, f"{API}orders/?limit={n}") for n in range(1, 231)]
        wait_until(lambda: sum(future.done() for future in theirs) >= 10, 20, "the first refusals")
        mine = list(
            threads.map(
                lambda at: ask(gateway, others[at], f"{API}orders/?limit={900 + at}"), range(len(others))
            )
        )
        said = [future.result() for future in theirs]
    assert {answer.status_code for answer in mine} == {200}
    refused = [answer for answer in said if answer.status_code == 429]
    assert refused, Counter(answer.status_code for answer in said)
    assert {answer.json()["code"] for answer in refused} == {"too_many_requests"}
    assert all(int(answer.headers["Retry-After"]) >= 1 for answer in refused)


def test_many_documents_at_once_are_a_few_at_a_time_and_another_viewers_is_made_meanwhile(
    gateway: Gateway, sandbox: Sandbox, viewers: list[str]
) -> None:
    greedy, modest = viewers[0], viewers[1]
    sandbox.fault("latency", latency_ms=1000, operations=["get_fills"])
    with ThreadPoolExecutor(40) as threads:
        theirs = [
            threads.submit(ask, gateway, greedy, f"{API}fills/?history=true&limit={900 + n}")
            for n in range(40)
        ]
        wait_until(lambda: sum(future.done() for future in theirs) >= 20, 20, "the refusals")
        mine = ask(gateway, modest, f"{API}orders/?history=true")
        said = [future.result() for future in theirs]
    assert mine.status_code == 200
    assert mine.json()["history"]["complete"] is True
    assert {answer.status_code for answer in said} == {200, 429}
    refused = [answer for answer in said if answer.status_code == 429]
    assert {answer.json()["code"] for answer in refused} == {"too_many_requests"}
    assert all(int(answer.headers["Retry-After"]) >= 1 for answer in refused)


def test_one_document_for_many_callers_is_the_same_for_all(gateway: Gateway, viewers: list[str]) -> None:
    with ThreadPoolExecutor(30) as threads:
        answers = list(
            threads.map(
                lambda n: ask(gateway, viewers[n % 6], f"{API}fills/?history=true&limit=77"), range(30)
            )
        )
    assert {answer.status_code for answer in answers} == {200}
    assert len({(answer.content, answer.headers["ETag"]) for answer in answers}) == 1
