import decimal
import json
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest
import requests

from kalshi.errors import (
    ConfigError,
    FunctionFailed,
    UnexpectedPayload,
    UpstreamError,
    UpstreamTimeout,
    UpstreamUnavailable,
)
from kalshi.upstream.params import Params
from kalshi.upstream.transport import FunctionTransport, RawResponse


def get(function: Callable[..., Any], params: Params = (), *, deadline_s: float = 5.0) -> RawResponse:
    transport = FunctionTransport(function)
    return transport.get("/portfolio/balance", params, sign=None, deadline_s=deadline_s, request_id="r")


def raising(error: BaseException) -> Callable[..., Any]:
    def function(*_: object) -> Any:
        raise error

    return function


def test_it_gets_the_method_the_short_path_and_texts() -> None:
    seen: list[object] = []
    get(lambda *args: seen.append(args) or {}, (("limit", "5"), ("tickers", "A"), ("tickers", "B")))
    assert seen == [("GET", "/portfolio/balance", {"limit": "5", "tickers": ["A", "B"]})]


@pytest.mark.parametrize(
    ("returned", "body"),
    [
        ({"b": 1, "a": "é", "n": None, "l": [1.5, True]}, '{"b":1,"a":"é","n":null,"l":[1.5,true]}'.encode()),
        (b'{ "as": "sent"}\n', b'{ "as": "sent"}\n'),
        (bytearray(b"{}"), b"{}"),
        ('{"é":1}', '{"é":1}'.encode()),
    ],
)
def test_a_dict_is_serialised_once_and_bytes_are_left_alone(returned: object, body: bytes) -> None:
    assert get(lambda *_: returned) == RawResponse(200, {}, body)


@pytest.mark.parametrize(
    ("returned", "told"),
    [
        (None, "NoneType"),
        ([1], "list"),
        (5, "int"),
        (requests.Response(), "Response"),
        ({"x": decimal.Decimal(1)}, "Decimal is not JSON serializable"),
        ({"x": float("nan")}, "no JSON form"),
        ({"x": {1: 2}}, "a key is int, not text"),
        ({"x": "\ud800"}, "no JSON form"),
    ],
)
def test_anything_else_is_a_bad_payload_that_says_why(returned: object, told: str) -> None:
    with pytest.raises(UnexpectedPayload, match=told):
        get(lambda *_: returned)


def test_an_endless_dict_is_a_bad_payload() -> None:
    loop: dict[str, Any] = {}
    loop["self"] = loop
    with pytest.raises(UnexpectedPayload, match="no JSON form"):
        get(lambda *_: loop)


class Raising:
    """Whatever is asked of it raises."""

    def __getattribute__(self, name: str) -> Any:
        raise ZeroDivisionError


class OddText(str):
    __slots__ = ()

    def encode(self, *_: Any) -> bytes:  # type: ignore[override]
        raise SystemExit


class OddError(Exception):
    @property
    def response(self) -> Any:
        raise ZeroDivisionError


@pytest.mark.parametrize("function", [lambda *_: OddText("{}"), lambda *_: Raising(), raising(OddError())])
def test_what_raises_when_it_is_looked_at_fails_at_once_and_keeps_no_thread(
    function: Callable[..., Any],
) -> None:
    transport = FunctionTransport(function, max_threads=1)
    for _ in range(3):
        with pytest.raises(FunctionFailed):
            transport.get("/portfolio/balance", (), sign=None, deadline_s=30.0, request_id="r")


class Answered(Exception):
    def __init__(self, status_code: object, response: object = None) -> None:
        super().__init__("hunter2")
        self.status_code = status_code
        self.response = response


def http_error(status: int, body: bytes) -> requests.HTTPError:
    response = requests.Response()
    response.status_code, response._content = status, body
    response.headers["Retry-After"] = "7"
    return requests.HTTPError("bad", response=response)


def test_an_http_error_is_the_answer_it_carries() -> None:
    answer = get(raising(http_error(429, b'{"error":"too many requests"}')))
    assert answer == RawResponse(429, {"retry-after": "7"}, b'{"error":"too many requests"}')


