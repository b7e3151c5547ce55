"""What a program is told of errors outside of the APIs, and what browsers are told to forbid with them."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import OperationalError
from django.test import Client

from dashboard.tests.test_security import forbids
from kalshi.views import pages

pytestmark = pytest.mark.django_db

BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"


def told(answer: Any) -> tuple[int, str]:
    """Status and code of an error in the shape of our API."""
    assert answer.headers["Content-Type"] == "application/json", answer.content
    assert answer.headers["Cache-Control"] == "no-store"
    body = answer.json()
    assert body["error"].endswith(".") and body["request_id"] == answer.headers["X-Request-ID"]
    assert set(body) <= {"error", "code", "request_id", "retry_after_s"}
    assert forbids(answer.headers) and "default-src 'none'" in answer.headers["Content-Security-Policy"]
    return answer.status_code, body["code"]


@pytest.fixture
def owner(django_user_model: Any) -> Client:
    client = Client(raise_request_exception=False)
    client.force_login(django_user_model.objects.create_superuser("owner"))
    return client


@pytest.mark.parametrize("accept", ["application/json", "*/*", "image/png", None])
@pytest.mark.parametrize("path", ["/nope", "/static/nope.js", "/apis/nope", "/trade-apis"])
def test_a_path_that_is_no_page_is_refused_in_json(path: str, accept: str | None) -> None:
    headers = {} if accept is None else {"Accept": accept}
    assert told(Client().get(path, headers=headers)) == (404, "not_found")


def test_whoever_reads_html_gets_a_page() -> None:
    for answer in (
        Client().get("/nope", headers={"Accept": BROWSER}),
        Client(enforce_csrf_checks=True).post("/sign-in/"),
    ):
        assert answer.status_code in {403, 404} and answer["Content-Type"].startswith("text/html")


def test_a_page_that_refuses_tells_a_program_in_json(owner: Client) -> None:
    asking = {"headers": {"Accept": "application/json"}}
    refused = owner.get("/sign-out/", **asking)
    assert told(refused) == (405, "method_not_allowed")
    assert refused["Allow"] == "POST"
    assert told(Client(enforce_csrf_checks=True).post("/sign-in/", **asking)) == (403, "forbidden")
    assert told(Client().get("/sign-in/nope/", **asking)) == (410, "gone")
    assert told(owner.get("/admin/nope/", **asking)) == (404, "not_found")
    assert owner.get("/", **asking)["Content-Type"].startswith("text/html")


@pytest.mark.parametrize(
    ("problem", "status", "code"),
    [
        (RuntimeError("a secret"), 500, "internal_error"),
        (OperationalError("at 10.0.0.1"), 503, "database_unavailable"),
    ],
)
def test_a_page_that_breaks_tells_a_program_in_json(
    owner: Client, monkeypatch: pytest.MonkeyPatch, problem: Exception, status: int, code: str
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise problem

    monkeypatch.setattr(pages, "render", broken)
    answer = owner.get("/", headers={"Accept": "application/json"})
    assert told(answer) == (status, code)
    assert str(problem) not in answer.content.decode()
    assert owner.get("/", headers={"Accept": BROWSER})["Content-Type"].startswith("text/plain")


def test_a_wrong_host_is_refused_with_all_that_an_answer_forbids() -> None:
    assert told(Client().get("/", headers={"Host": "evil.example.com"})) == (400, "bad_request")


def test_nobody_reads_a_header_of_thousands_of_types() -> None:
    many = "application/json," * 5_000
    assert Client().get("/nope", headers={"Accept": many})["Content-Type"].startswith("application/json")
    browser = BROWSER + "," * 2_000
    assert Client().get("/nope", headers={"Accept": browser})["Content-Type"].startswith("application/json")
