"""One caller cannot use up what is there for all."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from kalshi.models import ApiToken
from kalshi.views.throttle import Buckets, CallerThrottle


@pytest.fixture(autouse=True)
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(CallerThrottle, "callers", Buckets(capacity=3, refill_per_s=0.01))


def asked(token: str, path: str = "/api/v1/nothing") -> Any:
    return Client().get(path, HTTP_AUTHORIZATION=f"Bearer {token}")


@pytest.mark.django_db
@pytest.mark.parametrize("path", ["/api/v1/nothing", "/trade-api/v2/nothing"])
def test_a_caller_who_asks_too_often_is_told_when_to_come_back(token: str, path: str) -> None:
    answers = [asked(token, path) for _ in range(4)]
    assert [answer.status_code for answer in answers] == [404, 404, 404, 429]
    assert 90 <= int(answers[-1]["Retry-After"]) <= 100
    assert "too_many_requests" in answers[-1].content.decode()
    assert answers[-1]["Cache-Control"] == "no-store"


@pytest.mark.django_db
def test_another_token_of_the_same_person_is_not_slowed_down(user: Any, token: str) -> None:
    for _ in range(4):
        asked(token)
    other = ApiToken.objects.create(user, name="other")[1]
    assert asked(other).status_code == 404
    browser = Client()
    browser.force_login(user)
    assert browser.get("/api/v1/nothing").status_code == 404


def test_a_token_comes_back_with_time_and_refusals_cost_none() -> None:
    buckets = Buckets(capacity=2, refill_per_s=0.5)
    assert [buckets.take("ada", 0.0) for _ in range(4)] == [0, 0, 2, 2]
    assert buckets.take("ada", 1.0) == 1
    assert buckets.take("ada", 2.0) == 0
    assert buckets.take("bob", 2.0) == 0


def test_callers_are_bounded_and_the_one_unseen_for_longest_is_forgotten() -> None:
    buckets = Buckets(capacity=1, refill_per_s=0.01, max_bytes=1_200)
    for caller in ("ada", "bob", "ada", "eve"):
        buckets.take(caller, 0.0)
    assert buckets.take("ada", 0.0) > 0
    assert buckets.take("bob", 0.0) == 0
