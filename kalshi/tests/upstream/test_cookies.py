"""Cookies of the exchange are dropped before anything reads them: the parser of http.cookiejar trusts too much."""

from __future__ import annotations

import warnings
from contextlib import closing
from http import cookiejar

import pytest

from kalshi.tests.upstream.asking import get
from kalshi.tests.upstream.raw_server import BODY, Line, answer, serving
from kalshi.upstream.transport import RequestsTransport

COOKIES = {
    "an ordinary one": "Set-Cookie: a=b; Path=/\r\n",
    "a year of 5,000 digits": f"Set-Cookie: a=b; expires=1-Jan-{'1' * 5000}\r\n",
    "a list of 10,000": f"Set-Cookie: a=b\r\nSet-Cookie2: {'a,' * 10_000}\r\n",
    "in small letters": "set-cookie: a=b\r\nset-cookie2: a=b\r\n",
    "many": "Set-Cookie: a=b\r\n" * 1000,
}


@pytest.mark.parametrize("cookies", COOKIES.values(), ids=COOKIES.keys())
@pytest.mark.parametrize("status", ["200 OK", "302 Found", "503 No"])
def test_no_cookie_is_parsed_kept_or_sent(cookies: str, status: str, monkeypatch: pytest.MonkeyPatch) -> None:
    parsed: list[str] = []
    for name in ("parse_ns_headers", "split_header_words"):
        monkeypatch.setattr(cookiejar, name, lambda values: parsed.extend(values) or [])
    sent: list[str | None] = []

    def script(line: Line) -> None:
        while request := line.read_request():
            sent.append(request.headers.get("cookie"))
            line.send(answer(BODY, status=status, headers=f"{cookies}Location: /x\r\n"))

    with serving(script) as server, closing(RequestsTransport(server.url)) as transport:
        first, second = get(transport), get(transport)
    assert parsed == []
    assert sent == [None, None]
    assert first.body == second.body == BODY
    assert not {"set-cookie", "set-cookie2"} & {*first.headers, *second.headers}


def test_a_hostile_date_in_a_cookie_prints_nothing(capfd: pytest.CaptureFixture[str]) -> None:
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        with serving(answer(BODY, headers=COOKIES["a year of 5,000 digits"])) as server:
            assert get(server.url).body == BODY
    assert [str(warning.message) for warning in told] == []
    assert capfd.readouterr().err == ""
