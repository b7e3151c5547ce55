"""What Django sees of a request."""

from __future__ import annotations

from typing import Any

import pytest

from kalshi.server.environ import environ_of


def environ(body: bytes = b"", **changed: Any) -> dict[str, Any]:
    scope = {
        "type": "http",
        "method": "GET",
        "path": "/",
        "query_string": b"",
        "http_version": "1.1",
        "headers": [],
        "scheme": "http",
        "client": ("10.0.0.7", 5123),
        "server": ("127.0.0.1", 8000),
    }
    return environ_of(scope | changed, body)


@pytest.mark.parametrize(
    ("changed", "name", "value"),
    [
        ({"method": "HEAD"}, "REQUEST_METHOD", "HEAD"),
        ({"path": "/a b"}, "PATH_INFO", "/a b"),
        ({"path": "/é"}, "PATH_INFO", "/Ã©"),
        ({"path": "/in/x", "root_path": "/in"}, "PATH_INFO", "/x"),
        ({"path": "/in/x", "root_path": "/in"}, "SCRIPT_NAME", "/in"),
        ({"path": "/x", "root_path": "/in"}, "PATH_INFO", "/x"),
        ({}, "SCRIPT_NAME", ""),
        ({"query_string": b"a=%20&b"}, "QUERY_STRING", "a=%20&b"),
        ({"query_string": b"a=\xc3\xa9"}, "QUERY_STRING", "a=%C3%A9"),
        ({"headers": [(b"x_kalshi_account", b"two")]}, "HTTP_X_KALSHI_ACCOUNT", None),
        ({"http_version": "1.0"}, "SERVER_PROTOCOL", "HTTP/1.0"),
        ({"scheme": "https"}, "wsgi.url_scheme", "https"),
        ({}, "REMOTE_ADDR", "10.0.0.7"),
        ({}, "REMOTE_PORT", "5123"),
        ({"client": None}, "REMOTE_ADDR", None),
        ({}, "SERVER_NAME", "127.0.0.1"),
        ({}, "SERVER_PORT", "8000"),
        ({"server": ("/run/socket", None)}, "SERVER_PORT", "0"),
        ({"server": None}, "SERVER_NAME", "localhost"),
        ({"headers": [(b"content-length", b"5")]}, "CONTENT_LENGTH", "5"),
        ({"headers": [(b"content-type", b"text/plain")]}, "CONTENT_TYPE", "text/plain"),
        ({"headers": [(b"x-request-id", b"abc")]}, "HTTP_X_REQUEST_ID", "abc"),
        ({"headers": [(b"x", b"\xff")]}, "HTTP_X", "ÿ"),
        ({"headers": [(b"cookie", b"a=1"), (b"x", b""), (b"cookie", b"b=2")]}, "HTTP_COOKIE", "a=1,b=2"),
    ],
)
def test_a_scope_is_told_as_wsgi_wants_it(changed: dict[str, Any], name: str, value: str | None) -> None:
    assert environ(**changed).get(name) == value


def test_the_body_can_be_read_in_every_way() -> None:
    body = b"one\ntwo\nthree"
    assert environ(body)["wsgi.input"].read() == body
    assert environ(body)["wsgi.input"].read(5) == b"one\nt"
    assert environ(body)["wsgi.input"].readline() == b"one\n"
    assert list(environ(body)["wsgi.input"]) == [b"one\n", b"two\n", b"three"]


def test_the_scope_is_at_hand_for_who_knows_of_it() -> None:
    assert environ(told="x")["asgi.scope"]["told"] == "x"
