"""What a caller claims about where it comes from, and by which scheme, ends at nginx, whatever it asks for."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator

import pytest

from kalshi.tests.deploy.cached import numbered, numbers
from kalshi.tests.deploy.nginx import HOST, Nginx
from kalshi.tests.deploy.spy import Asked, Reply, SpyGateway
from kalshi.tests.servers import Gateway, Sandbox, running

PERSON = "127.0.0.9"
CLAIMS = {
    "X-Forwarded-For": "203.0.113.9",
    "X-Forwarded-Proto": "http",
    "X-Forwarded-Host": "elsewhere.example",
    "X-Forwarded-Port": "80",
    "Forwarded": "for=203.0.113.9;proto=http",
    "Connection": "Upgrade",
    "Upgrade": "websocket",
}
ARRIVES = {"Host": f"{HOST}:{{port}}", "X-Forwarded-For": PERSON, "X-Forwarded-Proto": "https"}


def broken_off(asked: Asked) -> Reply | None:
    """A gateway that cuts off, so that nginx goes on to the location that asks again."""
    del asked
    return None


@pytest.mark.parametrize("reply", [numbered, broken_off], ids=["answered", "cut off"])
@pytest.mark.parametrize(
    "path",
    [
        "/{}",
        "/audit.csv?{}",
        "/api/v1/status/?{}",
        "/api/v1/kalshi/{}/",
        "/api/v1/kalshi/fills/?history=true&{}",
        "/trade-api/v2/{}",
        "/sign-in/{}/",
        "/static/{}.css",
    ],
)
def test_no_claim_of_a_caller_about_itself_reaches_the_gateway(
    nginx: Nginx, spy: SpyGateway, path: str, reply: Callable[[Asked], Reply | None]
) -> None:
    spy.reply = reply
    address, known = path.format(f"claims-{next(numbers)}"), len(spy.asked)
    nginx.get(address, source=PERSON, **CLAIMS)
    seen = [asked for asked in spy.asked[known:] if asked.path == address]
    assert seen
    for asked in seen:
        expected = {name: ARRIVES.get(name, "").format(port=nginx.port) for name in ("Host", *CLAIMS)}
        assert {name: asked.header(name) or "" for name in expected} == expected


@pytest.fixture(scope="module")
def strict(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Nginx]:
    """Before a gateway that takes nothing but HTTPS."""
    with contextlib.ExitStack() as stack:
        sandbox = stack.enter_context(running(Sandbox))
        environment = sandbox.environment() | {"TRUSTED_PROXIES": HOST, "DJANGO_HTTPS_ONLY": "1"}
        gateway = stack.enter_context(running(lambda folder: Gateway(folder, **environment)))
        yield stack.enter_context(Nginx(tmp_path_factory.mktemp("nginx"), gateway.port))


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/sign-in/", "text/html"),
        ("/static/kalshi/js/main.js", "text/javascript"),
        ("/static/kalshi/base.css", "text/css"),
    ],
)
def test_with_https_only_pages_and_their_files_are_answered_and_not_sent_on(
    strict: Nginx, path: str, kind: str
) -> None:
    response, body = strict.get(path)
    assert (response.status, response.headers["Location"], bool(body)) == (200, None, True)
    assert kind in response.headers["Content-Type"]
