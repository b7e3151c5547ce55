"""Every secret, through every output: none may be found."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pytest
import redis
import requests

from kalshi.tests.live.conftest import some_ticker
from kalshi.tests.servers import Gateway, Sandbox, running

API = "/api/v1/kalshi/"


@dataclass
class Seen:
    gateway: Gateway
    secrets: dict[str, str]
    outputs: dict[str, str]


def dump(answer: requests.Response) -> str:
    # The cookie that signing in sets is the one place where a session may stand.
    headers = {name: value for name, value in answer.headers.items() if name != "Set-Cookie"}
    return f"{headers}\n{answer.text}"


def provoke(gateway: Gateway, sandbox: Sandbox) -> dict[str, str]:
    """Every kind of answer: good, refused, failed, malformed, unknown, for strangers and for people."""
    outputs = {}
    bad = ["balance/?x=1", "orders/?limit=abc", "markets/..", "markets/%00", "nope", "balance/?" + "a" * 9000]
    for path in [
        *(API + p for p in bad),
        "/",
        "/admin/",
        "/sign-in/x/",
        "/metrics",
        "/api/v1/status/",
        "/readyz",
    ]:
        outputs[path] = dump(gateway.get(path))
        outputs["stranger " + path] = dump(requests.get(gateway.base_url + path, timeout=10))
    outputs["post"] = dump(gateway.session.post(gateway.base_url + API + "balance/", data="{", timeout=10))
    outputs["host"] = dump(gateway.get("/", headers={"Host": "evil.example.com"}))
    outputs["bad token"] = dump(
        gateway.get(API + "balance/", headers={"Authorization": "Bearer abc" + gateway.token})
    )
    ticker = some_ticker(gateway)
    for fault in (
        {"mode": "garbage"},
        {"mode": "down"},
        *({"mode": "status", "status": s} for s in (400, 401, 403, 500)),
    ):
        sandbox.fault(**fault)
        for path in (API + "balance/?subaccount=9", f"{API}markets/{ticker}/", "/api/v1/status/"):
            outputs[f"{fault} {path}"] = dump(gateway.get(path, headers={"Cache-Control": "no-cache"}))
    sandbox.heal()
    return outputs


def content(store: redis.Redis, key: bytes) -> object:
    match store.type(key):
        case b"hash":
            return store.hgetall(key)
        case b"zset":
            return store.zrange(key, 0, -1)
        case b"list":
            return store.lrange(key, 0, -1)
        case b"set":
            return store.smembers(key)
        case _:
            return store.get(key)


@pytest.fixture(scope="module", params=["0", "1"], ids=["debug off", "debug on"])
def seen(sandbox: Sandbox, redis_url: str, request: pytest.FixtureRequest) -> Iterator[Seen]:
    env = sandbox.environment() | {"REDIS_URL": redis_url, "DJANGO_DEBUG": request.param}
    with running(lambda folder: Gateway(folder, **env)) as gateway, gateway.sign_in() as browser:
        outputs = provoke(gateway, sandbox)
        for path in (
            "/",
            "/admin/",
            "/admin/kalshi/apitoken/",
            "/admin/kalshi/endpointpolicy/",
            "/metrics",
            API + "balance/",
        ):
            outputs["browser " + path] = dump(browser.get(gateway.base_url + path, timeout=10))
        assert "kalshi_http_requests_total" in outputs["browser /metrics"]
        store = redis.Redis.from_url(redis_url)
        outputs["cache"] = repr([(key, content(store, key)) for key in store.keys("*")])
        store.close()
        assert "portfolio" in outputs["cache"]
        # The link is printed for the person who started the program; the log proper begins behind it.
        outputs["log"] = gateway.process.output.replace(gateway.sign_in_link, "")
        pem = sandbox.key_path().read_text()
        secrets = {
            "key id": sandbox.key_ids["rsa"],
            "pem": pem.splitlines()[1],
            "pem end": pem.splitlines()[-2],
            "token": gateway.token,
            "session": browser.cookies["sessionid"],
            "django secret": (gateway.data_dir / "secret_key").read_text().strip(),
            "sign-in code": gateway.sign_in_link.rstrip("/").rsplit("/", 1)[1],
        }
        yield Seen(gateway, secrets, outputs)


@pytest.mark.parametrize(
    "name", ["key id", "pem", "pem end", "token", "session", "django secret", "sign-in code"]
)
def test_no_output_contains_the_secret(seen: Seen, name: str) -> None:
    guilty = [where for where, text in seen.outputs.items() if seen.secrets[name] in text]
    assert guilty == []


def test_the_log_has_requests_and_masks_sign_in_codes(seen: Seen) -> None:
    assert "/sign-in/***" in seen.outputs["log"]
    assert "/api/v1/kalshi/balance/" in seen.outputs["log"]


def test_no_answer_is_a_traceback(seen: Seen) -> None:
    assert [where for where, text in seen.outputs.items() if where != "log" and "Traceback" in text] == []
