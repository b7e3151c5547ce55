"""What callers get of deploy/nginx's cache when an answer has run out: nothing old, but from a gateway that is away."""

from __future__ import annotations

import json
import time
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPResponse
from pathlib import Path

import pytest

from kalshi.tests.deploy.cached import (
    BALANCE,
    Hold,
    begin_a_second,
    burst,
    let_expire,
    number,
    numbered,
    numbers,
    token,
)
from kalshi.tests.deploy.nginx import Nginx
from kalshi.tests.deploy.spy import Asked, Reply, SpyGateway
from kalshi.tests.servers import wait_until

KEPT_PATHS = (BALANCE, "/trade-api/v2/portfolio/balance")


@pytest.mark.parametrize("path", KEPT_PATHS)
def test_nobody_gets_an_old_answer_while_another_waits_for_the_new_one(
    nginx: Nginx, spy: SpyGateway, path: str
) -> None:
    caller = token()
    old = number(nginx.get(path, **caller))
    let_expire()
    answers = burst(nginx, Hold(spy, numbered), path, caller)
    assert old not in [number(answer) for answer in answers]


@pytest.mark.parametrize("path", KEPT_PATHS)
def test_whoever_was_shut_out_gets_nothing_old_however_many_ask(
    nginx: Nginx, spy: SpyGateway, path: str
) -> None:
    caller = token()
    number(nginx.get(path, **caller))
    let_expire()
    refusal = Reply(b'{"code": "not_signed_in"}', 401, {"Content-Type": "application/json"})
    for _ in range(2):
        answers = burst(nginx, Hold(spy, lambda asked: refusal), path, caller)
        assert {response.status for response, _ in answers} == {401}


def test_a_static_file_that_ran_out_is_given_to_nobody(nginx: Nginx, spy: SpyGateway) -> None:
    """Else a page of a new version would run with scripts of the old one."""
    path, headers = f"/static/kalshi/{next(numbers)}.js", {"Cache-Control": "max-age=1, public"}
    short = lambda asked: Reply(numbered(asked).body, headers=headers)  # noqa: E731
    spy.reply = short
    old = number(nginx.get(path))
    let_expire()
    answers = burst(nginx, Hold(spy, short), path, {})
    assert old not in [number(answer) for answer in answers]


def is_last_known(response: HTTPResponse) -> bool:
    assert (response.headers["Age"] is None) == ("nginx" in response.headers["Cache-Status"])
    return response.headers["Cache-Status"] == "nginx; hit; ttl=-1; detail=gateway_unavailable"


def test_without_the_gateway_callers_get_their_last_answer_until_the_bound_and_then_an_error(
    spy: SpyGateway, tmp_path: Path
) -> None:
    """The bound is the full ten minutes of the clock, here the full ten seconds."""
    with Nginx(tmp_path, spy.port, changes={'"~^(.{15})"': '"~^(.{18})"'}) as nginx:
        bridge(nginx, spy)


def bridge(nginx: Nginx, spy: SpyGateway) -> None:
    caller, stranger = token(), token()
    wait_until(lambda: 1 < time.time() % 10 < 6, 12, "ten seconds with some left")
    began = time.time()
    last = nginx.get(BALANCE, **caller)
    spy.go_away()
    kept = wait_until(
        lambda: (found := nginx.get(BALANCE, **caller)) and is_last_known(found[0]) and found, 5
    )
    assert number(kept) == number(last)
    assert kept[0].headers["Date"] == last[0].headers["Date"]
    for path, who in ((BALANCE, stranger), (f"{BALANCE}?x=1", caller), ("/api/v1/status/", caller)):
        response, body = nginx.get(path, **who)
        error = json.loads(body)
        assert response.status == 503
        assert (error["code"], error["retry_after_s"]) == ("gateway_unavailable", 2)
        assert (response.headers["Retry-After"], response.headers["Cache-Control"]) == ("2", "no-store")
        assert error["request_id"] == response.headers["X-Request-ID"]
        assert response.headers["Content-Type"] == "application/json"
    response, body = nginx.get("/trade-api/v2/x", **caller)
    assert (response.status, json.loads(body)["error"]["code"]) == (503, "service_unavailable")
    wait_until(lambda: nginx.get(BALANCE, **caller)[0].status == 503, 12, "the end of the last known answer")
    assert time.time() - began <= 11
    spy.start_again()
    assert number(nginx.get(BALANCE, **caller)) > number(last)


