from __future__ import annotations

import json
import re
import uuid
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import requests

from kalshi.tests.clients.driving import Access, Key
from kalshi.tests.gateway.signing import ROOT, Signer
from kalshi.tests.gateway.test_walk import OPERATIONS, ask_the_exchange, names, path_of
from kalshi.tests.live.conftest import gateway, healed
from kalshi.tests.servers import Gateway, Sandbox, running
from kalshi.upstream.credentials import Credentials
from kalshi.upstream.endpoints import ENDPOINTS
from kalshi.upstream.pem import parse_private_key

__all__ = ["gateway", "healed", "names"]

NEW_KEYS = {
    "rsa": [],
    "ed25519": ["--type", "ed25519"],
    "narrow": ["--operation", "get_exchange_status"],
    "slow": ["--per-second", "0.01"],
}


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    """A frozen exchange whose account may ask fast, so that no client waits for the budget."""
    with running(lambda folder: Sandbox(folder, "--speed", "0", "--tier", "prime")) as server:
        yield server


@pytest.fixture(scope="module")
def access(gateway: Gateway, tmp_path_factory: pytest.TempPathFactory) -> Access:
    """Good keys, and some that open nothing; all made by the command, in one process."""
    code = "from django.core.management import call_command as call\n"
    code += f"for options in {list(NEW_KEYS.values())!r}:\n"
    code += "    call('keys', 'create', '--user', 'owner', '--label', 'client', '--json', *options)"
    lines = [line for line in gateway.manage("shell", "-c", code).splitlines() if line.startswith("{")]
    folder = tmp_path_factory.mktemp("keys")
    keys = {}
    for name, line in zip(NEW_KEYS, lines, strict=True):
        made = json.loads(line)
        (folder / name).write_text(made["private_key"])
        keys[name] = Key(made["key_id"], str(folder / name))
    keys["unknown"] = Key(str(uuid.uuid4()), keys["rsa"].file)
    keys["wrong"] = Key(keys["rsa"].id, keys["slow"].file)
    return Access(gateway.base_url, keys, gateway.token)


@pytest.fixture(scope="module")
def signer(access: Access) -> Signer:
    key = access.keys["ed25519"]
    with open(key.file, "rb") as file:  # noqa: PTH123
        return Signer(Credentials(key.id, parse_private_key(file.read(), source="test")))


@pytest.fixture(scope="module")
def operations(names: dict[str, Any]) -> list[dict[str, Any]]:
    """Every operation with a path that has an answer, and the same as arguments of a function."""
    return [
        {"name": name, "path": path, "arguments": arguments_of(name, path)}
        for name, path in ((name, path_of(name, names).removeprefix(ROOT)) for name in OPERATIONS)
    ]


def arguments_of(operation: str, path: str) -> dict[str, Any]:
    endpoint = ENDPOINTS[operation]
    parts = urlsplit(path)
    found = re.fullmatch(re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", endpoint.path), parts.path)
    assert found is not None
    repeated = {param.name for param in endpoint.params if param.serialization == "repeat"}
    query = parse_qs(parts.query)
    return found.groupdict() | {
        name: values if name in repeated else values[0] for name, values in query.items()
    }


@pytest.fixture(scope="module")
def exchange_says(sandbox: Sandbox) -> Callable[[str], requests.Response]:
    """What the exchange answers to a signed GET of the path, asked once; `limit=all`: all pages as one."""
    known: dict[str, requests.Response] = {}

    def ask(path: str) -> requests.Response:
        if path not in known:
            known[path] = ask_the_exchange(sandbox, ROOT + path)
        return known[path]

    return ask


def whole(path: str, exchange_says: Callable[[str], requests.Response]) -> dict[str, Any]:
    """The body; with `limit=all` that of all pages together."""
    if "limit=all" not in path:
        body: dict[str, Any] = exchange_says(path).json()
        return body
    page = exchange_says(path.replace("limit=all", "limit=1000")).json()
    name = next(key for key, value in page.items() if isinstance(value, list))
    items = page[name]
    while page["cursor"]:
        page = exchange_says(path.replace("limit=all", f"limit=1000&cursor={page['cursor']}")).json()
        items += page[name]
    return {name: items}
