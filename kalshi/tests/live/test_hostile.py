"""Our own documents of the real server, in front of an exchange whose bodies are JSON only just, or not at all."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest

from kalshi.services.history_lists import STITCHED
from kalshi.tests.hostile import GOOD_VALUES, strict
from kalshi.tests.servers import Gateway, Sandbox, running
from kalshi.tests.test_hostile_bodies import BAD, asked, body_of
from kalshi.upstream.endpoints import ENDPOINTS

API = "/api/v1/kalshi/"
sizes = count(1)


@pytest.fixture(scope="module")
def replay(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("replay")


@pytest.fixture(scope="module")
def sandbox(replay: Path) -> Iterator[Sandbox]:
    arguments = ("--speed", "0", "--tier", "prestige", "--replay", str(replay))
    with running(lambda folder: Sandbox(folder, *arguments)) as server:
        yield server


def send(replay: Path, operation: str, body: bytes) -> None:
    (replay / f"{operation}.json").write_bytes(body)


@pytest.mark.parametrize("operation", STITCHED)
def test_history_and_the_body_itself_have_what_was_sent(
    operation: str, gateway: Gateway, replay: Path
) -> None:
    for name, (sent, wanted) in GOOD_VALUES.items():
        body = body_of(operation, sent)
        send(replay, operation, body)
        send(replay, STITCHED[operation].archive, body)
        size = next(sizes)
        assert gateway.get(f"{API}{ENDPOINTS[operation].route}/?limit={size}").content == body, name
        answer = gateway.get(f"{API}{asked(operation)}&limit={size}")
        assert answer.status_code == 200, (name, answer.text)
        assert strict(answer.content)["history"]["complete"] is True, name
        assert f'"a":{wanted},"b":[{{"c":{wanted}}}]'.encode() in answer.content, name


@pytest.mark.parametrize("operation", STITCHED)
def test_history_of_what_no_document_can_hold_is_a_bad_payload(
    operation: str, gateway: Gateway, replay: Path
) -> None:
    for name, body in BAD.items():
        send(replay, operation, body)
        answer = gateway.get(f"{API}{asked(operation)}&limit={next(sizes)}")
        assert (answer.status_code, strict(answer.content)["code"]) == (502, "upstream_bad_payload"), name
        # What answers well in between is not left alone by the breaker.
        send(replay, operation, body_of(operation, "1"))
        assert gateway.get(f"{API}{ENDPOINTS[operation].route}/?limit={next(sizes)}").status_code == 200


@pytest.mark.parametrize(
    "body", [*BAD.values(), b'{"balance":1e999,"x":"\\ud83d"}'], ids=[*BAD, "odd, but JSON"]
)
def test_status_is_there_whatever_the_balance_is(body: bytes, gateway: Gateway, replay: Path) -> None:
    for operation in ("get_balance", "get_exchange_status"):
        send(replay, operation, body)
    for path in ("balance/", "exchange/status/"):
        gateway.get(API + path, headers={"Cache-Control": "no-cache"})
    answer = gateway.get("/api/v1/status/")
    assert answer.status_code == 200
    strict(answer.content)
