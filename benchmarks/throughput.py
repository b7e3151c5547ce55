"""Requests per second of one cached body, by everything that could answer with it. One core for each server."""

from __future__ import annotations

import contextlib
import statistics
import tempfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import requests

from benchmarks import servers, varied
from benchmarks.cores import Cores
from benchmarks.load import Measured, drive
from kalshi.tests.deploy.nginx import Nginx
from kalshi.tests.servers import Gateway, Sandbox, running, wait_until

CONNECTIONS = 32
BODY_BYTES = 15_000


@dataclass(frozen=True, slots=True)
class Case:
    """One URL to drive. many: makes the headers of requests that are not all the same, right before they are sent."""

    name: str
    url: str
    headers: dict[str, str] = field(default_factory=dict)
    status: int = 200
    many: Callable[[], list[varied.Headers]] | None = None

    def check(self) -> None:
        """Raise when the answer is not the one that is meant; also warms it up."""
        headers = self.headers if self.many is None else self.many()[0]
        answer = requests.get(self.url, headers=headers, timeout=30)
        if answer.status_code != self.status:
            raise RuntimeError(
                f"{self.name}: {answer.status_code} instead of {self.status}: {answer.text[:300]}"
            )


@dataclass(frozen=True, slots=True)
class Ratio:
    """The figure of one case over that of another. target: at least this; None: only to be told.

    tail: compares the p99 latencies, and the target is the most.
    """

    name: str
    over: str
    target: float | None = None
    value: float = 0.0
    tail: bool = False

    @property
    def good(self) -> bool:
        if self.target is None:
            return True
        return self.value <= self.target if self.tail else self.value >= self.target


RATIOS = (
    *(
        Ratio(f"ours {status}, {store}", over, target)
        for status, over, target in (
            (200, "bare ASGI 200", 1.2),
            (304, "bare ASGI 304", 1.0),
            (200, "nginx 200", 0.8),
            (304, "nginx 304", 0.8),
            (200, "DRF view, Redis", 20),
            (304, "DRF view, Redis", 20),
        )
        for store in ("local", "Redis")
    ),
    *(Ratio(f"ours 200, {store}", "bare ASGI 200", 4, tail=True) for store in ("local", "Redis")),
    Ratio("ours 200, local", "bare ASGI 200, our headers"),
    Ratio("ours 200, local", "nginx 200, no log"),
    Ratio("ours 304, local", "nginx 304, no log"),
    Ratio("ours 200, local", "requests-cache view"),
    Ratio("gateway 200, RSA", "gateway 200, token", 0.4),
    Ratio("gateway 200, Ed25519", "gateway 200, token", 0.2),
    # Whose bytes the server has not seen either.
    Ratio("gateway 200, RSA", "gateway 200, token, own ids"),
    Ratio("gateway 200, Ed25519", "gateway 200, token, own ids"),
    *(Ratio(f"our nginx {status}", f"nginx {status}", 0.9) for status in (200, 304)),
)


@contextlib.contextmanager
def cases(sandbox: Sandbox, cores: Cores) -> Iterator[tuple[int, list[Case]]]:
    """Start every server. Yields the size of the body in bytes, and what to drive."""
    with contextlib.ExitStack() as stack:
        stack.enter_context(cores.server())

        def folder() -> Path:
            return Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="kalshi-")))

        redis_url = stack.enter_context(servers.redis(folder()))
        found: list[Case] = []
        local = {"TRUSTED_PROXIES": "127.0.0.1"}
        for store, env in (("local", local), ("Redis", {"REDIS_URL": redis_url})):
            ours = stack.enter_context(
                running(lambda where, env=env: servers.QuietGateway(where, **sandbox.environment(), **env))
            )
            ours.set_policies(fresh_s=3600)
            path, answer = nearest(ours)
            known = ours.token, answer.headers["ETag"]
            found += pair(f"ours {{}}, {store}", ours.base_url + path, *known)
            if store == "local":
                nginx = stack.enter_context(Nginx(folder(), ours.port, tls=False))
                found += pair("our nginx {}", nginx.url + path, *known)
                found += gateway(ours, path)
        body = folder() / "body.json"
        body.write_bytes(answer.content)
        found += beside(stack, body, servers.our_headers(answer), redis_url, folder())
        for case in found:
            case.check()
        yield len(answer.content), found


