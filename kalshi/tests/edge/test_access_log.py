"""What the access log writes: every request, without secrets, and never at the cost of an answer."""

from __future__ import annotations

import io
import json
from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kalshi.edge.access_log import LINE_BYTES, AccessLog, Line, text_of
from kalshi.edge.log_path import MASK, MAX_BYTES, LogPath
from kalshi.our_secrets import new_secret
from kalshi.services.metrics import Counts

SECRET = "s3cret&of=9+chars/and-more"
PADDED = "c2VjcmV0LW9mLWEtcmluZw=="


UUIDS = ",".join(f"01234567-89ab-cdef-0123-{number:012x}" for number in range(4))


def redact(text: str) -> str:
    return text.replace(SECRET, MASK).replace(PADDED, MASK)


def shown(raw_path: str, query: str = "") -> str:
    inside = LogPath(raw_path.encode("latin-1"), query.encode("latin-1")).text(redact)
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
        ("/", "ids=" + UUIDS, "/?ids=" + UUIDS),
        ("/", "next=/sign-in/abc", "/?next=/sign-in/***"),
        ("/", "a" * 64, "/?***"),
        ("/", "a" * 63, "/?" + "a" * 63),
        ("/", f"x={'a' * 64}&y=%41&&=&b", "/?x=***&y=%41&&=&b"),
        ("/", "&" * 2000, "/?" + "&" * 2000),
        (f"/{SECRET}/x", "y=%41", "/***/x?y=%41"),
        ("/x", SECRET, "/x?***"),
        ("/x", f"y=1&{SECRET.replace('+', '%2B')}&z=2", "/x?***"),
        ("/x", PADDED, "/x?***"),
        ("/x", f"y=1&token{PADDED}&z=2", "/x?y=1&***&z=2"),
        ("/x", f"y={PADDED}&z=2", "/x?y=***&z=2"),
        ("/p", f"a={SECRET.replace('&', '%26')}", "/p?a=***"),
    ],
)
def test_secrets_are_masked_and_all_else_stands_as_sent(path: str, query: str, line: str) -> None:
    assert shown(path, query) == line


def encoded(text: str, times: int) -> str:
    for _ in range(times):
        text = "".join(f"%{ord(char):02x}" for char in text) if "%" not in text else text.replace("%", "%25")
    return text


@pytest.mark.parametrize(
    "spelling",
    [
        "/sign-in/{}/",
        "/sign-in/{}",
        "/SIGN-IN/{}/",
        "/sign-in%20/{}/",
        "/sign-in/code/{}/",
        "/sign-in/x/../{}/",
        "/sign-in/./{}/",
        "/sign_in/{}",
        "/sign-in\\{}/",
        "/sign-in/%0a{}/",
        "/sign-in%2F{}",
        "/sign-in/{}a/",
        "/sign-in/0{}/",
        "/sign-in;{}.",
        "//host/{}",
        "/{}",
        "{}",
    ],
)
def test_a_sign_in_code_stands_in_no_spelling_of_a_path_or_query(spelling: str) -> None:
    code = new_secret()
    wrapped = f"{code[:20]}%0D%0A%20{code[20:]}"
    told = [code, code.upper(), wrapped, *(encoded(code, times) for times in (1, 2, 3, 7, 8, 9))]
    for text in told:
        whole = spelling.format(text)
        for path, query in ((whole, ""), ("/", whole), ("/", f"next={whole}&x=1"), ("/", f"x=1&{whole}=1")):
            line = shown(path, query)
            for _ in range(30):
                line = unquote(line)
            assert code[30:] not in line.lower() and (MASK in line or "in all" in line), (path, query)


@pytest.mark.parametrize(
    ("path", "query", "line"),
    [
        ("/a", "b=1&" + "c" * 3000, "/a?b=1... (3006 bytes in all)"),
        ("/a", "b=1&c=" + "d" * 3000, "/a?b=1&c=***... (3008 bytes in all)"),
        ("/a", "d" * 3000, "/a... (3002 bytes in all)"),
        ("/a", "d=" + "x" * 3000, "/a?d=***... (3004 bytes in all)"),
        ("/" + "a" * 3000, "b=1", "***... (3004 bytes in all)"),
        ("/" + "x" * 2047, "b=1", "/" + "x" * 2047 + "... (2051 bytes in all)"),
    ],
)
def test_what_is_long_is_cut_and_says_so(path: str, query: str, line: str) -> None:
    assert shown(path, query) == line


