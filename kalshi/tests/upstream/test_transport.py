import gzip
import logging
import tracemalloc
import zlib
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from queue import SimpleQueue

import pytest

from kalshi.errors import (
    UpstreamUnavailable,
)
from kalshi.tests.upstream.asking import get
from kalshi.tests.upstream.raw_server import (
    BODY,
    Line,
    Request,
    Script,
    after_request,
    always,
    answer,
    chunked,
    serving,
)
from kalshi.tests.upstream.verification import verify
from kalshi.upstream.credentials import Credentials
from kalshi.upstream.endpoints import ENDPOINTS
from kalshi.upstream.params import Params, validate
from kalshi.upstream.pem import PrivateKey
from kalshi.upstream.signing import signature_headers
from kalshi.upstream.transport import RequestsTransport

GOOD = {
    "with a length": answer(BODY),
    "chunked": chunked(BODY[:3], BODY[3:]),
    "gzipped": answer(gzip.compress(BODY), headers="Content-Encoding: gzip\r\n"),
    "deflated": answer(zlib.compress(BODY), headers="Content-Encoding: deflate\r\n"),
    "gzipped chunks": chunked(gzip.compress(BODY)[:9], gzip.compress(BODY)[9:]).replace(
        b"\r\n\r\n", b"\r\nContent-Encoding: gzip\r\n\r\n", 1
    ),
}


@pytest.mark.parametrize("data", GOOD.values(), ids=GOOD.keys())
def test_the_body_arrives_byte_for_byte(data: bytes) -> None:
    with serving(data) as server:
        assert get(server.url).body == BODY


@pytest.mark.parametrize("whole", [answer, chunked], ids=["with a length", "chunked"])
def test_a_large_body_takes_little_more_than_its_size_while_it_comes(whole: Callable[[bytes], bytes]) -> None:
    size = 8 * 2**20
    with serving(whole(b" " * size)) as server:
        transport = RequestsTransport(server.url)
        get(transport)  # what is made once
        tracemalloc.start()
        try:
            assert len(get(transport).body or b"") == size
            assert tracemalloc.get_traced_memory()[1] < 1.4 * size
        finally:
            tracemalloc.stop()
            transport.close()


def test_a_body_without_a_length_ends_with_the_connection() -> None:
    with serving(after_request(lambda line: line.send(b"HTTP/1.1 200 OK\r\n\r\n" + BODY))) as server:
        assert get(server.url).body == BODY


@pytest.mark.parametrize("status", ["200 OK", "404 Not Found", "429 Too Many", "503 No", "204 No Content"])
def test_any_status_and_an_empty_body_are_answers(status: str) -> None:
    with serving(answer(b"", status=status, headers="X-One: 1\r\nDate: x\r\n")) as server:
        response = get(server.url)
    assert (response.status, response.body) == (int(status[:3]), b"")
    assert response.headers["x-one"] == "1" and response.headers["date"] == "x"


def test_a_redirect_is_an_answer_and_neither_followed_nor_read() -> None:
    with serving(answer(b"x", status="301 Moved", headers="Location: /trade-api/v2/elsewhere\r\n")) as server:
        assert get(server.url).status == 301
        assert server.connections == 1


def test_a_kept_alive_connection_is_used_again() -> None:
    with serving(answer(BODY)) as server:
        transport = RequestsTransport(server.url)
        for _ in range(5):
            get(transport)
        transport.close()
        assert server.connections == 1


def test_a_connection_that_the_server_closed_meanwhile_is_replaced_silently() -> None:
    def script(line: Line) -> None:
        if line.read_request():
            line.send(answer(BODY))
        if line.number == 0:
            line.read_request()  # taken, then closed without a byte, as an idle time-out at this moment does
        else:
            always(answer(b"{}"))(line)

    with serving(script) as server:
        transport = RequestsTransport(server.url)
        assert get(transport).body == BODY
        assert get(transport).body == BODY
        assert get(transport).body == b"{}"
        transport.close()
        assert server.connections == 2


