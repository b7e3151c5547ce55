"""A 200 whose body is an error is no answer of any operation; one that has merely drifted is."""

import json
from typing import Any

import pytest

from kalshi.errors import UnexpectedPayload
from kalshi.tests.upstream.test_client import World, client
from kalshi.upstream.endpoints import ENDPOINTS, Endpoint
from kalshi.upstream.params import Call
from kalshi.upstream.transport import RawResponse

OPERATIONS = pytest.mark.parametrize("endpoint", ENDPOINTS.values(), ids=list(ENDPOINTS))

ERRORS: dict[str, Any] = {
    "nested": {"error": {"code": "internal_error", "message": "try again"}},
    "flat": {"code": "internal_error", "message": "try again"},
    "of a parameter": {"msg": "Parameter validation failed"},
    "a text": {"error": "too many requests"},
    "with more beside it": {"code": "internal_error", "message": None, "trace": [1]},
    "a code of gRPC": {"code": 14, "message": "down", "details": []},
    "a status as code": {"error": {"code": 503, "message": "down"}},
    "without a code": {"error": {"message": "down"}},
    "a flag": {"error": True, "message": "down"},
    "an empty list": {"error": []},
    "an empty text": {"error": ""},
    "nothing but a message": {"message": "down"},
    "nothing but words of errors": {"message": "down", "status": 503, "details": None},
}


def world_of(content: Any) -> World:
    return World([RawResponse(200, {}, json.dumps(content).encode())], signs_itself=True)


def fetched(world: World, endpoint: Endpoint) -> bytes:
    return client(world, None).fetch(Call(endpoint, endpoint.path, ()), request_id="r").body


@OPERATIONS
@pytest.mark.parametrize("content", ERRORS.values(), ids=ERRORS.keys())
def test_an_error_under_200_is_a_bad_payload(endpoint: Endpoint, content: Any) -> None:
    world = world_of(content)
    with pytest.raises(UnexpectedPayload, match="200 with an error"):
        fetched(world, endpoint)
    assert world.reports == [UnexpectedPayload]


@OPERATIONS
@pytest.mark.parametrize("content", ERRORS.values(), ids=ERRORS.keys())
def test_what_was_promised_counts_whatever_stands_beside_it(endpoint: Endpoint, content: Any) -> None:
    world = world_of(content | {endpoint.promises: None})
    assert json.loads(fetched(world, endpoint))[endpoint.promises] is None
    assert world.drifted == []


@OPERATIONS
@pytest.mark.parametrize(
    "body",
    [
        b"{}",
        b'{ "renamed":[1.50,{}] }',
        b'{"code": 7}',
        b'{"error": null, "positions": []}',
        b'{"error": false, "positions": []}',
        b'{"message": "x", "positions": []}',
        b'{"details": {}}',
    ],
)
def test_any_other_object_passes_byte_for_byte_and_is_told_as_drift(endpoint: Endpoint, body: bytes) -> None:
    world = World([RawResponse(200, {}, body)], signs_itself=True)
    assert fetched(world, endpoint) == body
    assert world.drifted == [endpoint.operation] * endpoint.keeps_promise
    assert world.reports == [None]


@pytest.mark.parametrize("content", [each for each in ERRORS.values() if "down" in json.dumps(each)])
def test_the_words_of_an_error_under_200_are_passed_on(content: Any) -> None:
    with pytest.raises(UnexpectedPayload, match="200 with an error: down"):
        fetched(world_of(content), ENDPOINTS["get_balance"])
