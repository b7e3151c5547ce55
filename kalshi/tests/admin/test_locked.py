"""Sign-ins that are locked after failures, as those who manage people see and open them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from axes.models import AccessAttempt
from django.test import Client
from django.utils import timezone

from kalshi.models import AuditEvent
from kalshi.services import engine
from kalshi.tests.admin.conftest import World

PAGE = "/admin/locked/"
PASSWORD = "a long password for tests"
FAILURES = 6


@pytest.fixture(autouse=True)
def _nobody_tried() -> Iterator[None]:
    engine.close()
    yield
    engine.close()


def try_password(name: str, password: str, address: str, browser: str = "one") -> int:
    client = Client(REMOTE_ADDR=address, HTTP_USER_AGENT=browser)
    return client.post("/sign-in/", {"username": name, "password": password}).status_code


def lock(name: str, address: str) -> None:
    statuses = [try_password(name, "wrong", address) for _ in range(FAILURES)]
    assert statuses == [200] * (FAILURES - 1) + [429]


def rows(client: Client) -> list[list[str]]:
    """Name, address, failures, since and until, as the page shows them."""
    page = client.get(PAGE).content.decode()
    cells = re.findall(r"<tr><td>(.*?)</form>", page, re.DOTALL)
    return [re.findall(r'(?:^|<td[^>]*>|title="[^"]*">)([^<]+)<', row)[:5] for row in cells]


def button(client: Client, name: str) -> str:
    page = client.get(PAGE).content.decode()
    found = re.search(rf'name="attempt" value="(\d+)"[^>]*aria-label="Open again: {name} from', page)
    assert found is not None, page
    return found[1]


def test_what_is_locked_is_shown_with_the_end_of_its_time(world: World) -> None:
    client = world.client("superuser")
    assert "0 locked" in client.get(PAGE).content.decode()
    lock("owner", "192.0.2.1")
    lock("n<b>ody", "192.0.2.2")
    try_password("member", "wrong", "192.0.2.3")
    last = AccessAttempt.objects.get(username="owner").attempt_time
    first, second = rows(client)
    assert [first[:3], second[:3]] == [["n&lt;b&gt;ody", "192.0.2.2", "6"], ["owner", "192.0.2.1", "6"]]
    assert second[3:] == [f"{last:%Y-%m-%d %H:%M}", f"{last + timedelta(minutes=10):%Y-%m-%d %H:%M}"]


def test_it_is_shown_until_it_ends_by_itself_and_no_longer(world: World) -> None:
    client, now = world.client("superuser"), timezone.now()
    for _ in range(2):
        try_password("owner", "wrong", "192.0.2.1", "first browser")
    for _ in range(4):
        try_password("owner", "wrong", "192.0.2.1", "second browser")
    # Without the two older failures there are too few: the lock ends with them.
    AccessAttempt.objects.filter(user_agent="first browser").update(attempt_time=now - timedelta(minutes=7))
    ((*_, until),) = rows(client)
    assert until == f"{now + timedelta(minutes=3):%Y-%m-%d %H:%M}"
    AccessAttempt.objects.filter(user_agent="first browser").update(attempt_time=now - timedelta(minutes=11))
    assert rows(client) == []


def test_opening_lets_the_right_password_in_and_is_recorded(world: World) -> None:
    person, client = world.people["owner"], world.client("superuser")
    person.set_password(PASSWORD)
    person.save()
    for address in ("192.0.2.1", "192.0.2.2"):
        lock("owner", address)
    assert try_password("owner", PASSWORD, "192.0.2.2") == 429
    answer = client.post(PAGE, {"attempt": button(client, "owner")}, follow=True)
    assert "owner may sign in from 192.0.2.2 again." in answer.content.decode()
    assert [row[1] for row in rows(client)] == ["192.0.2.1"]
    assert try_password("owner", PASSWORD, "192.0.2.2") == 302
    assert try_password("owner", PASSWORD, "192.0.2.1") == 429
    event = AuditEvent.objects.get(action="sign-in-opened")
    assert (event.actor, event.target) == ("superuser", "owner")
    assert event.details == {"locked address": "192.0.2.2", "failures": FAILURES}


@pytest.mark.parametrize("attempt", ["", "x", "-1", "99999999", "9" * 40, "²"])
def test_what_is_not_locked_is_said_to_be_open(world: World, attempt: str) -> None:
    try_password("owner", "wrong", "192.0.2.1")
    counted = str(AccessAttempt.objects.get().pk)
    for wrong in (attempt, counted):
        answer = world.client("superuser").post(PAGE, {"attempt": wrong}, follow=True)
        assert "This is open already." in answer.content.decode()
    assert AccessAttempt.objects.count() == 1
    assert not AuditEvent.objects.filter(action="sign-in-opened").exists()


@pytest.mark.parametrize("role", ["owner", "operator", "viewer", "staff", "nobody"])
def test_nobody_else_sees_or_opens_anything(world: World, role: str) -> None:
    lock("member", "192.0.2.1")
    attempt = button(world.client("superuser"), "member")
    client: Any = world.client(role)
    for answer in (client.get(PAGE), client.post(PAGE, {"attempt": attempt})):
        assert answer.status_code in {302, 403} and b"192.0.2.1" not in answer.content
    assert AccessAttempt.objects.count() == 1
    assert PAGE.encode() not in client.get("/admin/").content


def test_the_page_stands_in_the_navigation_of_those_who_may_use_it(world: World) -> None:
    assert PAGE.encode() in world.client("superuser").get("/admin/").content


def test_a_lock_of_ipv6_is_shown_and_opened_for_the_network_that_it_shuts_out(world: World) -> None:
    client = world.client("superuser")
    statuses = [try_password("owner", "wrong", f"2001:db8:1:2::{number:x}") for number in range(1, 7)]
    assert statuses == [200] * (FAILURES - 1) + [429]
    ((*shown, _, _),) = rows(client)
    assert shown == ["owner", "2001:db8:1:2::/64", "6"]
    client.post(PAGE, {"attempt": button(client, "owner")})
    assert rows(client) == []
    told = AuditEvent.objects.get(action="sign-in-opened")
    assert told.details["locked address"] == "2001:db8:1:2::/64"
