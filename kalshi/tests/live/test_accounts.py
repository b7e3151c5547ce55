"""Nobody reads what was not granted: every URL of the product, by who asks and how an account is named, through Django
and the edge.

What each account may look like was read by the owner before; what must be answered follows from the grants alone.
"""

from __future__ import annotations

import json
import re
import time
from itertools import product
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests
from django.urls import resolve

from kalshi.tests.live.conftest import some_ticker
from kalshi.tests.live.granted import (
    ACCOUNTS,
    API,
    GRANTS,
    TRADE_API,
    Installation,
    installation,
    key_of_second_account,
    meant,
    sandbox,
    shown,
    urls,
)
from kalshi.tests.servers import wait_until
from kalshi.tests.test_callers import concrete, every_pattern

__all__ = ["installation", "sandbox"]

Truths = dict[tuple[str, str], tuple[int, bytes]]


@pytest.fixture(scope="module")
def truths(installation: Installation) -> Truths:
    """What each URL shows of each account, as the owner of all sees it."""
    found = {}
    for (url, _), account in product(urls(some_ticker(installation.gateway)), ACCOUNTS):

        def answer(url: str = url, account: str = account) -> tuple[int, bytes] | None:
            seen = shown(installation.ask("superuser", url, account))
            return None if seen[0] == 503 else seen  # the account's budget is spent for a moment

        found[url, account] = wait_until(answer, 20, url)
    assert sum(status == 200 for status, _ in found.values()) > 0.6 * len(found)
    return found


def is_true(seen: tuple[int, bytes], truth: tuple[int, bytes]) -> bool:
    """Errors are not cached: the next one is of the same status, or the budget is spent."""
    return seen == truth if truth[0] == 200 else seen[0] in {truth[0], 503}


def test_each_account_shows_its_own_books(installation: Installation) -> None:
    for account, holder in (("default", "first"), ("fund", "second")):
        truth = requests.get(f"{installation.sandbox.root}/sandbox/truth?account={holder}", timeout=10).json()
        for path in (f"{API}balance/", f"{TRADE_API}/portfolio/balance"):
            body = installation.ask("superuser", path, account).json()
            assert float(body["balance_dollars"]) == pytest.approx(float(truth["cash_dollars"]), abs=0.005)


def test_the_accounts_differ_wherever_they_show_their_own(installation: Installation, truths: Truths) -> None:
    own = [url for url, signed in urls(some_ticker(installation.gateway)) if signed]
    told_apart = [url for url in own if truths[url, "default"] != truths[url, "fund"]]
    for name in ("balance", "positions", "orders", "fills", "settlements", "deposits"):
        assert any(name in url for url in told_apart), name
    for name in ("fills", "orders", "positions"):
        assert f"{API}{name}/?history=true&limit=5" in told_apart
    assert len(told_apart) > len(own) / 3


# One for each kind of view, and two that the edge may answer. Here everybody asks for every account; at the others who
# is let in is judged by the same code, and it is enough that two people are told apart.
BY_EVERYBODY = {
    f"{API}balance/",
    f"{API}orders/",
    f"{API}fills/?history=true&limit=5",
    f"{TRADE_API}/portfolio/balance",
    f"{TRADE_API}/portfolio/orders",
}
APART = ("of-default", "of-fund", "stranger")
UNNAMED = (*APART, "nobody", "bound-token")


@pytest.mark.parametrize("way", ["nothing", "header", "parameter"])
def test_everybody_gets_the_account_that_is_meant_and_no_other(
    installation: Installation, truths: Truths, way: str
) -> None:
    wrong = []
    every = urls(some_ticker(installation.gateway))
    assert {url for url, _ in every} >= BY_EVERYBODY
    for url, signed in every:
        if not signed and way != "nothing":
            continue
        few, names = (UNNAMED, (None,)) if way == "nothing" else (APART, ACCOUNTS)
        callers = tuple(GRANTS) if url in BY_EVERYBODY else few
        if way != "nothing" and url in BY_EVERYBODY:
            names = (*ACCOUNTS, "nowhere")
        # One caller after the other at the same address, and once more, when the edge may know what to say.
        for named, caller in product(names, (*callers, *callers)):
            asked = url if way != "parameter" else f"{url}{'&' if '?' in url else '?'}account={named}"
            header = named if way == "header" else None
            expected = meant(caller, named)
            answer = installation.ask(caller, asked, header)
            good = (
                answer.status_code == expected
                if isinstance(expected, int)
                else is_true(shown(answer), truths[url, expected])
            )
            if not good:
                wrong.append((caller, asked, header, expected, answer.status_code, answer.text[:200]))
    assert wrong == []