def test_a_fresh_connection_that_is_closed_is_not_asked_twice() -> None:
    with serving(after_request(lambda line: None)) as server:
        with pytest.raises(UpstreamUnavailable):
            get(server.url)
        assert server.connections == 1


def test_many_threads_share_the_pool_quietly(caplog: pytest.LogCaptureFixture) -> None:
    with serving(answer(BODY)) as server, caplog.at_level(logging.WARNING):
        transport = RequestsTransport(server.url)
        with ThreadPoolExecutor(64) as pool:
            bodies = list(pool.map(lambda _: get(transport).body, range(256)))
        transport.close()
        assert server.connections <= 64
    assert bodies == [BODY] * 256
    assert not caplog.records


def recording(seen: "SimpleQueue[Request]", data: bytes = answer(BODY)) -> Script:
    def script(line: Line) -> None:
        while request := line.read_request():
            seen.put(request)
            line.send(data)

    return script


@pytest.mark.parametrize(
    ("path", "params", "target"),
    [
        ("/portfolio/balance", (), "/portfolio/balance"),
        ("/markets/KXHIGHNY-26NOV20-T61.5", (), "/markets/KXHIGHNY-26NOV20-T61.5"),
        ("/markets/KX..B-", (), "/markets/KX..B-"),
        (
            "/portfolio/orders",
            (("limit", "5"), ("status", "resting")),
            "/portfolio/orders?limit=5&status=resting",
        ),
        ("/events", (("cursor", "a+b/=&?#%41 é"),), "/events?cursor=a%2Bb%2F%3D%26%3F%23%2541+%C3%A9"),
        ("/books", (("tickers", "B"), ("tickers", "A")), "/books?tickers=B&tickers=A"),
        ("/series/KX Y~é%2f%41", (), "/series/KX%20Y~%C3%A9%2FA"),
    ],
)
def test_what_is_signed_is_what_is_sent(
    key: PrivateKey, credentials: Credentials, path: str, params: Params, target: str
) -> None:
    seen: SimpleQueue[Request] = SimpleQueue()
    with serving(recording(seen)) as server:
        get(server.url, path, params, sign=lambda *what: signature_headers(credentials, *what, 1795187045123))
    request = seen.get()
    assert request.target == "/trade-api/v2" + target
    verify(key, request.headers, "GET", request.target.partition("?")[0])


@pytest.mark.parametrize("spelling", ["KXHIGHNY-26NOV20-T61.5", "KX-B99.9_x", "a"])
def test_a_validated_ticker_is_sent_and_signed_as_it_is(
    key: PrivateKey, credentials: Credentials, spelling: str
) -> None:
    call = validate(ENDPOINTS["get_market"], [], {"ticker": spelling}, api=True)
    seen: SimpleQueue[Request] = SimpleQueue()
    with serving(recording(seen)) as server:
        get(server.url, call.path, sign=lambda *what: signature_headers(credentials, *what, 1))
    request = seen.get()
    assert request.target == f"/trade-api/v2/markets/{spelling}"
    verify(key, request.headers, "GET", request.target)


def test_an_unsigned_request_carries_the_fixed_headers_and_no_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / ".netrc").write_text("default login mallory password secret\n")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("NETRC", str(tmp_path / ".netrc"))
    seen: SimpleQueue[Request] = SimpleQueue()
    with serving(recording(seen, answer(BODY, headers="Set-Cookie: a=b\r\n"))) as server:
        transport = RequestsTransport(server.url)
        get(transport)
        get(transport)
        transport.close()
    seen.get()
    headers: Mapping[str, str] = seen.get().headers
    assert set(headers) <= {
        "host",
        "accept",
        "accept-encoding",
        "accept-language",
        "user-agent",
        "connection",
    }
    assert headers["accept-language"] == "en"
    assert headers["accept"] == "application/json"
