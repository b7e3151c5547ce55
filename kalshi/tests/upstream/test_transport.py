import gzip
import logging
import socket
import ssl
import threading
import time
import zlib
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from queue import SimpleQueue

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from kalshi.errors import (
    ConfigError,
    UnexpectedPayload,
    UpstreamError,
    UpstreamTimeout,
    UpstreamUnavailable,
)
from kalshi.tests.upstream.raw_server import Line, RawServer, Request, Script, always, answer, serving
from kalshi.tests.upstream.verification import verify
from kalshi.upstream.credentials import Credentials
from kalshi.upstream.endpoints import ENDPOINTS
from kalshi.upstream.params import Params, validate
from kalshi.upstream.pem import PrivateKey
from kalshi.upstream.signing import Signer, signature_headers
from kalshi.upstream.transport import RawResponse, RequestsTransport

BODY = b'{ "odd" :1.50,\n"b":"\\u00e9"}'


def get(
    url: str | RequestsTransport,
    path: str = "/portfolio/balance",
    params: Params = (),
    *,
    sign: Signer | None = None,
    deadline_s: float = 5.0,
) -> RawResponse:
    transport = RequestsTransport(url, max_body_bytes=2**20) if isinstance(url, str) else url
    try:
        return transport.get(path, params, sign=sign, deadline_s=deadline_s, request_id="r")
    finally:
        if isinstance(url, str):
            transport.close()


def after_request(act: Callable[[Line], None]) -> Script:
    def script(line: Line) -> None:
        if line.read_request():
            act(line)

    return script


def chunked(*parts: bytes, end: bytes = b"0\r\n\r\n") -> bytes:
    chunks = b"".join(f"{len(part):x}\r\n".encode() + part + b"\r\n" for part in parts)
    return b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + chunks + end


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