UNKNOWN = ("^api(/|\\Z)", "^trade-api(/|\\Z)", "api/v1/kalshi/", "trade-api/v2/")
# What the matrix above leaves out, and why. Routes as the resolver spells them.
ELSEWHERE = {
    "api/v1/status": "test_status_tells_each_caller_of_its_own_accounts",
    "^metrics": "its budgets: kalshi/tests/test_metrics.py; what else it tells belongs to no account",
    "^healthz": "open to everybody, and reads nothing",
    "^readyz": "open to everybody, and tells of no account",
    "api/^schema": "the same document for every caller; below as well",
    "api/^docs": "a page; below",
    **dict.fromkeys(UNKNOWN, "404 for whoever is signed in: kalshi/tests/gateway/test_callers.py and below"),
}


def left_out() -> list[str]:
    """The routes that no URL of the matrix leads to."""
    asked = {resolve(urlsplit(url).path).route.replace("^", "") for url, _ in urls("KXTICKER-1")}
    return [route for _, route in every_pattern() if route.replace("^", "") not in asked]


def is_page(route: str) -> bool:
    return not re.match(r"\^?(api|trade-api|metrics|healthz|readyz)\b", route)


def test_every_url_is_in_the_matrix_or_a_page_or_named_with_a_reason() -> None:
    routes = [route for route in left_out() if not is_page(route)]
    reasons = {route: next((key for key in ELSEWHERE if route.startswith(key)), None) for route in routes}
    # Every path of an API stands under one of these; only the pattern itself is left out, not what is under it.
    reasons |= {route: None for route in routes if reasons[route] in UNKNOWN and route not in UNKNOWN}
    assert [route for route, reason in reasons.items() if reason is None] == []
    assert {*reasons.values()} == {*ELSEWHERE}


def paths_of_pages(id_: int) -> list[str]:
    return sorted({concrete(route).replace("/1/", f"/{id_}/") for route in left_out()})


def canaries(installation: Installation, account: str) -> list[str]:
    """Words that stand nowhere but in what belongs to the account."""
    balance = installation.ask("superuser", f"{API}balance/", account).json()["balance_dollars"]
    sandbox = installation.sandbox
    key_id = sandbox.key_ids["rsa"] if account == "default" else key_of_second_account(sandbox)[0]
    return [
        balance,
        key_id,
        f"canary-key-of-{account}",
        f"canary-account-{account}",
        f"operator-of-{account}",
    ]


@pytest.mark.parametrize(("mine", "theirs"), [("default", "fund"), ("fund", "default")])
def test_no_page_shows_an_operator_the_account_of_another(
    installation: Installation, mine: str, theirs: str
) -> None:
    shown_mine, shown_theirs = set[str](), []
    others = canaries(installation, theirs)
    own = canaries(installation, mine)
    for path in paths_of_pages(installation.ids[theirs]):
        text = installation.look(mine, path).text
        shown_mine |= {word for word in own if word in text}
        shown_theirs += [(path, word) for word in others if word in text]
    assert shown_theirs == []
    assert len(shown_mine) >= 3


def test_no_page_opens_for_a_token(installation: Installation) -> None:
    paths = [concrete(route) for route in left_out() if is_page(route)]
    assert len(paths) > 60
    opened = []
    for path in paths:
        headers = {"Authorization": f"Bearer {installation.tokens['superuser']}"}
        url = f"{installation.gateway.base_url}{path}"
        answer = installation.session.get(url, headers=headers, timeout=30, allow_redirects=False)
        if answer.status_code == 200 and not path.startswith("/sign-in/"):
            opened.append(path)
    assert opened == []


