"""The micro-cache of deploy/nginx before a gateway that counts: who shares what, for how long, what is never kept."""

from __future__ import annotations

import itertools
import json
import stat
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from kalshi.tests.deploy.cached import (
    BALANCE,
    FRESH,
    KEPT_S,
    begin_a_second,
    number,
    numbered,
    token,
)
from kalshi.tests.deploy.nginx import FILES, Nginx
from kalshi.tests.deploy.spy import Reply, SpyGateway
from kalshi.tests.servers import wait_until


def test_an_answer_is_repeated_to_its_caller_for_two_seconds_at_most(nginx: Nginx, spy: SpyGateway) -> None:
    caller = token()
    begin_a_second()
    first, began = number(nginx.get(BALANCE, **caller)), time.monotonic()
    assert number(nginx.get(BALANCE, **caller)) == first
    wait_until(lambda: number(nginx.get(BALANCE, **caller)) != first, 5, "a new answer")
    assert time.monotonic() - began <= KEPT_S + 0.2


def test_no_two_callers_share_an_answer(nginx: Nginx, spy: SpyGateway) -> None:
    """Every pair of values in every header that makes a caller, and shifted from one header to the next."""
    texts = ("", "a", "b", "ab", "a; b", "a\\nb", "0")
    names = ("Authorization", "Cookie", "X-Kalshi-Account", "Origin")
    callers = [dict(zip(names, values, strict=True)) for values in itertools.product(texts[:4], repeat=4)]
    callers += [{name: text} for name in names for text in texts[4:]]
    begin_a_second()
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda caller: nginx.get("/api/v1/kalshi/shared/", **caller), callers * 2))
    for caller, (_, body) in zip(callers * 2, answers, strict=True):
        seen = json.loads(body)["asked"][2]
        assert {name: seen.get(name, "") for name in names} == {name: caller.get(name, "") for name in names}


@pytest.mark.parametrize("name", ["Authorization", "Cookie", "X-Kalshi-Account", "Origin"])
def test_a_header_that_comes_twice_is_refused_or_reaches_the_gateway_as_it_stands_in_the_key(
    nginx: Nginx, spy: SpyGateway, name: str
) -> None:
    path = f"{BALANCE}?twice={name}"
    once = number(nginx.get(path, **{name: "a"}))
    response, body = nginx.get(path, twice=((name, "a"), (name, "b")))
    if response.status == 200 and json.loads(body)["number"] != once:
        assert spy.asked[-1].header(name) in {"a; b", "a, b"}
    else:
        assert response.status == 400 or json.loads(body)["asked"][2][name] == "a"


def test_addresses_hosts_and_methods_are_kept_apart(nginx: Nginx, spy: SpyGateway) -> None:
    caller = token()
    paths = (BALANCE, f"{BALANCE}?limit=1", f"{BALANCE}?limit=2", "/api/v1/kalshi/balance", "/trade-api/v2/x")
    assert len({number(nginx.get(path, **caller)) for path in paths}) == len(paths)
    here, there = (number(nginx.get(BALANCE, Host=host, **caller)) for host in ("a.example", "b.example"))
    assert here != there
    assert nginx.get(BALANCE, method="POST", **caller)[0].status == 200
    assert spy.asked[-1].method == "POST"