Deadly = dict[str, Script]
NEVER_DONE: Deadly = {
    "it hangs": after_request(Line.hang),
    "headers drip": after_request(lambda line: line.drip(b"HTTP/1.1 200 OK\r\n" + b"X-Slow: 1\r\n" * 1000)),
    "one header line drips": after_request(lambda line: line.drip(b"HTTP/1.1 200 OK\r\nX: " + b"y" * 9999)),
    "the body drips": after_request(
        lambda line: (line.send(b"HTTP/1.1 200 OK\r\nContent-Length: 9999\r\n\r\n"), line.drip(b" " * 9999))[
            1
        ]
    ),
    "chunks drip": after_request(
        lambda line: (
            line.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"),
            line.drip(b"1\r\nx\r\n" * 999),
        )[1]
    ),
    "a body without an end drips": after_request(
        lambda line: (line.send(b"HTTP/1.1 200 OK\r\n\r\n"), line.drip(b" " * 9999))[1]
    ),
    "gzip drips": after_request(
        lambda line: (
            line.send(b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 9999\r\n\r\n"),
            line.drip(gzip.compress(bytes(range(256)) * 40, 0)),
        )[1]
    ),
    "the body hangs half way": after_request(lambda line: (line.send(answer(BODY)[:-3]), line.hang())[1]),
}


@pytest.mark.flaky(reruns=1)  # the machine may stand still for longer than the promise
@pytest.mark.parametrize("script", NEVER_DONE.values(), ids=NEVER_DONE.keys())
def test_one_deadline_holds_whatever_drips(script: Script) -> None:
    with serving(script) as server:
        began = time.monotonic()
        with pytest.raises(UpstreamTimeout):
            get(server.url, deadline_s=0.4)
        assert 0.3 < time.monotonic() - began < 1.5


def test_a_slow_answer_within_the_deadline_is_an_answer() -> None:
    with serving(after_request(lambda line: line.drip(answer(b"{}"), 0.005))) as server:
        assert get(server.url, deadline_s=5).body == b"{}"


def test_the_deadline_is_over_before_it_starts() -> None:
    with serving(answer(BODY)) as server:
        with pytest.raises(UpstreamTimeout):
            get(server.url, deadline_s=0.0)
        assert server.connections == 0


FAULTS: dict[str, tuple[Script, type[UpstreamError]]] = {
    "closed without a byte": (after_request(lambda line: None), UpstreamUnavailable),
    "closed at once": (lambda line: None, UpstreamUnavailable),
    "reset": (after_request(Line.reset), UpstreamUnavailable),
    "reset in the body": (
        after_request(lambda line: (line.send(answer(BODY)[:-3]), line.reset())[1]),
        UpstreamError,
    ),
    "no HTTP at all": (after_request(lambda line: line.send(b"SSH-2.0-OpenSSH_9\r\n")), UpstreamUnavailable),
    "endless header line": (
        after_request(lambda line: line.send(b"HTTP/1.1 200 OK\r\nX: " + b"y" * 100_000)),
        UpstreamUnavailable,
    ),
    "half the body": (after_request(lambda line: line.send(answer(BODY)[:-3])), UnexpectedPayload),
    "half a chunk": (after_request(lambda line: line.send(chunked(BODY)[:-20])), UnexpectedPayload),
    "no last chunk": (after_request(lambda line: line.send(chunked(BODY, end=b""))), UnexpectedPayload),
    "a chunk of no length": (
        after_request(lambda line: line.send(chunked(BODY, end=b"zz\r\n"))),
        UnexpectedPayload,
    ),
    "gzip that is none": (
        after_request(lambda line: line.send(answer(BODY, headers="Content-Encoding: gzip\r\n"))),
        UnexpectedPayload,
    ),
    "a huge declared length": (
        after_request(lambda line: line.send(b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\n{}")),
        UnexpectedPayload,
    ),
    "a body over the cap": (
        after_request(lambda line: line.send(b"HTTP/1.1 200 OK\r\n\r\n" + b" " * (2**20 + 1))),
        UnexpectedPayload,
    ),
    "chunks over the cap": (
        after_request(lambda line: line.send(chunked(*[b" " * 2**16] * 17))),
        UnexpectedPayload,
    ),
    "a gzip bomb": (
        after_request(
            lambda line: line.send(answer(gzip.compress(b" " * 2**26), headers="Content-Encoding: gzip\r\n"))
        ),
        UnexpectedPayload,
    ),
}


@pytest.mark.parametrize(("script", "kind"), FAULTS.values(), ids=FAULTS.keys())
def test_every_fault_is_an_error_of_the_tree(script: Script, kind: type[UpstreamError]) -> None:
    with serving(script) as server, pytest.raises(kind) as error:
        get(server.url)
    assert not isinstance(error.value, UpstreamTimeout)
    assert error.value.message.endswith(".") and "127.0.0.1" not in error.value.message


def test_a_body_of_exactly_the_cap_is_whole() -> None:
    with serving(answer(gzip.compress(b" " * 2**20), headers="Content-Encoding: gzip\r\n")) as server:
        assert len(get(server.url).body) == 2**20


def test_nobody_listening_is_unavailable() -> None:
    with serving(answer(BODY)) as server:
        url = server.url
    with pytest.raises(UpstreamUnavailable, match="no connection"):
        get(url)


def test_an_unknown_host_is_unavailable(monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(*_: object, **__: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr("socket.getaddrinfo", unknown)
    with pytest.raises(UpstreamUnavailable, match="host name"):
        get("https://kalshi.invalid/trade-api/v2")


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


def test_a_proxy_is_never_used_for_loopback(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)
    with serving(answer(BODY)) as server:
        assert get(server.url).body == BODY


def test_a_proxy_of_the_environment_is_used_and_its_password_not_told(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def proxy(line: Line) -> None:
        request = line.read_request()
        assert request is not None
        seen.put(request)
        line.send(b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n")

    seen: SimpleQueue[Request] = SimpleQueue()
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.delenv("NO_PROXY", raising=False)
    with serving(proxy) as server:
        address = server.url.removeprefix("http://").partition("/")[0]
        monkeypatch.setenv("HTTPS_PROXY", f"http://user:hunter2@{address}")
        with pytest.raises(UpstreamUnavailable, match="proxy") as error:
            get("https://kalshi.invalid/trade-api/v2")
    assert seen.get(timeout=5).method == "CONNECT"
    assert "hunter2" not in str(error.value) and error.value.__cause__ is None


def test_a_missing_ca_bundle_is_a_config_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", "/nowhere/ca.pem")
    with pytest.raises(ConfigError, match="REQUESTS_CA_BUNDLE"):
        RequestsTransport("https://kalshi.invalid/trade-api/v2")


@pytest.fixture(scope="module")
def tls(
    tmp_path_factory: pytest.TempPathFactory, keys: Mapping[str, PrivateKey]
) -> tuple[ssl.SSLContext, Path]:
    """A server context, and the certificate file that makes it trusted."""
    now = datetime.now(UTC)
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "test")])
    builder = x509.CertificateBuilder(
        name, name, keys["rsa"].public_key(), 1, now - timedelta(days=1), now + timedelta(days=1)
    )
    builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
    builder = builder.add_extension(
        x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False
    )
    folder = tmp_path_factory.mktemp("tls")
    certificate = builder.sign(keys["rsa"], hashes.SHA256())
    (folder / "cert.pem").write_bytes(certificate.public_bytes(Encoding.PEM))
    (folder / "key.pem").write_bytes(
        keys["rsa"].private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "cert.pem", folder / "key.pem")
    return context, folder / "cert.pem"


@pytest.mark.flaky(reruns=1)  # the machine may stand still for longer than the promise
def test_the_deadline_holds_over_tls_too(
    tls: tuple[ssl.SSLContext, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    context, certificate = tls
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(certificate))
    with serving(answer(BODY), context) as server:
        transport = RequestsTransport(server.url)
        assert [get(transport).body for _ in range(3)] == [BODY] * 3
        transport.close()
        assert server.connections == 1
    with serving(NEVER_DONE["the body drips"], context) as server:
        began = time.monotonic()
        with pytest.raises(UpstreamTimeout):
            get(server.url, deadline_s=0.4)
        assert time.monotonic() - began < 1.5


@pytest.mark.flaky(reruns=1)  # the machine may stand still for longer than the promise
def test_a_tls_handshake_that_hangs_is_given_up() -> None:
    with RawServer(Line.hang) as server:
        transport = RequestsTransport(server.url.replace("http:", "https:"), connect_s=0.3)
        began = time.monotonic()
        with pytest.raises(UpstreamUnavailable):
            get(transport)
        assert time.monotonic() - began < 1.5
        transport.close()


def test_an_untrusted_certificate_is_refused(tls: tuple[ssl.SSLContext, Path]) -> None:
    with serving(answer(BODY), tls[0]) as server, pytest.raises(UpstreamUnavailable, match="TLS certificate"):
        get(server.url)


@pytest.mark.flaky(reruns=1)  # the machine may stand still for longer than the promise
def test_a_hundred_hanging_callers_are_all_released_in_time() -> None:
    with serving(after_request(Line.hang)) as server:
        transport = RequestsTransport(server.url)
        errors: list[BaseException] = []

        def ask() -> None:
            try:
                get(transport, deadline_s=0.5)
            except UpstreamTimeout as error:
                errors.append(error)

        threads = [threading.Thread(target=ask) for _ in range(100)]
        began = time.monotonic()
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(10)
        transport.close()
        assert len(errors) == 100
        assert time.monotonic() - began < 5