def test_the_edge_answered_much_of_it_for_both_accounts(installation: Installation) -> None:
    """Else the matrix above would have proved nothing about it."""
    lines = [json.loads(line) for line in installation.gateway.process.lines if '"logger": "access"' in line]
    by_edge = [line["path"] for line in lines if line.get("way") == "edge"]
    assert by_edge.count(f"{API}balance/") >= 6
    for account in ACCOUNTS:
        assert f"{API}balance/?account={account}" in by_edge
    assert len(by_edge) > 300


def test_an_order_of_one_account_is_unknown_under_another(installation: Installation) -> None:
    order = installation.ask("of-default", f"{API}orders/?limit=1").json()["orders"][0]["order_id"]
    for path in (f"{API}orders/{order}/", f"{TRADE_API}/portfolio/orders/{order}"):
        for caller, status in (
            ("of-default", 200),
            ("of-fund", 404),
            ("bound-token", 404),
            ("of-default", 200),
        ):
            for _ in range(2):
                assert installation.ask(caller, path).status_code == status, (caller, path)


def test_an_etag_of_one_account_says_nothing_about_another(installation: Installation) -> None:
    url = f"{API}balance/"
    tags = {account: installation.ask("of-both", url, account).headers["ETag"] for account in ACCOUNTS}
    assert len(set(tags.values())) == 2
    for caller, account in (
        ("of-both", "fund"),
        ("of-fund", None),
        ("of-default", None),
        ("superuser", "default"),
    ):
        is_fund = meant(caller, account) == "fund"
        own, others = (tags["fund"], tags["default"]) if is_fund else (tags["default"], tags["fund"])
        for edge in (True, True, False):
            assert (
                installation.ask(caller, url, account, edge=edge, **{"If-None-Match": own}).status_code == 304
            )
            assert (
                installation.ask(caller, url, account, edge=edge, **{"If-None-Match": others}).status_code
                == 200
            )
    refused = installation.ask("of-default", url, "fund", **{"If-None-Match": tags["fund"]})
    assert refused.status_code == 403 and "ETag" not in refused.headers


@pytest.mark.parametrize(
    ("query", "header", "status"),
    [
        ("?account=fund", "fund", 200),
        ("?account=fund", "default", 400),
        ("?account=fund&account=fund", None, 400),
        ("?account=", None, 400),
        ("?account=FUND", None, 400),
        ("?account=..%2Ffund", None, 400),
        ("?%61ccount=fund", None, 200),
        ("", "fund,default", 400),
        ("", "", 400),
    ],
)
def test_an_account_is_named_once_and_by_its_slug(
    installation: Installation, query: str, header: str | None, status: int
) -> None:
    for _ in range(2):
        answer = installation.ask("of-both", f"{API}balance/{query}", header)
        assert answer.status_code == status, answer.text
        if status == 200:
            assert answer.content == installation.ask("superuser", f"{API}balance/", "fund").content


def test_status_tells_each_caller_of_its_own_accounts(installation: Installation) -> None:
    canaries = {
        account: installation.ask("superuser", f"{API}balance/", account).json()["balance_dollars"]
        for account in ACCOUNTS
    }
    for caller, seen in GRANTS.items():
        if seen is None:
            assert installation.ask(caller, "/api/v1/status").status_code == 401
            continue
        document = installation.ask(caller, "/api/v1/status").json()
        assert [row["slug"] for row in document["accounts"]] == list(seen), caller
        account = meant(caller, None)
        if isinstance(account, int):
            assert document["account"] is None and document["balance"] is None
            continue
        assert document["account"]["slug"] == account
        assert document["balance"]["balance_dollars"] == canaries[account]
        others = [text for name, text in canaries.items() if name != account]
        assert not any(text in json.dumps(document) for text in others)
        for named in ACCOUNTS:
            status = installation.ask(caller, "/api/v1/status", named).status_code
            assert status == (200 if named in seen else 403)


