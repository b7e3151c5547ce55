"""KALSHI_REQUEST_FUNCTION: what goes into an existing program's own signed-request function, and what comes out.

`f(method, path, params)` gets "GET", a path without /trade-api/v2 and a dict of texts; it returns the body as a
dict (serialised once, compactly), bytes or text. `transport.FunctionTransport` runs it.
"""

import importlib
import inspect
import json
from collections.abc import Callable, Mapping
from typing import Any

import requests

from kalshi.errors import ConfigError, FunctionFailed, UnexpectedPayload, UpstreamTimeout
from kalshi.upstream.params import Params
from kalshi.upstream.signing import secrets_of
from kalshi.upstream.translation import translated

_STATUS_NAMES = ("status_code", "status", "code")

RequestFunction = Callable[[str, str, dict[str, Any]], Any]


def load_function(dotted_path: str) -> RequestFunction:
    """Import `package.module.function`. Raises ConfigError that says what is wrong with the setting."""
    setting = f"KALSHI_REQUEST_FUNCTION ({dotted_path[:100]!r})"
    module_name, _, name = dotted_path.strip().replace(":", ".").rpartition(".")
    if not module_name or not all(part.isidentifier() for part in f"{module_name}.{name}".split(".")):
        raise ConfigError(f"{setting} is no dotted path such as package.module.function.")
    try:
        module = importlib.import_module(module_name)
    except Exception as error:  # importing runs somebody else's code
        raise ConfigError(
            f"{setting}: importing {module_name} failed with {type(error).__name__}."
        ) from error
    function: Any = getattr(module, name, None)
    if not callable(function):
        raise ConfigError(f"{setting}: {module_name} has no function {name}.")
    if inspect.iscoroutinefunction(function):
        raise ConfigError(f"{setting} is an async function; a plain function is needed.")
    return function  # type: ignore[no-any-return]


def arguments_of(params: Params) -> dict[str, Any]:
    """Texts by name; a list of texts for a repeated parameter."""
    grouped: dict[str, list[str]] = {}
    for name, value in params:
        grouped.setdefault(name, []).append(value)
    return {name: values[0] if len(values) == 1 else values for name, values in grouped.items()}


def body_of_result(returned: object) -> bytes:
    """What the function returned, as a body. Raises UnexpectedPayload."""
    if isinstance(returned, str):
        try:
            return returned.encode()
        except UnicodeEncodeError:
            raise UnexpectedPayload("The request function returned text that is no UTF-8.") from None
    if isinstance(returned, Mapping):
        return _serialised(returned)
    if isinstance(returned, bytes | bytearray):
        return bytes(returned)
    raise UnexpectedPayload(
        f"The request function returned {type(returned).__name__}; a dict, bytes or text is expected."
    )


def answer_of_exception(error: BaseException) -> tuple[int, dict[str, str], bytes | None, tuple[str, ...]]:
    """Status, headers and body of the HTTP answer that an exception stands for, and the question's secrets;
    UpstreamError when for none.

    A status of 2xx does not count: an exception over a good answer is a fault of the function. Without a response
    that has a body, empty or not, the body is None.
    """
    response = getattr(error, "response", None)
    for owner in (response, error):
        for name in _STATUS_NAMES:
            status = getattr(owner, name, None)
            if isinstance(status, int) and 300 <= status <= 599:
                return status, _headers_of(response), _content_of(response), _secrets_of(response)
    if isinstance(error, requests.RequestException):
        raise translated(error) from None
    if isinstance(error, TimeoutError):
        raise UpstreamTimeout("The request function ran into a time-out.") from None
    raise FunctionFailed(f"The request function failed with {type(error).__name__}.") from None


def _serialised(body: Mapping[Any, Any]) -> bytes:
    try:
        _refuse_other_keys(body)
        text = json.dumps(dict(body), ensure_ascii=False, allow_nan=False, separators=(",", ":"))
        return text.encode()
    except (TypeError, ValueError, RecursionError) as error:
        reason = str(error)[:100]
    raise UnexpectedPayload(
        f"The request function's dict has no JSON form ({reason}); return bytes, or a dict of plain JSON types."
    )


def _refuse_other_keys(body: object) -> None:
    """JSON would quietly turn the key 1 into "1" and change what the caller reads."""
    if isinstance(body, Mapping):
        for key, value in body.items():
            if not isinstance(key, str):
                raise TypeError(f"a key is {type(key).__name__}, not text")
            _refuse_other_keys(value)
    elif isinstance(body, list | tuple):
        for item in body:
            _refuse_other_keys(item)


def _headers_of(response: object) -> dict[str, str]:
    headers = getattr(response, "headers", None)
    if not isinstance(headers, Mapping):
        return {}
    return {str(name).lower(): str(value) for name, value in headers.items()}


def _content_of(response: object) -> bytes | None:
    try:
        content = getattr(response, "content", None)
    except Exception:  # noqa: BLE001  # a lazy body may fail to load; the status is what counts
        return None
    return bytes(content) if isinstance(content, bytes | bytearray) else None


def _secrets_of(response: object) -> tuple[str, ...]:
    """Of the question, which the function signed."""
    try:
        return secrets_of(_headers_of(getattr(response, "request", None)))
    except Exception:  # noqa: BLE001  # as above; httpx raises where there is none
        return ()
