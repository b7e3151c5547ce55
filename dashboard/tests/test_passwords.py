"""A flood of sign-ins leaves the server to the others."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from typing import Any

import pytest
from django.contrib.auth.hashers import PBKDF2PasswordHasher, check_password
from django.test import Client

from dashboard import passwords
from dashboard import settings as product
from dashboard.passwords import FewAtOnce, Turns
from dashboard.tests.test_json_errors import BROWSER, told
from kalshi.errors import TooManyRequests
from kalshi.tests.servers import wait_until


def test_a_few_run_some_wait_and_the_rest_are_refused_at_once() -> None:
    turns, go_on, running, most = Turns(2, 3, 30), threading.Event(), [0], [0]
    lock = threading.Lock()

    def hashing() -> None:
        with turns.turn():
            with lock:
                running[0] += 1
                most[0] = max(most[0], running[0])
            assert go_on.wait(30)
            with lock:
                running[0] -= 1

    with ThreadPoolExecutor(20) as threads:
        jobs = [threads.submit(hashing) for _ in range(20)]
        wait_until(lambda: sum(job.done() for job in jobs) == 15, 10, "the refusals")
        go_on.set()
    refused = [job.exception() for job in jobs if job.exception() is not None]
    assert len(refused) == 15 and all(isinstance(problem, TooManyRequests) for problem in refused)
    assert most == [2]


def test_nobody_has_more_places_than_their_share() -> None:
    turns, go_on = Turns(2, 8, 30, of_one=3), threading.Event()

    def hashing(holder: str | None) -> None:
        with turns.turn(holder):
            assert go_on.wait(30)

    with ThreadPoolExecutor(20) as threads:
        greedy = [threads.submit(hashing, "greedy") for _ in range(10)]
        wait_until(lambda: sum(job.done() for job in greedy) == 7, 10, "the refusals")
        others = [threads.submit(hashing, holder) for holder in ("one", "another", None, None, None, None)]
        assert not any(job.done() for job in others)
        go_on.set()
    assert [job.exception() for job in others] == [None] * 6
    assert sum(isinstance(job.exception(), TooManyRequests) for job in greedy) == 7
    with ExitStack() as taken:  # what was held is given back
        for _ in range(2):
            taken.enter_context(turns.turn("greedy"))


@pytest.mark.django_db
@pytest.mark.parametrize("holder", ["person", "network"])
def test_whose_share_is_used_up_leaves_the_places_of_others(
    holder: str, settings: Any, monkeypatch: pytest.MonkeyPatch, django_user_model: Any
) -> None:
    settings.PASSWORD_HASHERS = product.PASSWORD_HASHERS
    person = django_user_model.objects.create_user("greedy", password="x")
    django_user_model.objects.create_user("other", password="x")
    monkeypatch.setattr(passwords, "turns", Turns(9, 0, of_one=3))
    signed_in = Client(REMOTE_ADDR="2001:db8::1")
    signed_in.force_login(person)
    stranger, neighbour = Client(REMOTE_ADDR="2001:db8::2"), Client(REMOTE_ADDR="2001:db8:0:1::1")
    form, wrong = {"username": "other", "password": "x"}, {"password": "wrong"}
    with ExitStack() as taken:
        for _ in range(3):
            taken.enter_context(
                passwords.turns.turn(f"person:{person.pk}" if holder == "person" else "2001:db8::/64")
            )
        mine, nearby = signed_in.post("/you/password/", wrong), stranger.post("/sign-in/", form)
        assert (mine.status_code, nearby.status_code) == ((429, 302) if holder == "person" else (200, 429))
        assert neighbour.post("/sign-in/", form).status_code == 302


def test_who_waits_too_long_is_refused_and_leaves_no_place_taken() -> None:
    turns = Turns(1, 1, 0.01)
    for _ in range(3):
        with turns.turn(), pytest.raises(TooManyRequests), turns.turn():
            pass
    with turns.turn():
        pass


@pytest.mark.django_db
@pytest.mark.parametrize("name", ["owner", "nobody"])
def test_a_password_that_cannot_be_tried_now_is_answered_so(
    name: str, settings: Any, monkeypatch: pytest.MonkeyPatch, django_user_model: Any
) -> None:
    django_user_model.objects.create_user("owner", password="x")
    settings.PASSWORD_HASHERS = product.PASSWORD_HASHERS
    monkeypatch.setattr(passwords, "turns", Turns(1, 0))
    form = {"username": name, "password": "x"}
    with passwords.turns.turn():
        answer = Client().post("/sign-in/", form, headers={"Accept": "application/json"})
        assert told(answer) == (429, "too_many_requests") and answer["Retry-After"] == "5"
        page = Client().post("/sign-in/", form, headers={"Accept": BROWSER})
    assert page.status_code == 429 and page["Content-Type"].startswith("text/plain")


def test_hashes_are_django_s_own(settings: Any) -> None:
    settings.PASSWORD_HASHERS = product.PASSWORD_HASHERS
    assert check_password("secret", PBKDF2PasswordHasher().encode("secret", "salt" * 6))
    assert PBKDF2PasswordHasher().verify("secret", FewAtOnce().encode("secret", "salt" * 6))