def test_a_gateway_that_hangs_is_bridged_for_all_who_waited_for_it(nginx: Nginx, spy: SpyGateway) -> None:
    caller = token()
    begin_a_second()
    last = number(nginx.get(BALANCE, **caller))
    hold = Hold(spy, numbered)
    let_expire()
    try:
        with ThreadPoolExecutor(4) as pool:
            answers = list(pool.map(lambda _: nginx.get(BALANCE, **caller), range(4)))
    finally:
        hold.release()
    assert [number(answer) for answer in answers] == [last] * 4
    assert all(is_last_known(response) for response, _ in answers)


@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("/audit.csv", 200),
        ("/audit.csv?action=sign-in", 200),
        (f"{BALANCE}?history=true", 200),
        (f"{BALANCE}?limit=5&history=true", 200),
        (f"{BALANCE}?historical=true", 503),
        ("/trade-api/v2/portfolio/balance?history=true", 503),  # there Kalshi's own parameters count alone
    ],
)
def test_what_takes_long_may_take_longer_than_other_answers(
    nginx: Nginx, spy: SpyGateway, path: str, code: int
) -> None:
    """Beside it pages are asked for, one after the other, until nginx gave two of them up: others are asked twice."""
    caller, hold = token(), Hold(spy, numbered)
    with ThreadPoolExecutor(2) as pool:
        try:
            long = pool.submit(nginx.get, path, **caller)
            wait_until(lambda: hold.waiting, 20, "the question")
            assert [nginx.get("/a-page/", **caller)[0].status for _ in range(2)] == [504, 504]
        finally:
            hold.release()
        assert long.result()[0].status == code


def test_what_takes_long_is_kept_for_its_caller_and_bridged_as_other_answers_are(
    nginx: Nginx, spy: SpyGateway
) -> None:
    path, caller = f"{BALANCE}?history=true", token()
    begin_a_second()
    last = number(nginx.get(path, **caller))
    assert number(nginx.get(path, **caller)) == last
    assert number(nginx.get(path, **token())) != last
    let_expire()
    spy.go_away()
    response, body = nginx.get(path, **caller)
    assert number((response, body)) == last
    assert is_last_known(response)
    assert nginx.get(path, **token())[0].status == 503


def test_a_gateway_that_cuts_a_caller_off_is_not_away(nginx: Nginx, spy: SpyGateway) -> None:
    """It cuts off whoever asks too much at once: else one with a revoked token could have the old answer that way."""
    caller = token()
    number(nginx.get(BALANCE, **caller))
    let_expire()
    spy.reply = lambda asked: None
    response, body = nginx.get(BALANCE, **caller)
    assert (response.status, json.loads(body)["code"]) == (503, "gateway_unavailable")
    spy.reply = numbered
    assert number(nginx.get(BALANCE, **caller)) >= 0


def test_the_last_answer_is_for_those_alone_whom_the_gateway_failed_twice(
    spy: SpyGateway, tmp_path: Path
) -> None:
    """Each question breaks off once; when it is put again, the gateway refuses, however many others ask again too."""
    caller, refusal = token(), Reply(b'{"code": "not_signed_in"}', 401, {"Content-Type": "application/json"})
    with Nginx(tmp_path, spy.port, changes={"proxy_read_timeout 1s;": "proxy_read_timeout 30s;"}) as nginx:
        number(nginx.get(BALANCE, **caller))
        let_expire()
        hold = Hold(spy, lambda asked: refusal)
        broken_off: set[str | None] = set()

        def once_broken_off(asked: Asked) -> Reply | None:
            who = asked.header("X-Request-ID")
            if who in broken_off:
                return hold(asked)
            broken_off.add(who)
            return None

        spy.reply = once_broken_off
        with ThreadPoolExecutor(2) as pool:
            try:
                first = pool.submit(nginx.get, BALANCE, X_Request_ID="first", **caller)
                wait_until(lambda: hold.waiting == 1, 20, "the first question, put again")
                second = pool.submit(nginx.get, BALANCE, X_Request_ID="second", **caller)
                wait_until(
                    lambda: second.done() or hold.waiting == 2, 20, "the second, answered or put again"
                )
            finally:
                hold.release()
            assert [each.result()[0].status for each in (first, second)] == [401, 401]
