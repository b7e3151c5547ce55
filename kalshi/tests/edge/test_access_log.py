"""What the access log writes: every request, without secrets, and never at the cost of an answer."""

from __future__ import annotations

import io
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kalshi.edge.access_log import AccessLog, Line, path_for_log
from kalshi.services.metrics import Counts


def shown(raw_path: str, query: str = "") -> str:
    inside = path_for_log(raw_path.encode("latin-1"), query.encode("latin-1"), lambda text: text)
    return str(json.loads(f'"{inside}"'))


@pytest.mark.parametrize(
    ("path", "query", "line"),
    [
        ("/api/v1/kalshi/orders/", "limit=5&cursor=a%2Fb", "/api/v1/kalshi/orders/?limit=5&cursor=a%2Fb"),
        ("/a%20b", "", "/a%20b"),
        ("/sign-in/abc/", "", "/sign-in/***/"),
        ("/sign-in/", "", "/sign-in/"),
        ("/%73ign-in/abc/", "", "/sign-in/***/"),
        ("/", "token=abc&limit=5", "/?token=***&limit=5"),
        ("/", "to%6ben=abc", "/?to%6ben=***"),
        ("/", "PASSWORD=a=b", "/?PASSWORD=***"),
        ("/", "token=", "/?token="),
        ("/", "next=/sign-in/abc", "/?next=/sign-in/***"),
        ("/", "a" * 64, "/?***"),
        ("/", "a" * 65, "/?" + "a" * 65),
    ],
)
def test_secrets_are_masked_and_all_else_stands_as_sent(path: str, query: str, line: str) -> None:
    assert shown(path, query) == line


@given(st.binary(max_size=40), st.binary(max_size=40), st.text(max_size=20))
def test_whatever_is_asked_the_line_is_one_json_object(path: bytes, query: bytes, peer: str) -> None:
    inside = path_for_log(path, query, lambda text: text)
    line = str(Line(0.0, peer, "GET", inside, 200, 0.001, "id", "edge"))
    assert line.count("\n") == 1 and line.endswith("\n")
    assert json.loads(line)["peer"] == peer


def a_line(number: int = 0) -> Line:
    return Line(0.0, "127.0.0.1", "GET", f"/{number}", 200, 0.001, "id", "edge")


def written(log: AccessLog) -> None:
    log.start()
    log.stop()


def test_lines_that_do_not_fit_are_counted_and_told() -> None:
    counts, stream = Counts(), io.StringIO()
    log = AccessLog(counts, stream, most=3)
    for number in range(5):
        log.add(a_line(number))
    written(log)
    lines = [json.loads(line) for line in stream.getvalue().splitlines()]
    assert [line.get("path") for line in lines] == ["/0", "/1", "/2", None]
    assert lines[-1]["event"] == "2 access-log lines were dropped"
    assert counts.dropped_lines == 2


def test_a_stream_that_fails_ends_nothing() -> None:
    stream = io.StringIO()
    stream.close()
    log = AccessLog(Counts(), stream)
    log.add(a_line())
    written(log)


def test_without_a_stream_lines_go_to_standard_error(capsys: pytest.CaptureFixture[str]) -> None:
    log = AccessLog(Counts())
    log.add(a_line())
    written(log)
    assert "/0" in capsys.readouterr().err
