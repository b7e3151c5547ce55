"""An exchange that repeats our signature and key id in its errors, in any spelling: no caller and no log sees them."""

from __future__ import annotations

import base64
import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote

import pytest

from kalshi.tests.servers import Gateway, Sandbox, running
from kalshi.tests.upstream.raw_server import Line, RawServer

ROOT = Path(__file__).parents[3]
SPELLINGS: dict[str, Callable[[str], str]] = {
    "plain": str,
    "slashes": lambda text: text.replace("/", "\\/"),
    "json": lambda text: "".join(f"\\u{ord(char):04x}" for char in text),
    "url": lambda text: quote(text, safe=""),
    "entities": lambda text: "".join(f"&#{ord(char)};" for char in text),
    "lines": lambda text: "\\n".join(text[at : at + 64] for at in range(0, len(text), 64)),
    "urlsafe": lambda text: text.replace("+", "-").replace("/", "_").rstrip("="),
}


@dataclass
class Exchange:
    """Answers every question with 400 and what signed it."""

    spelling: str = "plain"
    said: list[str] = field(default_factory=list)

    def serve(self, line: Line) -> None:
        while (request := line.read_request()) is not None:
            secrets = [request.headers.get(f"kalshi-access-{name}", "") for name in ("key", "signature")]
            told = [SPELLINGS[self.spelling](secret) for secret in secrets]
            self.said += secrets + told
            key, signature = told
            message = f'"no {signature} for {key}"'
            body = f'{{"error":{{"code":"bad_request","message":{message},"details":"{signature}"}}}}'
            head = f"HTTP/1.1 400 X\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
            line.send((head + body).encode())

    def found_in(self, text: str) -> list[str]:
        return [secret for secret in self.said if secret and secret in text]


@pytest.fixture(scope="module")
def exchange() -> Exchange:
    return Exchange()


@pytest.fixture(scope="module", params=["rsa", "ed25519"])
def gateway(exchange: Exchange, sandbox: Sandbox, request: pytest.FixtureRequest) -> Iterator[Gateway]:
    with RawServer(exchange.serve) as raw:
        env = sandbox.environment(request.param) | {"KALSHI_BASE_URL": raw.url}
        with running(lambda folder: Gateway(folder, **env)) as server:
            yield server


@pytest.mark.parametrize("spelling", SPELLINGS)
@pytest.mark.parametrize("path", ["/api/v1/kalshi/fills/", "/trade-api/v2/portfolio/fills"])
def test_no_error_carries_what_signed_the_question(
    spelling: str, path: str, gateway: Gateway, exchange: Exchange
) -> None:
    exchange.spelling = spelling
    exchange.said.clear()
    answer = gateway.get(f"{path}?limit={1 + list(SPELLINGS).index(spelling)}")
    assert answer.status_code == 400 and "no *** for ***" in answer.text, answer.text
    assert json.loads(answer.text)
    assert len(base64.b64decode(exchange.said[1])) in {64, 256}
    assert exchange.found_in(answer.text) == []
    assert exchange.found_in(gateway.process.output) == []


def test_the_verify_script_shows_none_of_it(gateway: Gateway, exchange: Exchange) -> None:
    exchange.spelling = "slashes"
    exchange.said.clear()
    ran = subprocess.run(
        [sys.executable, "verify_setup.py"],
        cwd=ROOT,
        env=gateway.env,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    printed = ran.stdout + ran.stderr
    assert "no *** for ***" in printed, printed
    beginnings = [secret[:40] for secret in exchange.said if secret]
    assert beginnings and [secret for secret in beginnings if secret in printed] == []