def test_the_gateway_sees_nothing_of_a_cached_request_that_is_not_in_the_key(
    nginx: Nginx, spy: SpyGateway
) -> None:
    strange = {
        "X-Api-Key": "secret",
        "X-Forwarded-User": "root",
        "Accept-Language": "de",
        "Range": "bytes=0-1",
    }
    response, body = nginx.get(f"{BALANCE}?strange", **token(), **strange)
    seen = {name.lower() for name, _ in spy.asked[-1].headers}
    assert seen == {"host", "authorization", "x-forwarded-for", "x-forwarded-proto"}
    assert response.status == 200
    assert json.loads(body)


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_signed_requests_reach_the_gateway_each_by_its_own_method(
    nginx: Nginx, spy: SpyGateway, method: str
) -> None:
    """The method is part of what was signed."""
    path, signed = (
        "/trade-api/v2/portfolio/balance",
        {"KALSHI-ACCESS-KEY": "k", "KALSHI-ACCESS-SIGNATURE": "s"},
    )
    before = len(spy.asked)
    answers = [nginx.get(path, method=method, **signed) for _ in range(3)]
    assert [response.status for response, _ in answers] == [200] * 3
    assert len({body for _, body in answers}) == (3 if method == "GET" else 1)
    seen = [(asked.method, asked.header("KALSHI-ACCESS-SIGNATURE")) for asked in spy.asked[before:]]
    assert seen == [(method, "s")] * 3
    nginx.get(path, method=method)
    assert len(spy.asked) == before + 4, "somebody unsigned got a signed answer"


def test_an_answer_to_head_is_never_given_to_get_nor_the_other_way_round(
    nginx: Nginx, spy: SpyGateway
) -> None:
    path, caller = f"{BALANCE}?head", token()
    for _ in range(2):
        response, body = nginx.get(path, method="HEAD", **caller)
        assert (response.status, body, int(response.headers["Content-Length"]) > 0) == (200, b"", True)
        response, body = nginx.get(path, **caller)
        assert (response.status, json.loads(body)["asked"][0]) == (200, "GET")
        assert int(response.headers["Content-Length"]) == len(body)


def test_no_cache_reaches_the_gateway_and_its_answer_is_kept(nginx: Nginx, spy: SpyGateway) -> None:
    caller = token()
    begin_a_second()
    before = number(nginx.get(BALANCE, **caller))
    forced = number(nginx.get(BALANCE, Cache_Control="max-age=0, No-Cache", **caller))
    assert spy.asked[-1].header("Cache-Control") == "max-age=0, No-Cache"
    assert before < forced == number(nginx.get(BALANCE, **caller))


@pytest.mark.parametrize("status", [204, 400, 401, 403, 404, 429, 500, 502, 503, 504])
def test_only_good_answers_are_kept_and_none_is_hidden_behind_an_old_one(
    nginx: Nginx, spy: SpyGateway, status: int
) -> None:
    caller = token()
    assert number(nginx.get(BALANCE, **caller)) >= 0
    error = b"" if status == 204 else b'{"code": "x"}'
    spy.reply = lambda asked: Reply(error, status, {"Content-Type": "application/json"})
    for _ in range(2):
        response, body = nginx.get(BALANCE, Cache_Control="no-cache", **caller)
        assert response.status == status
        assert body == error
    other, before = token(), len(spy.asked)
    assert [nginx.get(BALANCE, **other)[0].status for _ in range(3)] == [status] * 3
    assert len(spy.asked) - before == 3


@pytest.mark.parametrize("header", [{"Set-Cookie": "sessionid=x"}, {"Cache-Control": "no-store"}])
def test_answers_that_set_a_cookie_or_must_not_be_stored_are_not_kept(
    nginx: Nginx, spy: SpyGateway, header: dict[str, str]
) -> None:
    spy.reply = lambda asked: Reply(numbered(asked).body, headers=FRESH | header)
    caller = token()
    assert len({number(nginx.get(BALANCE, **caller)) for _ in range(3)}) == 3


def test_many_callers_at_once_cost_one_burst_a_second(nginx: Nginx, spy: SpyGateway) -> None:
    caller, at_once = token(), 8
    begin_a_second()
    number(nginx.get(BALANCE, **caller))
    before, began = len(spy.asked), time.monotonic()
    with ThreadPoolExecutor(at_once) as pool:
        for _ in pool.map(lambda _: number(nginx.get(BALANCE, **caller)), range(400)):
            pass
    seconds_begun = time.monotonic() - began + 2
    assert len(spy.asked) - before <= at_once * seconds_begun


