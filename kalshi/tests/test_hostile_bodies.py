"""Whatever the exchange sends, our own documents are strict JSON with its numbers, or an error with the right code."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.core.cache import caches
from hypothesis import HealthCheck, given, settings

from kalshi.errors import UnexpectedPayload
from kalshi.kalshi_client import get_client
from kalshi.services import daemon, engine
from kalshi.services.history_lists import STITCHED
from kalshi.services.history_market import MOVED
from kalshi.tests.fakes import Answer, FakeExchange, HttpError
from kalshi.tests.hostile import BAD_BODIES, BAD_VALUES, GOOD_VALUES, strict
from kalshi.tests.upstream.test_documents import JSON
from kalshi.upstream import documents
from kalshi.upstream.endpoints import ENDPOINTS

STATUS = "/api/v1/status/"
PATH = {"ticker": "KX-1", "series_ticker": "KX", "market_ticker": "KX-1"}
QUERIES = {"get_market_candlesticks": "&start_ts=1&end_ts=2&period_interval=60"}
CLIENT: dict[str, Callable[[], Any]] = {
    "/portfolio/balance": lambda: get_client().get_balance(),
    "/portfolio/positions": lambda: get_client().get_positions(),
    "/portfolio/orders": lambda: get_client().get_orders(),
    "/events": lambda: get_client().get_events(),
    "/markets/KX-1": lambda: get_client().get_market("KX-1"),
}
BAD = {f"{name} as a value": f'{{"a":{text}}}'.encode() for name, text in BAD_VALUES.items()} | BAD_BODIES


def path_of(operation: str) -> str:
    return ENDPOINTS[operation].path.format_map(PATH)


def asked(operation: str) -> str:
    """The question for the document with its history."""
    route = ENDPOINTS[operation].route
    assert route is not None
    named = re.sub("<(?:[a-z]+:)?([a-z_]+)>", lambda name: PATH[name[1]], route)
    return f"{named}/?history=true{QUERIES.get(operation, '')}"


def archive_of(operation: str) -> str:
    return path_of(STITCHED[operation].archive if operation in STITCHED else MOVED[operation].archive)


def body_of(operation: str, value: str) -> bytes:
    """A body of the operation with a value in every place that foreign values may take."""
    item = f'{{"ticker":"T","created_time":"2026-08-01T00:00:00Z","a":{value},"b":[{{"c":{value}}}]}}'
    arrays = STITCHED[operation].arrays if operation in STITCHED else ()
    members = [f'"{array.name}":[{item}]' for array in arrays] or [f'"market":{item}']
    return f'{{{",".join(members)},"candlesticks":[{item}],"cursor":"","x":{value}}}'.encode()


def without_items(operation: str) -> Answer:
    """What the live side says when everything is in the archive."""
    if operation in MOVED:
        return HttpError(404, b'{"error":{"code":"not_found","message":"not found"}}')
    return json.dumps({array.name: [] for array in STITCHED[operation].arrays} | {"cursor": ""}).encode()


def always(answer: Answer) -> Answer:
    """Empty bodies too, which the scripted exchange takes for no answer of ours."""
    return (lambda: answer) if isinstance(answer, bytes) else answer


@pytest.fixture
def ask(exchange: FakeExchange, api: Callable[..., Any]) -> Callable[..., Any]:
    """`ask(path, {upstream path: body})` with an empty cache, a full budget and a closed breaker."""

    def answered(path: str, answers: dict[str, Answer]) -> Any:
        engine.close()
        caches["kalshi"].clear()
        exchange.answers = {upstream: always(answer) for upstream, answer in answers.items()}
        answer = api(path)
        assert answer["Content-Type"].startswith("application/json")
        assert answer.status_code < 500 or strict(answer.content)["code"] == "upstream_bad_payload"
        return answer

    return answered


@pytest.mark.parametrize("operation", [*STITCHED, *MOVED])
def test_history_keeps_every_value_of_both_sides_as_it_was_sent(
    operation: str, ask: Callable[..., Any]
) -> None:
    for name, (sent, wanted) in GOOD_VALUES.items():
        body = body_of(operation, sent)
        for live, archive in ((body, without_items("get_fills")), (without_items(operation), body)):
            answer = ask(asked(operation), {path_of(operation): live, archive_of(operation): archive})
            assert answer.status_code == 200, (name, answer.content)
            strict(answer.content)
            assert f'"a":{wanted},"b":[{{"c":{wanted}}}]'.encode() in answer.content, name


@pytest.mark.parametrize("operation", [*STITCHED, *MOVED])
def test_history_of_a_body_that_no_document_can_hold_is_a_bad_payload_or_ends_there(
    operation: str, ask: Callable[..., Any]
) -> None:
    for name, body in BAD.items():
        answer = ask(asked(operation), {path_of(operation): body})
        assert (answer.status_code, answer.json()["code"]) == (502, "upstream_bad_payload"), name
        answer = ask(
            asked(operation), {path_of(operation): without_items(operation), archive_of(operation): body}
        )
        found = strict(answer.content)
        told = found["code"] if operation in MOVED else found["history"]["reason"]
        assert told == "upstream_bad_payload", name


@pytest.mark.parametrize("value", GOOD_VALUES.values(), ids=GOOD_VALUES)
def test_status_has_balance_and_exchange_as_they_were_sent(
    value: tuple[str, str], ask: Callable[..., Any], api: Callable[..., Any]
) -> None:
    sent, wanted = value
    body = f'{{"balance":{sent},"b":[{sent}]}}'.encode()
    ask("exchange/status/", {"/portfolio/balance": body, "/exchange/status": body})
    found = api(STATUS)
    strict(found.content)
    assert found.content.count(f'{{"balance":{wanted},"b":[{wanted}]}}'.encode()) == 2


@pytest.mark.parametrize("body", BAD.values(), ids=BAD)
def test_status_has_null_for_what_cannot_be_read(
    body: bytes, ask: Callable[..., Any], api: Callable[..., Any]
) -> None:
    ask("exchange/status/", {"/portfolio/balance": body, "/exchange/status": body})
    found = strict(api(STATUS).content)
    assert (found["balance"], found["exchange"]) == (None, None)


@pytest.mark.parametrize("upstream", CLIENT)
def test_python_callers_get_what_any_json_library_can_write(upstream: str, ask: Callable[..., Any]) -> None:
    for sent, wanted in GOOD_VALUES.values():
        ask("exchange/status/", {upstream: f'{{"a":{sent}}}'.encode()})
        found = CLIENT[upstream]()
        assert documents.write(found) == f'{{"a":{wanted}}}'.encode()
        strict(json.dumps(found).encode())
    for name, body in BAD.items():
        ask("exchange/status/", {upstream: body})
        with pytest.raises(UnexpectedPayload):
            pytest.fail(f"{name}: {CLIENT[upstream]()}")


@pytest.mark.parametrize("operation", [*STITCHED, *MOVED])
def test_without_history_a_body_passes_byte_for_byte(operation: str, ask: Callable[..., Any]) -> None:
    for sent, _ in GOOD_VALUES.values():
        body = body_of(operation, sent)
        answer = ask(
            asked(operation).replace("history=true&", "").replace("?history=true", ""),
            {path_of(operation): body},
        )
        assert (answer.status_code, answer.content) == (200, body)


@pytest.mark.parametrize(
    "value",
    [*(sent for sent, _ in GOOD_VALUES.values()), *BAD_VALUES.values()],
    ids=[*GOOD_VALUES, *BAD_VALUES],
)
def test_odd_limits_of_the_account_leave_status_and_metrics_whole(
    value: str, exchange: FakeExchange, api: Callable[..., Any], admin_client: Any
) -> None:
    limits = f'{{"usage_tier":{value},"read":{{"refill_rate":{value},"bucket_capacity":{value}}}}}'.encode()
    running = engine.current()
    running.budget.learn_limits(limits)
    running.budget.learn_costs(
        f'{{"default_cost":{value},"endpoint_costs":[{{"path":{value},"cost":{value}}}]}}'.encode()
    )
    strict(api(STATUS).content)
    strict(admin_client.get("/admin/engine/state.json").content)
    assert admin_client.get("/metrics").content.decode("utf-8")


@pytest.mark.parametrize(
    "text",
    [*(sent for sent, _ in GOOD_VALUES.values()), *BAD_VALUES.values()],
    ids=[*GOOD_VALUES, *BAD_VALUES],
)
def test_a_daemons_file_is_shown_as_it_is_or_as_unreadable(text: str, tmp_path: Path) -> None:
    (tmp_path / "state.json").write_text(f'{{"a":{text}}}', encoding="utf-8")
    (tmp_path / "caf\udce9.json").write_text("{}")
    found = strict_escaped(documents.write(daemon.read_state(tmp_path)))["files"]
    wanted = dict(GOOD_VALUES.values()).get(text)
    whole = {"error": "no valid JSON"} if wanted is None else strict(f'{{"a":{wanted}}}'.encode())
    assert found["state.json"] == whole


def test_a_daemons_file_may_begin_with_a_byte_order_mark(tmp_path: Path) -> None:
    (tmp_path / "state.json").write_bytes(b'\xef\xbb\xbf{"a":1}')
    assert daemon.read_state(tmp_path)["files"] == {"state.json": {"a": 1}}


def strict_escaped(body: bytes) -> Any:
    """A file's name may hold bytes that are no UTF-8, which stand in the document as escapes."""
    return strict(body.replace(rb"\udce9", b"?"))


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(value=JSON)
def test_history_holds_any_json_with_the_numbers_it_was_sent_with(
    value: str, ask: Callable[..., Any]
) -> None:
    body = body_of("get_fills", value)
    answer = ask(asked("get_fills"), {path_of("get_fills"): body, archive_of("get_fills"): body})
    items = strict(answer.content)["fills"]
    assert [item["a"] for item in items] == [strict(documents.write(documents.read(value.encode())))] * 2


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(body=JSON)
def test_a_whole_body_of_any_json_ends_in_a_document_or_a_bad_payload(
    body: str, ask: Callable[..., Any]
) -> None:
    for operation in ("get_fills", "get_market"):
        answer = ask(asked(operation), {path_of(operation): body.encode()})
        strict(answer.content)
        assert answer.status_code in (200, 502)
