"""A flood of sign-ins leaves the server to the others."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
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