def test_the_date_is_that_of_the_answer_so_that_its_age_can_be_told(nginx: Nginx, spy: SpyGateway) -> None:
    caller = token()
    dates = []
    spy.reply = lambda asked: Reply(b"{}", headers=FRESH)
    begin_a_second()
    for _ in range(2):
        response, _ = nginx.get(BALANCE, **caller)
        dates.append(response.headers.get_all("Date"))
        assert response.headers["Age"] == "5"
        assert response.headers["Cache-Status"] == "kalshi; hit; ttl=55"
    assert dates[0] == dates[1]
    assert len(dates[0]) == 1


def test_what_the_caller_has_already_is_a_304_from_the_cache_and_from_the_gateway(
    nginx: Nginx, spy: SpyGateway
) -> None:
    caller = token()
    number(nginx.get(BALANCE, **caller))
    for etag in ('"one"', 'W/"one"', '"zero", "one"', "*"):
        response, body = nginx.get(BALANCE, If_None_Match=etag, **caller)
        assert (response.status, body, response.headers["ETag"]) == (304, b"", '"one"')
        assert response.headers["Cache-Status"] == "kalshi; hit; ttl=55"
    assert nginx.get(BALANCE, If_None_Match='"two"', **caller)[0].status == 200
    signed = {"KALSHI-ACCESS-KEY": "k", "If-None-Match": '"one"'}
    nginx.get("/trade-api/v2/x", **signed)
    assert spy.asked[-1].header("If-None-Match") == '"one"'


def test_credentials_are_written_nowhere_but_into_the_folder_that_belongs_in_memory(
    nginx: Nginx, spy: SpyGateway, tmp_path: Path
) -> None:
    secrets = {"Authorization": "Bearer telltale-token", "Cookie": "sessionid=telltale-session"}
    number(nginx.get(BALANCE, **secrets))
    nginx.get("/sign-in/telltale-code/?next=telltale-query", **secrets)
    nginx.get("//sign-in/telltale-code/", **secrets)
    nginx.get("/%73ign-in/telltale-code/", **secrets)
    nginx.get("/sign-in/telltale-code/", **secrets, **{"X-Long": "x" * 70_000})
    spy.go_away()
    for path in ("/sign-in/telltale-code/", BALANCE, "/", "/static/x"):
        nginx.get(path, **secrets)
    nginx.get("/the-last/")
    wait_until(lambda: "/the-last/" in nginx.access_log(), 20, "the last line")
    assert "/sign-in/***" in nginx.access_log()
    holding = {
        path.relative_to(nginx.folder).parts[0]
        for path in nginx.folder.rglob("*")
        if path.is_file() and b"telltale" in path.read_bytes()
    }
    assert holding == {"cache"}
    modes = {stat.S_IMODE(path.stat().st_mode) for path in (nginx.cache, *nginx.cache.rglob("*"))}
    assert modes == {0o700, 0o600}
    site = (FILES / "kalshi-gateway.conf").read_text()
    folders = [line.split()[1] for line in site.splitlines() if line.startswith("proxy_cache_path")]
    assert [Path(folder).parent for folder in folders] == [Path("/run")]


def test_static_files_are_kept_as_long_as_the_gateway_says_and_get_no_credentials(
    nginx: Nginx, spy: SpyGateway
) -> None:
    spy.reply = lambda asked: Reply(numbered(asked).body, headers={"Cache-Control": "max-age=60, public"})
    first = number(nginx.get("/static/kalshi/x.js", **token()))
    assert spy.asked[-1].header("Authorization") is None
    assert number(nginx.get("/static/kalshi/x.js")) == first
    spy.reply = lambda asked: Reply(numbered(asked).body, headers={"Cache-Control": "private, max-age=60"})
    assert len({number(nginx.get("/static/../static/y.js")) for _ in range(2)}) == 2


def test_pages_are_never_kept(nginx: Nginx, spy: SpyGateway) -> None:
    for path in ("/", "/sign-in/", "/admin/", "/api/v1/status/", "/readyz", "/metrics"):
        caller: dict[str, Any] = token()
        assert len({number(nginx.get(path, **caller)) for _ in range(3)}) == 3