@pytest.mark.parametrize("secret", [SECRET, "0123456789abcdef" * 4])
@pytest.mark.parametrize("separator", ["&", "&x=", "=", "%26", "&a&"])
def test_a_secret_at_the_cut_shows_nothing_of_itself(secret: str, separator: str) -> None:
    told = secret.replace("&", "%26").replace("=", "%3D")
    for before in range(MAX_BYTES - len(told) - 20, MAX_BYTES + 5):
        for path, query in (("/p", "x" * before + separator + told), ("/" + "x" * before + told, "b=1")):
            assert told[:4] not in shown(path, query), before


@given(st.binary(max_size=40), st.binary(max_size=40), st.text(max_size=20))
def test_whatever_is_asked_the_line_is_one_json_object(path: bytes, query: bytes, peer: str) -> None:
    line = text_of((0.0, peer, "GET", LogPath(path, query), 200, 0.001, "id", "edge"), str)
    assert line.count("\n") == 1 and line.endswith("\n")
    assert json.loads(line)["peer"] == peer


@pytest.mark.parametrize(
    "repeated", [b"&", b'"', b"\xff", b"a=b&", b"token=x&", b"%25", b"/sign-in/", b"a" * 64 + b"&"]
)
def test_a_line_is_bounded_whatever_is_asked(repeated: bytes) -> None:
    path = LogPath(b"/", repeated * (96_000 // len(repeated)))
    assert path.size <= MAX_BYTES + 10
    line = text_of((0.0, "1" * 64, "OPTIONS", path, 200, 0.001, "i" * 64, "django"), redact)
    assert len(line) < 7 * MAX_BYTES
    json.loads(line)


@given(
    st.lists(st.sampled_from(["&", "=", "%", "25", "26", "3D", "a", "token", "0" * 64, "/sign-in/", SECRET]))
)
def test_a_line_that_needs_no_mask_stands_as_sent_and_no_mask_is_forgotten(pieces: list[str]) -> None:
    query = "".join(pieces)
    line = shown("/", query)
    assert SECRET not in line.replace("&", "%26") and "0" * 64 not in line.split("=")
    if MASK not in line:
        assert line == ("/?" + query if query else "/")


def a_line(number: int = 0) -> Line:
    return (0.0, "127.0.0.1", "GET", LogPath(b"/%d" % number, b""), 200, 0.001, "id", "edge")


def written(log: AccessLog) -> None:
    log.start()
    log.stop()


def test_lines_that_do_not_fit_are_counted_and_told() -> None:
    counts, stream = Counts(), io.StringIO()
    log = AccessLog(counts, stream, redact=str, most_bytes=3 * (LINE_BYTES + 2))
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
    log = AccessLog(Counts(), stream, redact=str)
    log.add(a_line())
    written(log)


def test_without_a_stream_lines_go_to_standard_error(capsys: pytest.CaptureFixture[str]) -> None:
    log = AccessLog(Counts(), redact=str)
    log.add(a_line())
    written(log)
    assert "/0" in capsys.readouterr().err


def test_what_was_lost_is_told_when_writing_works_again() -> None:
    counts, stream = Counts(), io.StringIO()
    broken = [True, True, False]

    class Stream(io.StringIO):
        def write(self, text: str) -> int:
            if broken.pop(0):
                raise OSError("full")
            return stream.write(text)

    log = AccessLog(counts, Stream(), redact=str)
    log.add(a_line())
    log._write()
    assert (stream.getvalue(), counts.dropped_lines) == ("", 1)
    log._write()
    assert json.loads(stream.getvalue())["event"] == "1 access-log lines were dropped"
    assert counts.dropped_lines == 1


def test_what_was_written_makes_room() -> None:
    stream = io.StringIO()
    log = AccessLog(Counts(), stream, redact=str, most_bytes=2 * (LINE_BYTES + 2))
    for number in range(9):
        log.add(a_line(number))
        log._write()
    assert stream.getvalue().count('"request"') == 9
