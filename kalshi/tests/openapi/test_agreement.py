"""Every operation through the running server: status, headers and body are those that the served document tells."""

from __future__ import annotations

from typing import Any

import pytest
import schemathesis

from kalshi.tests.openapi.asking import OPERATIONS, Question
from kalshi.tests.servers import Gateway


@pytest.fixture(scope="module")
def schema(served: dict[str, Any], gateway: Gateway) -> Any:
    loaded = schemathesis.openapi.from_dict(served)
    loaded.config.update(base_url=gateway.base_url)
    return loaded


def ask(schema: Any, gateway: Gateway, operation: str, question: Question, **headers: str) -> Any:
    """The answer, after the document's own checks of it."""
    endpoint = next(row for row in OPERATIONS if operation.endswith(row.operation))
    found = schema.find_operation_by_id(operation)
    answer = gateway.get(
        found.path.format_map(question.path), params=question.wire(endpoint), headers=headers, timeout=30
    )
    found.validate_response(answer)
    allowed = set(found.definition.raw["responses"])
    assert str(answer.status_code) in allowed, f"{answer.status_code} is not documented"
    return answer


@pytest.mark.parametrize("prefix", ["", "gateway_"])
@pytest.mark.parametrize("operation", [endpoint.operation for endpoint in OPERATIONS])
def test_answers_and_unchanged_answers_are_as_documented(
    schema: Any, gateway: Gateway, questions: dict[str, Question], operation: str, prefix: str
) -> None:
    answer = ask(schema, gateway, prefix + operation, questions[operation])
    if operation == "get_portfolio_resting_order_total_value":  # not for ordinary accounts
        assert answer.status_code == (403 if prefix else 502)
        return
    assert answer.status_code == 200, answer.text[:300]
    tag = answer.headers["ETag"]
    unchanged = ask(schema, gateway, prefix + operation, questions[operation], **{"If-None-Match": tag})
    assert unchanged.status_code == 304


@pytest.mark.parametrize("prefix", ["", "gateway_"])
@pytest.mark.parametrize(
    ("status", "question", "headers"),
    [
        (401, Question(), {"Authorization": "Bearer nobody"}),
        (403, Question(), {"X-Kalshi-Account": "somebody-elses"}),
        (400, Question(query={"limit": "many"}), {}),
    ],
)
def test_refusals_are_as_documented(
    schema: Any, gateway: Gateway, prefix: str, status: int, question: Question, headers: dict[str, str]
) -> None:
    assert ask(schema, gateway, f"{prefix}get_orders", question, **headers).status_code == status


@pytest.mark.parametrize(
    "operation", ["get_orders", "get_positions", "get_fills", "get_trades", "get_markets"]
)
def test_lists_with_their_history_are_as_documented(schema: Any, gateway: Gateway, operation: str) -> None:
    answer = ask(schema, gateway, operation, Question(query={"history": "true", "limit": 200}))
    assert answer.status_code == 200 and "history" in answer.json()


@pytest.mark.parametrize("operation", ["get_market", "get_market_candlesticks"])
def test_data_wherever_it_lies_is_as_documented(
    schema: Any, gateway: Gateway, questions: dict[str, Question], operation: str
) -> None:
    known = questions[operation]
    answer = ask(schema, gateway, operation, Question(known.path, known.query | {"history": "true"}))
    assert answer.json()["history"] == {"source": "live"}


@pytest.mark.parametrize("name", ["status", "healthz", "readyz", "schema"])
def test_our_own_documents_are_as_documented(schema: Any, gateway: Gateway, name: str) -> None:
    found = schema.find_operation_by_id(name)
    answer = gateway.get(found.path)
    assert answer.status_code == 200
    found.validate_response(answer)
