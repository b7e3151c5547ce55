"""What a caller gets while the database is away: a 503 that says so, and one line in the log."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.db import DatabaseError, InterfaceError, OperationalError, ProgrammingError, connection
from django.test import Client

SECRET_WORDS = "connection to server at db.internal failed for user kalshi"
AWAY = [OperationalError, InterfaceError, DatabaseError]
Api = Callable[..., Any]


@contextmanager
def failing(kind: type[Exception]) -> Iterator[None]:
    """Every statement fails as with a database that is away."""

    def refuse(*_: Any) -> None:
        raise kind(SECRET_WORDS)

    with connection.execute_wrapper(refuse):
        yield


@pytest.mark.parametrize("kind", AWAY)
def test_a_call_of_the_api_is_503_with_its_code_and_when_to_ask_again(
    exchange: Any, api: Api, kind: type[Exception]
) -> None:
    with failing(kind):
        answer = api("balance/", HTTP_X_REQUEST_ID="asked-in-an-outage")
    assert answer.status_code == 503
    body = answer.json()
    assert (body["code"], body["request_id"]) == ("database_unavailable", "asked-in-an-outage")
    assert answer["Retry-After"] == str(body["retry_after_s"])
    assert answer["Cache-Control"] == "no-store"
    assert SECRET_WORDS not in answer.content.decode()


def test_a_signed_in_browser_is_told_the_same(exchange: Any, user: Any) -> None:
    browser = Client()
    browser.force_login(user)
    with failing(OperationalError):
        answer = browser.get("/api/v1/status/")
    assert (answer.status_code, answer.json()["code"]) == (503, "database_unavailable")


def test_a_page_is_503_in_plain_words(user: Any) -> None:
    browser = Client(raise_request_exception=False)
    browser.force_login(user)
    with failing(OperationalError):
        answer = browser.get("/", HTTP_X_REQUEST_ID="page-in-an-outage")
    assert (answer.status_code, answer["Retry-After"]) == (503, "5")
    assert "page-in-an-outage" in answer.content.decode()
    assert SECRET_WORDS not in answer.content.decode()


@pytest.mark.parametrize("path", ["/api/v1/kalshi/balance/", "/"])
def test_it_is_logged_once_as_an_error_without_a_traceback(
    exchange: Any, user: Any, caplog: pytest.LogCaptureFixture, path: str
) -> None:
    browser = Client(raise_request_exception=False)
    browser.force_login(user)
    with failing(OperationalError), caplog.at_level(logging.WARNING):
        browser.get(path)
    (record,) = caplog.records
    assert (record.levelname, record.exc_info) == ("ERROR", None)
    assert record.getMessage() == "the database does not answer (OperationalError)"


def test_a_wrong_statement_stays_a_bug_of_ours(exchange: Any, api: Api) -> None:
    with failing(ProgrammingError):
        answer = api("balance/")
    assert (answer.status_code, answer.json()["code"]) == (500, "internal_error")