def test_what_the_function_signed_with_is_known_for_masking_and_not_printed() -> None:
    response = requests.Response()
    response.status_code, response._content = 400, b"{}"
    headers = {"KALSHI-ACCESS-KEY": "id", "kalshi-access-signature": "sig", "KALSHI-ACCESS-TIMESTAMP": "1"}
    response.request = requests.Request("GET", "http://127.0.0.1/", headers).prepare()
    answer = get(raising(requests.HTTPError(response=response)))
    assert answer.secrets == ("id", "sig") and "sig" not in repr(answer)


def test_an_exception_with_a_status_is_an_answer() -> None:
    inner = Answered(None, response=http_error(503, b"x").response)
    assert get(raising(inner)) == RawResponse(503, {"retry-after": "7"}, b"x")
    assert get(raising(http_error(403, b""))).body == b""


@pytest.mark.parametrize("name", ["status_code", "status", "code"])
def test_a_status_alone_is_an_answer_without_a_known_body(name: str) -> None:
    error = Answered(None)
    setattr(error, name, 404)
    assert get(raising(error)) == RawResponse(404, {}, None)


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (ValueError("hunter2"), FunctionFailed),
        (Answered("404"), FunctionFailed),
        (Answered(200), FunctionFailed),
        (Answered(7), FunctionFailed),
        (SystemExit(1), FunctionFailed),
        (requests.ConnectionError("hunter2"), UpstreamUnavailable),
        (requests.ReadTimeout("hunter2"), UpstreamTimeout),
        (TimeoutError("hunter2"), UpstreamTimeout),
        (http_error(200, b"{}"), UpstreamUnavailable),
    ],
    ids=repr,
)
def test_any_other_exception_is_unavailable_and_its_text_is_not_told(
    error: BaseException, kind: type[UpstreamError]
) -> None:
    with pytest.raises(kind) as found:
        get(raising(error))
    assert type(found.value) is kind
    assert "hunter2" not in found.value.message


@pytest.mark.flaky(reruns=1)  # the machine may stand still for longer than the promise
def test_it_runs_under_our_deadline() -> None:
    released = threading.Event()
    began = time.monotonic()
    with pytest.raises(UpstreamTimeout):
        get(lambda *_: released.wait(30), deadline_s=0.2)
    assert time.monotonic() - began < 2
    released.set()


def test_hanging_calls_cannot_take_more_than_their_threads() -> None:
    released = threading.Event()
    transport = FunctionTransport(lambda *_: {"released": released.wait(30)}, max_threads=2)

    def ask(deadline_s: float) -> RawResponse:
        return transport.get("/x", (), sign=None, deadline_s=deadline_s, request_id="r")

    for _ in range(2):
        with pytest.raises(UpstreamTimeout, match="did not return"):
            ask(0.1)
    with pytest.raises(UpstreamTimeout, match="threads"):
        ask(0.1)
    released.set()
    assert json.loads(ask(5).body) == {"released": True}


async def asynchronous(*_: object) -> dict[str, Any]:
    return {}


@pytest.mark.parametrize(
    ("path", "told"),
    [
        ("", "no dotted path"),
        ("function", "no dotted path"),
        ("a..b", "no dotted path"),
        ("a b.c", "no dotted path"),
        ("../x.y", "no dotted path"),
        ("no_such_module.f", "importing no_such_module failed with ModuleNotFoundError"),
        ("json.no_such", "has no function no_such"),
        ("json.decoder", "has no function decoder"),
        (f"{__name__}.asynchronous", "async function"),
    ],
)
def test_a_wrong_dotted_path_is_a_config_error(path: str, told: str) -> None:
    with pytest.raises(ConfigError, match=told) as error:
        FunctionTransport.from_path(path)
    assert error.value.message.startswith("KALSHI_REQUEST_FUNCTION")


def test_a_dotted_path_is_imported() -> None:
    transport = FunctionTransport.from_path("kalshi.tests.upstream.test_function_transport.plain")
    assert transport.get("/x", (), sign=None, deadline_s=5, request_id="r").body == b'{"path":"/x"}'


def plain(method: str, path: str, params: dict[str, Any]) -> dict[str, Any]:
    return {"path": path}
