"""An installation with two accounts of one exchange, people with grants for them, and every URL that shows an account.

What must be answered follows from the grants alone, by the rule that `meant` writes down here once more.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from urllib.parse import urlencode

import pytest
import requests

from kalshi.services.history_lists import STITCHED
from kalshi.services.history_market import MOVED
from kalshi.tests.servers import Gateway, Sandbox, running
from kalshi.upstream.endpoints import ENDPOINTS, Endpoint

API, TRADE_API = "/api/v1/kalshi/", "/trade-api/v2"
ACCOUNTS = ("default", "fund")
# Who may see what; None: not let in at all.
GRANTS: dict[str, tuple[str, ...] | None] = {
    "stranger": None,
    "inactive": None,
    "nobody": (),
    "of-default": ("default",),
    "of-fund": ("fund",),
    "of-both": ACCOUNTS,
    "superuser": ACCOUNTS,
    "bound-token": ("fund",),
}
PEOPLE = """
import json
from django.contrib.auth import get_user_model
from django.test import Client
from kalshi.models import Account, ApiToken, Grant
from kalshi.services import virtual_keys
accounts = {row.slug: row for row in Account.objects.all()}
tokens, sessions = {}, {}
def token(name, user, account=None):
    tokens[name] = ApiToken.objects.create(user, name=name, account=account)[1]
def person(name, *slugs, role="viewer"):
    user = get_user_model().objects.create_user(name)
    for slug in slugs:
        Grant.objects.create(user=user, account=accounts[slug], role=role)
    token(name, user)
    return user
def session(name, user):
    browser = Client()
    browser.force_login(user)
    sessions[name] = browser.cookies["sessionid"].value
person("nobody")
person("of-default", "default")
person("of-fund", "fund")
person("of-both", "default", "fund")
gone = person("inactive", "default", "fund")
gone.is_active = False
gone.save()
owner = get_user_model().objects.get(username="owner")
token("superuser", owner)
token("bound-token", owner, accounts["fund"])
session("superuser", owner)
for slug, account in accounts.items():
    operator = person(f"operator-of-{slug}", slug, role="operator")
    session(slug, operator)
    virtual_keys.issue(operator, account, f"canary-key-of-{slug}", key_type="ed25519")
    account.label = f"canary-account-{slug}"
    account.save()
print(json.dumps({"tokens": tokens, "sessions": sessions, "ids": {slug: row.pk for slug, row in accounts.items()}}))
"""


def key_of_second_account(sandbox: Sandbox) -> tuple[str, str]:
    """(key id, path) of a key that opens the exchange's second account."""
    accounts = json.loads((sandbox.keys_dir / "accounts.json").read_text())["accounts"]
    keys = next(account["keys"] for account in accounts if account["account"] == "second")
    key = next(key for key in keys if key["name"] == "ed25519")
    return key["api_key_id"], str(sandbox.keys_dir / key["file"])


def add_fund(gateway: Gateway, sandbox: Sandbox, slug: str = "fund", *more: str) -> None:
    key_id, path = key_of_second_account(sandbox)
    where = ("--environment", "sandbox", "--key-id", key_id, "--key-file", path)
    gateway.manage("accounts", "add", slug, "--label", "The fund", *where, *more)


@dataclass
class Installation:
    gateway: Gateway
    sandbox: Sandbox
    tokens: dict[str, str] = field(repr=False)
    sessions: dict[str, str] = field(repr=False)
    """Of the superuser, and of one operator for each account."""
    ids: dict[str, int]
    session: requests.Session

    def ask(
        self, caller: str, path: str, account: str | None = None, *, edge: bool = True, **headers: str
    ) -> requests.Response:
        """account: named in the header. edge: whether the edge may answer."""
        token = self.tokens.get(caller)
        headers |= {"Authorization": f"Bearer {token}"} if token else {}
        headers |= {"X-Kalshi-Account": account} if account is not None else {}
        # The edge leaves alone what names one of its headers twice; a cookie of nobody's is a caller of its own.
        headers |= {} if edge else {"Cookie": f"n={time.monotonic_ns()}"}
        return self.session.get(f"{self.gateway.base_url}{path}", headers=headers, timeout=30)

    def look(self, person: str, path: str) -> requests.Response:
        """As somebody who is signed in. person: a key of `sessions`. Redirects are not followed."""
        url, headers = f"{self.gateway.base_url}{path}", {"Cookie": f"sessionid={self.sessions[person]}"}
        return self.session.get(url, headers=headers, timeout=30, allow_redirects=False)


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    """A frozen exchange whose accounts may ask fast, so that nobody waits for the budget."""
    with running(lambda folder: Sandbox(folder, "--speed", "0", "--tier", "prime")) as server:
        yield server


@pytest.fixture(scope="module")
def installation(sandbox: Sandbox) -> Iterator[Installation]:
    with running(lambda folder: Gateway(folder, **sandbox.environment())) as gateway:
        add_fund(gateway, sandbox)
        made = json.loads(gateway.manage("shell", "-v0", "-c", PEOPLE))
        gateway.set_policies(fresh_s=3600)
        with requests.Session() as session:
            yield Installation(gateway, sandbox, session=session, **made)


def meant(caller: str, named: str | None) -> str | int:
    """The account that a request is about, or the status with which it is refused."""
    seen = GRANTS[caller]
    if seen is None:
        return 401
    if named is not None:
        return named if named in seen else 403
    if len(seen) == 1:
        return seen[0]
    return "default" if "default" in seen else 403


def query_of(endpoint: Endpoint) -> str:
    values = [(p.name, (*p.choices, str(p.minimum or 1))[0]) for p in endpoint.query_params if p.required]
    return urlencode(values)


def urls(ticker: str) -> list[tuple[str, bool]]:
    """(URL, whether it shows an account's own data): our own API, and the gateway under Kalshi's paths."""
    found = []
    for endpoint in ENDPOINTS.values():
        if endpoint.route is None:
            continue
        query = f"?{query}" if (query := query_of(endpoint)) else ""
        own = API + re.sub(r"<\w+>", ticker, endpoint.route) + "/"
        kalshis = TRADE_API + re.sub(r"{\w+}", ticker, endpoint.path)
        found += [(f"{own}{query}", endpoint.signed), (f"{kalshis}{query}", endpoint.signed)]
        if endpoint.operation in {*STITCHED, *MOVED}:
            history = "history=true&limit=5" if endpoint.operation in STITCHED else "history=true"
            found.append((f"{own}{query}{'&' if query else '?'}{history}", endpoint.signed))
    return found


def shown(answer: requests.Response) -> tuple[int, bytes]:
    return answer.status_code, re.sub(rb'"request_id": ?"[^"]*"', b"", answer.content)