def test_what_belongs_to_no_account_shows_none(installation: Installation) -> None:
    """Metrics, the admin, documents and the log: no balance of either account, and no key id."""
    canaries = [
        installation.ask("superuser", f"{API}balance/", account).json()["balance_dollars"]
        for account in ACCOUNTS
    ]
    canaries += [key_of_second_account(installation.sandbox)[0], installation.sandbox.key_ids["rsa"]]
    with installation.gateway.sign_in() as browser:
        pages = ["/metrics", "/admin/", "/admin/kalshi/", "/", "/readyz", "/healthz"]
        texts = {page: browser.get(installation.gateway.base_url + page, timeout=10).text for page in pages}
    texts["log"] = installation.gateway.process.output
    assert [(where, one) for where, text in texts.items() for one in canaries if one in text] == []


def test_a_grant_that_is_taken_away_counts_no_more_within_two_seconds(installation: Installation) -> None:
    url = f"{API}balance/?account=fund"
    installation.gateway.manage("accounts", "grant", "fund", "--user", "of-default")
    wait_until(lambda: installation.ask("of-default", url).status_code == 200, 20, "the grant")
    installation.gateway.manage("accounts", "revoke", "fund", "--user", "of-default")
    began = time.monotonic()
    wait_until(lambda: installation.ask("of-default", url).status_code == 403, 3, "the refusal")
    assert time.monotonic() - began < 2.5
    assert {installation.ask("of-default", url).status_code for _ in range(5)} == {403}


def test_an_account_that_is_switched_off_is_gone_within_two_seconds(installation: Installation) -> None:
    def switch(on: str) -> None:
        code = f"from kalshi.models import Account; a = Account.objects.get(slug='fund'); a.enabled = {on}; a.save()"
        installation.gateway.manage("shell", "-v0", "-c", code)

    asks: Any = lambda: installation.ask("of-both", f"{API}balance/?account=fund").status_code  # noqa: E731
    assert asks() == 200
    switch("False")
    wait_until(lambda: asks() == 403, 2.5, "the refusal")
    assert {asks() for _ in range(5)} == {403}
    switch("True")
    wait_until(lambda: asks() == 200, 20, "its return")


def test_an_account_that_is_one_subaccount_shows_that_one_alone(installation: Installation) -> None:
    sandbox = installation.sandbox
    where = ("--environment", "sandbox", "--key-id", sandbox.key_ids["ed25519"], "--subaccount", "1")
    installation.gateway.manage(
        "accounts", "add", "sub", *where, "--key-file", str(sandbox.key_path("ed25519"))
    )
    truth = requests.get(f"{sandbox.root}/sandbox/truth?account=first&subaccount=1", timeout=10).json()
    for path in (f"{API}balance/", f"{API}balance/?subaccount=1", f"{TRADE_API}/portfolio/balance"):
        for _ in range(2):
            body = installation.ask("superuser", path, "sub").json()
            assert float(body["balance_dollars"]) == pytest.approx(float(truth["cash_dollars"]), abs=0.005), (
                path
            )
    for path in (f"{API}balance/?subaccount=0", f"{API}subaccounts/balances/", f"{API}account/limits/"):
        assert installation.ask("superuser", path, "sub").status_code == 403, path
    assert installation.ask("superuser", f"{API}exchange/status/", "sub").status_code == 200


def test_the_test_of_an_account_warns_of_a_key_that_can_write(installation: Installation) -> None:
    accounts = json.loads((installation.sandbox.keys_dir / "accounts.json").read_text())["accounts"]
    keys = next(account["keys"] for account in accounts if account["account"] == "second")
    key = next(key for key in keys if key["name"] == "rsa")
    assert any(scope.startswith("write") for scope in key["scopes"])
    where = ("--environment", "sandbox", "--key-id", key["api_key_id"])
    path = str(installation.sandbox.keys_dir / key["file"])
    installation.gateway.manage("accounts", "add", "writing", *where, "--key-file", path)
    said = installation.gateway.manage("accounts", "test", "writing")
    assert "warn  scope: can write" in said and "ok    signature: accepted" in said
    assert "ok    tier: prime" in said and "ok    balance: $" in said
    assert key["api_key_id"] not in said
    assert "warn" not in installation.gateway.manage("accounts", "test", "fund")
