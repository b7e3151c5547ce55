"""An account gets another key, or is bound to a subaccount: nobody is shown what it showed before, whatever else they
ask for meanwhile.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial

import pytest
import requests

from kalshi.tests.live.granted import (
    API,
    TRADE_API,
    Installation,
    installation,
    key_of_second_account,
    sandbox,
    shown,
)
from kalshi.tests.servers import wait_until

__all__ = ["installation", "sandbox"]

PUBLIC = f"{API}exchange/status/"
OWN = [
    f"{API}balance/",
    f"{API}positions/",
    f"{API}fills/",
    f"{API}account/limits/",
    f"{API}subaccounts/balances/",
    f"{TRADE_API}/portfolio/balance",
    f"{TRADE_API}/portfolio/orders",
]
SECONDS = 5
"""Two until the last check counts no more, and time for a busy machine; the answers themselves stay fresh an hour."""


def change(installation: Installation, statements: str) -> None:
    code = (
        "from kalshi.models import Account; from kalshi.services import account_keys; "
        f"a = Account.objects.get(slug='changing'); {statements}; a.save()"
    )
    installation.gateway.manage("shell", "-v0", "-c", code)


def key(key_id: str, path: str) -> str:
    return f"a.key_id = {key_id!r}; account_keys.seal(a, open({path!r}).read())"


@pytest.fixture(scope="module")
def changing(installation: Installation) -> str:
    """The slug of an account of the exchange's first person."""
    exchange = installation.sandbox
    where = ("--environment", "sandbox", "--key-id", exchange.key_ids["rsa"])
    installation.gateway.manage(
        "accounts", "add", "changing", *where, "--key-file", str(exchange.key_path("rsa"))
    )
    return "changing"


@contextmanager
def polling(installation: Installation, account: str) -> Iterator[None]:
    """The same caller asks all the time for what belongs to nobody, and has its check renewed by that."""
    over = threading.Event()
    headers = {
        "Authorization": f"Bearer {installation.tokens['superuser']}",
        "X-Kalshi-Account": account,
    }

    def poll() -> None:
        with requests.Session() as session:
            while not over.wait(0.01):
                session.get(f"{installation.gateway.base_url}{PUBLIC}", headers=headers, timeout=30)

    thread = threading.Thread(target=poll)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


Answers = dict[str, tuple[int, bytes]]


def test_a_caller_who_polls_something_else_gets_the_new_numbers_within_seconds(
    installation: Installation, changing: str
) -> None:
    def asked(*, edge: bool) -> Answers:
        def answer(path: str) -> tuple[int, bytes] | None:
            seen = shown(installation.ask("superuser", path, changing, edge=edge))
            return None if seen[0] == 503 else seen  # the account's budget is spent for a moment

        return {path: wait_until(partial(answer, path), 20, path) for path in OWN}

    exchange = installation.sandbox
    steps: list[tuple[str, Callable[[], None]]] = [
        ("as it was", lambda: None),
        ("bound", lambda: change(installation, "a.subaccount = 1")),
        ("not bound", lambda: change(installation, "a.subaccount = None")),
        ("another's key", lambda: change(installation, key(*key_of_second_account(exchange)))),
        (
            "the first one's other key",
            lambda: change(installation, key(exchange.key_ids["ed25519"], str(exchange.key_path("ed25519")))),
        ),
    ]
    seen: dict[str, Answers] = {}
    with polling(installation, changing):
        for name, act in steps:
            act()
            wait_until(lambda: asked(edge=True) == asked(edge=False), SECONDS, f"the answers of {name}")
            seen[name] = asked(edge=True)
    assert seen["bound"][f"{API}account/limits/"][0] == 403
    for path in (f"{API}balance/", f"{TRADE_API}/portfolio/balance"):
        assert len({seen[name][path] for name in ("as it was", "bound", "another's key")}) == 3, path
        assert seen["not bound"][path] == seen["as it was"][path] == seen["the first one's other key"][path]
