"""The document itself: complete, valid, for signed-in callers, and its examples are true."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.management import call_command
from django.test import Client
from django.urls import resolve
from jsonschema import Draft202012Validator

from kalshi.errors import KalshiError
from kalshi.openapi import bodies, views
from kalshi.tests.servers import ROOT
from kalshi.upstream.endpoints import ENDPOINTS


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    import json

    found: dict[str, Any] = json.loads(views.document()[0])
    return found


def operations(document: dict[str, Any]) -> dict[str, tuple[str, dict[str, Any]]]:
    return {row["get"]["operationId"]: (path, row["get"]) for path, row in document["paths"].items()}


def test_it_is_valid_openapi_without_a_warning(tmp_path: Any) -> None:
    call_command("spectacular", "--validate", "--fail-on-warn", "--file", str(tmp_path / "schema.yaml"))
    assert (tmp_path / "schema.yaml").read_text().startswith("openapi: 3.1")


def test_every_exposed_operation_is_in_it_twice_under_paths_that_lead_there(document: dict[str, Any]) -> None:
    found = operations(document)
    for endpoint in ENDPOINTS.values():
        for name in (endpoint.operation, f"gateway_{endpoint.operation}"):
            assert (name in found) == endpoint.exposed
            if endpoint.exposed:
                path = found[name][0].replace("{", "").replace("}", "")
                assert resolve(path).func.view_initkwargs["endpoint"] is endpoint  # type: ignore[attr-defined]
    own = {"status", "healthz", "readyz", "metrics", "schema"}
    assert set(found) - own == {
        name for e in ENDPOINTS.values() if e.exposed for name in (e.operation, f"gateway_{e.operation}")
    }


def test_no_unknown_path_and_no_secret_place_is_described(document: dict[str, Any]) -> None:
    assert "/trade-api/v2/api_keys" not in document["paths"]
    assert all(
        path.startswith(("/api/", "/trade-api/v2/", "/healthz", "/readyz", "/metrics"))
        for path in document["paths"]
    )


@pytest.mark.parametrize("operation", bodies.examples())
def test_every_example_fits_its_own_schema(document: dict[str, Any], operation: str) -> None:
    _, described = operations(document)[operation]
    media = described["responses"]["200"]["content"]["application/json"]
    schema = media["schema"] | {"components": document["components"]}
    assert list(Draft202012Validator(schema).iter_errors(media["example"])) == []
    for param in described["parameters"]:
        if "example" in param:
            assert list(Draft202012Validator(param["schema"]).iter_errors(param["example"])) == []


def test_an_example_is_missing_only_where_the_sandbox_refuses() -> None:
    exposed = {endpoint.operation for endpoint in ENDPOINTS.values() if endpoint.exposed}
    assert exposed - set(bodies.examples()) == {"get_portfolio_resting_order_total_value"}


def test_every_error_of_the_tree_is_told_with_its_code(document: dict[str, Any]) -> None:
    classes = [KalshiError]
    for each in classes:
        classes += each.__subclasses__()
        if each.status == 429:
            continue  # a limit that only virtual keys have
        answer = document["components"]["responses"][f"Error{each.status}"]
        codes = answer["content"]["application/json"]["schema"]["properties"]["code"]["enum"]
        assert each.code in codes


def test_what_the_table_says_of_a_parameter_stands_in_the_document(document: dict[str, Any]) -> None:
    found = operations(document)
    orders = {param["name"]: param for param in found["get_orders"][1]["parameters"]}
    assert orders["limit"]["schema"] == {
        "type": "integer",
        "format": "int64",
        "minimum": 1,
        "maximum": 1000,
        "default": 100,
    }
    assert orders["status"]["schema"]["enum"] == ["resting", "canceled", "executed", "open"]
    assert orders["event_ticker"]["schema"]["maxItems"] == 10 and not orders["event_ticker"]["explode"]
    theirs = {param["name"]: param for param in found["gateway_get_orders"][1]["parameters"]}
    assert "open" not in theirs["status"]["schema"]["enum"]
    books = {param["name"]: param for param in found["get_market_orderbooks"][1]["parameters"]}
    assert books["tickers"]["explode"] and books["tickers"]["required"]


@pytest.mark.parametrize("path", ["/api/schema/", "/api/schema"])
def test_the_document_is_for_signed_in_callers_and_has_an_etag(api: Any, path: str) -> None:
    assert Client().get(path).status_code == 401
    answer = api(path)
    assert answer.status_code == 200 and answer.json()["openapi"].startswith("3.1")
    unchanged = api(path, HTTP_IF_NONE_MATCH=answer["ETag"])
    assert unchanged.status_code == 304 and unchanged.content == b""


def test_the_page_sends_strangers_to_the_sign_in(user: Any) -> None:
    browser = Client()
    assert browser.get("/api/docs/")["Location"].startswith("/sign-in/")
    browser.force_login(user)
    page = browser.get("/api/docs/")
    assert page.status_code == 200 and b'data-schema="/api/schema"' in page.content
    assert "data:" in page["Content-Security-Policy"].partition("img-src")[2].partition(";")[0]


def test_without_the_reference_bodies_are_any_object(monkeypatch: Any, tmp_path: Any) -> None:
    monkeypatch.setattr(bodies, "REFERENCE", tmp_path)
    bodies.described.cache_clear()
    try:
        assert bodies.schemas("get_balance") == {"GetBalanceBody": {"type": "object"}}
    finally:
        bodies.described.cache_clear()


def test_the_image_brings_the_schemas_of_the_bodies() -> None:
    assert "COPY reference/kalshi-api ./reference/kalshi-api" in (ROOT / "deploy" / "Dockerfile").read_text()
