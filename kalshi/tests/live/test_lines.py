"""One person opens pages that take long to make, on two hundred connections: everybody else is answered before them."""

from __future__ import annotations

import contextlib
import json
import socket
from collections.abc import Iterator

import pytest
import requests

from kalshi.tests.live.test_leaving import asked, get, reset
from kalshi.tests.servers import Gateway, Sandbox, running

MANY, EACH = 200, 3
"""Connections, and requests on each."""
PEOPLE = """
import json
from django.contrib.auth import get_user_model
from django.test import Client
from kalshi.models import Account, Grant
sessions = {}
for name, role in (("ungranted", None), ("granted", "viewer"), ("other", None)):
    user = get_user_model().objects.create_user(name)
    if role:
        Grant.objects.create(user=user, account=Account.objects.get(from_environment=True), role=role)
    browser = Client()
    browser.force_login(user)
    sessions[name] = f"sessionid={browser.cookies['sessionid'].value}"
print(json.dumps(sessions))
"""


@pytest.fixture(scope="module")
def gateway(sandbox: Sandbox) -> Iterator[Gateway]:
    with running(lambda folder: Gateway(folder, **sandbox.environment())) as server:
        server.set_policies(fresh_s=3600)
        yield server


@pytest.fixture(scope="module")
def sessions(gateway: Gateway) -> dict[str, str]:
    """The cookie of each person."""
    return dict(json.loads(gateway.manage("shell", "-v0", "-c", PEOPLE)))


@pytest.mark.parametrize(
    ("greedy", "path"), [("ungranted", "/you/second-factor/"), ("granted", "/api/v1/status/")]
)
def test_others_are_answered_before_the_two_hundred_of_one(
    gateway: Gateway, sessions: dict[str, str], greedy: str, path: str
) -> None:
    request = get(path, f"Cookie: {sessions[greedy]}\r\n")

    def others_ask() -> None:
        assert gateway.get("/api/v1/kalshi/balance/").status_code == 200
        page = requests.get(f"{gateway.base_url}/you/", headers={"Cookie": sessions["other"]}, timeout=60)
        assert page.status_code == 200

    others_ask()
    with asked(gateway, request) as once:
        assert once.recv(15).startswith(b"HTTP/1.1 200")
    waiting = [asked(gateway, request, times=EACH) for _ in range(MANY)]
    for _ in range(3):
        others_ask()
    done = sum(map(answers, waiting))
    reset(waiting)
    assert done < MANY * EACH / 2


def answers(connection: socket.socket) -> int:
    """How many have come so far."""
    connection.setblocking(False)
    received = b""
    with contextlib.suppress(BlockingIOError):
        while piece := connection.recv(2**20):
            received += piece
    return received.count(b"HTTP/1.1 200 ")
