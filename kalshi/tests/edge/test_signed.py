"""Signed requests at the edge: each is checked by itself, and nobody else profits from it."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from kalshi.tests.edge.test_equality import Seen, ask, comparable, ways
from kalshi.tests.gateway.signing import KEY, ROOT, SIGNATURE, TIMESTAMP, Signer, create_at
from kalshi.tests.live.granted import add_fund
from kalshi.tests.servers import Gateway, Sandbox, running, wait_until

BALANCE = f"{ROOT}/portfolio/balance"
ORDERS = f"{ROOT}/portfolio/orders"


@pytest.fixture(scope="module")
def gateway(sandbox: Sandbox) -> Iterator[Gateway]:
    with running(lambda folder: Gateway(folder, **sandbox.environment())) as server:
        server.set_policies(fresh_s=3600)
        yield server


@pytest.fixture(scope="module", params=["rsa", "ed25519"])
def signer(gateway: Gateway, request: pytest.FixtureRequest) -> Signer:
    return create_at(gateway, "--type", request.param)


def send(
    gateway: Gateway, headers: dict[str, str], path: str = BALANCE, *, through_django: bool = False
) -> Seen:
    return ask(gateway, "GET", path, headers, through_django=through_django)


def warm(gateway: Gateway, signer: Signer, path: str = BALANCE) -> None:
    """Ask until the edge answers."""

    def edge_answers() -> bool:
        before = len(ways(gateway))
        assert send(gateway, signer.headers(path), path)[0] == 200
        wait_until(lambda: len(ways(gateway)) > before, 5, "the line in the log")
        return ways(gateway)[-1] == ("edge", path, 200)

    wait_until(edge_answers, 10, f"an answer of the edge for {path}")


@pytest.mark.parametrize("path", [BALANCE, f"{ROOT}/markets", f"{ORDERS}/"])
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_the_edge_says_what_django_says(gateway: Gateway, signer: Signer, method: str, path: str) -> None:
    warm(gateway, signer, path)
    ask(gateway, method, path, signer.headers(path, method), through_django=False)
    quick = ask(gateway, method, path, signer.headers(path, method), through_django=False)
    slow = ask(gateway, method, path, signer.headers(path, method), through_django=True)
    assert comparable(quick) == comparable(slow)
    unchanged = signer.headers(path, method) | {"If-None-Match": slow[1]["etag"]}
    assert ask(gateway, method, path, unchanged, through_django=False)[0] == 304


def faults(signer: Signer, other: Signer) -> dict[str, tuple[dict[str, str], str]]:
    """What may be wrong, and the word for it."""
    good = signer.headers(BALANCE)
    wrong = "INCORRECT_API_KEY_SIGNATURE"
    return {
        "another path": (signer.headers(ORDERS), wrong),
        "another method": (signer.headers(BALANCE, "HEAD"), wrong),
        "another key's signature": (other.headers(BALANCE) | {KEY: signer.key_id}, wrong),
        "another time": (good | {TIMESTAMP: str(int(good[TIMESTAMP]) + 1)}, wrong),
        "a changed signature": (good | {SIGNATURE: "A" + good[SIGNATURE][1:]}, wrong),
        "no base64": (good | {SIGNATURE: "!"}, wrong),
        "16 s late": (signer.headers(BALANCE, skew_s=-16), "header_timestamp_expired"),
        "16 s early": (signer.headers(BALANCE, skew_s=16), "header_timestamp_expired"),
        "no signature": ({KEY: good[KEY], TIMESTAMP: good[TIMESTAMP]}, "signature_is_missing_from_headers"),
        "no key id": (
            {SIGNATURE: good[SIGNATURE], TIMESTAMP: good[TIMESTAMP]},
            "signature_is_missing_from_headers",
        ),
        "only the key id": ({KEY: good[KEY]}, "signature_is_missing_from_headers"),
        "nothing": ({}, "token_authentication_failure"),
        "the memory's own word": (
            {"Authorization": "signed", "Cookie": good[KEY]},
            "token_authentication_failure",
        ),
        "an unknown token beside it": (good | {"Authorization": "Bearer " + "0" * 64}, "NOT_FOUND"),
    }


def test_while_the_edge_answers_a_caller_every_fault_is_refused(gateway: Gateway, signer: Signer) -> None:
    other = create_at(gateway, "--type", "ed25519")
    for name in faults(signer, other):
        warm(gateway, signer)
        headers, word = faults(signer, other)[name]
        status, _, body = send(gateway, headers)
        assert (status, json.loads(body)["error"]["details"]) == (401, word), name
    assert send(gateway, signer.headers(BALANCE))[0] == 200


def test_the_same_request_again_is_refused_once_its_time_is_over(gateway: Gateway, signer: Signer) -> None:
    headers = signer.headers(BALANCE, skew_s=-12.5)
    warm(gateway, signer)
    assert send(gateway, headers)[0] == 200

    def is_refused() -> bool:
        assert send(gateway, signer.headers(BALANCE))[0] == 200  # keeps the edge answering this caller
        return send(gateway, headers)[0] == 401

    wait_until(is_refused, 5, "the end of the timestamp")


def test_a_key_with_a_limit_is_always_answered_by_django(gateway: Gateway) -> None:
    limited = create_at(gateway, "--type", "ed25519", "--per-second", "1000")
    answers = [send(gateway, limited.headers(BALANCE)) for _ in range(5)]
    assert [status for status, *_ in answers] == [200] * 5
    assert all('"key";r=' in headers["ratelimit"] for _, headers, _ in answers)


def test_a_page_of_one_key_is_none_of_another_that_may_not_read_it(gateway: Gateway, signer: Signer) -> None:
    narrow = create_at(gateway, "--type", "ed25519", "--operation", "get_orders")
    warm(gateway, narrow, ORDERS)
    warm(gateway, signer, BALANCE)
    for _ in range(3):
        assert send(gateway, narrow.headers(BALANCE))[0] == 403
        assert send(gateway, narrow.headers(ORDERS), ORDERS)[0] == 200


def test_what_a_key_may_read_no_more_is_refused_within_two_seconds(gateway: Gateway) -> None:
    signer = create_at(gateway, "--type", "ed25519")
    warm(gateway, signer, BALANCE)
    warm(gateway, signer, ORDERS)
    code = "from kalshi.models import VirtualKey; VirtualKey.objects.filter"
    gateway.manage("shell", "-c", f"{code}(key_id='{signer.key_id}').update(operations=['get_orders'])")

    def is_refused() -> bool:
        assert send(gateway, signer.headers(ORDERS), ORDERS)[0] == 200  # the key itself stays good
        return send(gateway, signer.headers(BALANCE))[0] == 403

    wait_until(is_refused, 2.0, "the refusal")


def test_keys_of_two_accounts_never_see_each_others_data(gateway: Gateway, sandbox: Sandbox) -> None:
    add_fund(gateway, sandbox)
    keys = [create_at(gateway, "--type", "ed25519", "--account", slug) for slug in ("default", "fund")]
    for path in (BALANCE, ORDERS, f"{ROOT}/portfolio/fills", f"{ROOT}/portfolio/positions"):
        own = [send(gateway, key.headers(path), path)[2] for key in keys]
        assert own[0] != own[1]
        for _ in range(5):  # by now through the edge
            for key, body in zip(keys, own, strict=True):
                assert send(gateway, key.headers(path), path)[2] == body
        other = keys[0].headers(path) | {"X-Kalshi-Account": "fund"}
        assert send(gateway, other, path)[0] == 403