def pair(name: str, url: str, token: str, etag: str) -> list[Case]:
    """The whole body, and that it has not changed."""
    signed_in = {"Authorization": f"Bearer {token}"}
    unchanged = signed_in | {"If-None-Match": etag}
    return [Case(name.format(200), url, signed_in), Case(name.format(304), url, unchanged, 304)]


def gateway(ours: Gateway, path: str) -> list[Case]:
    """The same body under Kalshi's own path: by token, and by signatures that are checked for every request."""
    limit = path.rpartition("=")[2]
    url = f"{ours.base_url}/trade-api/v2/events?limit={limit}&status=open&with_nested_markets=true"
    token = {"Authorization": f"Bearer {ours.token}"}
    rsa, ed25519 = varied.issue(ours, "rsa"), varied.issue(ours, "ed25519")
    return [
        Case("gateway 200, token", url, token),
        Case("gateway 200, token, own ids", url, many=lambda: varied.with_own_ids(token)),
        Case("gateway 200, RSA", url, many=lambda: varied.signed(rsa, url)),
        Case("gateway 200, Ed25519", url, many=lambda: varied.signed(ed25519, url)),
    ]


def beside(
    stack: contextlib.ExitStack, body: Path, our_headers: str, redis_url: str, folder: Path
) -> list[Case]:
    """The others, with the same body."""
    env = {"BODY_FILE": str(body), "HEADERS": our_headers}
    bare = stack.enter_context(servers.uvicorn("bare_asgi", **env))
    drf = stack.enter_context(servers.uvicorn("plain_drf", REDIS_URL=redis_url, **env))
    upstream = stack.enter_context(servers.uvicorn("slow_upstream", **env))
    scripts = stack.enter_context(servers.uvicorn("requests_cache_view", UPSTREAM_URL=upstream))
    logged, silent = stack.enter_context(servers.plain_nginx(folder, upstream, valid="1h"))
    known = 64 * "0", requests.get(upstream, timeout=10).headers["ETag"]
    token = {"Authorization": f"Bearer {known[0]}"}
    return [
        Case("bare ASGI 200", bare + "/", token),
        Case("bare ASGI 304", bare + "/304", token, 304),
        Case("bare ASGI 200, our headers", bare + "/ours", token),
        *pair("nginx {}", logged + "/", *known),
        *pair("nginx {}, no log", silent + "/", *known),
        Case("DRF view, Redis", drf + "/data/", token),
        Case("requests-cache view", scripts + "/data/", token),
    ]


def nearest(ours: Gateway) -> tuple[str, requests.Response]:
    """The list of events whose size is nearest to the one that is wanted, answered from the cache."""
    paths = [f"/api/v1/kalshi/events/?limit={limit}" for limit in range(1, 7)]
    path = min(paths, key=lambda one: abs(len(ours.get(one).content) - BODY_BYTES))
    wait_until(lambda: "; hit" in ours.get(path).headers["Cache-Status"], what="a cached answer")
    return path, ours.get(path)


def measure(all_cases: list[Case], rounds: int, seconds: int) -> dict[str, Measured]:
    """Each round measures every case once, so that a change of the machine's mood meets all of them."""
    runs: dict[str, list[Measured]] = {case.name: [] for case in all_cases}
    with tempfile.TemporaryDirectory(prefix="kalshi-") as folder:
        for _ in range(rounds):
            for case in all_cases:
                case.check()
                script = None
                if case.many is not None:
                    script = varied.write_script(case.many(), Path(folder) / "varied.lua")
                runs[case.name].append(
                    drive(case.url, case.headers, seconds=seconds, connections=CONNECTIONS, script=script)
                )
    return {name: median(seen) for name, seen in runs.items()}


def median(seen: list[Measured]) -> Measured:
    return Measured(
        requests_per_s=statistics.median(run.requests_per_s for run in seen),
        p50_ms=statistics.median(run.p50_ms for run in seen),
        p99_ms=statistics.median(run.p99_ms for run in seen),
        failed=sum(run.failed for run in seen),
    )


def ratios(seen: Mapping[str, Measured]) -> list[Ratio]:
    def figure(name: str, one: Ratio) -> float:
        return seen[name].p99_ms if one.tail else seen[name].requests_per_s

    return [replace(one, value=round(figure(one.name, one) / figure(one.over, one), 3)) for one in RATIOS]
