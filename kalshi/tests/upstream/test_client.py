import json
import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import pytest

from kalshi.errors import (
    AuthRejected,
    BreakerOpen,
    KalshiError,
    LimitedOnTheWay,
    NoCredentials,
    NotFound,
    NotTheExchange,
    RateLimited,
    TimestampExpired,
    UnexpectedPayload,
    UpstreamRefused,
    UpstreamTimeout,
    UpstreamUnavailable,
)
from kalshi.tests.upstream.conftest import KEY_ID
from kalshi.tests.upstream.verification import verify
from kalshi.upstream.client import Client, Fetched
from kalshi.upstream.clock import ExchangeClock
from kalshi.upstream.credentials import Credentials
from kalshi.upstream.endpoints import ENDPOINTS, Endpoint
from kalshi.upstream.params import Call, Params, validate
from kalshi.upstream.pem import PrivateKey
from kalshi.upstream.signing import Signer
from kalshi.upstream.transport import RawResponse

BALANCE = validate(ENDPOINTS["get_balance"], [], {}, api=True)
EVENTS = validate(ENDPOINTS["get_events"], [], {}, api=True)
OK = RawResponse(200, {"x": "1"}, b'{"balance": 5}')
NOON_S = 1_795_176_000.0
NOON = {"date": "Fri, 20 Nov 2026 12:00:00 GMT"}
EXPIRED = RawResponse(
    401, NOON, b'{"error":{"code":"header_timestamp_expired","message":"header timestamp expired"}}'
)

Step = RawResponse | BaseException


@dataclass
class World:
    """A scripted transport, a gate that notes everything, and time that passes only in sleeps."""

    steps: list[Step]
    signs_itself: bool = False
    now_s: float = 0.0
    refusals: dict[int, KalshiError] = field(default_factory=dict)
    sent: list[dict[str, str] | None] = field(default_factory=list)
    deadlines: list[float] = field(default_factory=list)
    slept: list[float] = field(default_factory=list)
    admitted: list[tuple[str, bool, bool, float]] = field(default_factory=list)
    reports: list[type | None] = field(default_factory=list)
    drifted: list[str] = field(default_factory=list)

    def get(
        self, path: str, params: Params, *, sign: Signer | None, deadline_s: float, request_id: str
    ) -> RawResponse:
        self.sent.append(sign("GET", "/trade-api/v2" + path) if sign else None)
        self.deadlines.append(deadline_s)
        step = self.steps.pop(0)
        if isinstance(step, BaseException):
            raise step
        return step

    def admit(
        self, endpoint: Endpoint, *, charged: bool, background: bool, max_wait_s: float, caller: str
    ) -> None:
        if refusal := self.refusals.get(len(self.admitted)):
            raise refusal
        self.admitted.append((endpoint.operation, charged, background, max_wait_s))

    def report(
        self, endpoint: Endpoint, error: KalshiError | None, latency_s: float, *, drifted: bool = False
    ) -> None:
        self.reports.append(type(error) if error else None)
        self.drifted += [endpoint.operation] * drifted

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now_s += seconds


class Wall:
    """A wall clock for the signatures."""

    def __init__(self, now_s: float) -> None:
        self.now_s = now_s

    def __call__(self) -> float:
        return self.now_s


def client(world: World, credentials: Credentials | None, wall: Wall | None = None) -> Client:
    clock = ExchangeClock(wall or Wall(NOON_S))
    return Client(
        world, credentials, world, clock, sleep=world.sleep, monotonic=lambda: world.now_s, chance=lambda: 0.5
    )


def fetch(
    world: World, credentials: Credentials | None, call: Call = BALANCE, *, background: bool = False
) -> Fetched:
    return client(world, credentials).fetch(call, background=background, request_id="req-1")


@pytest.fixture
def signer(keys: dict[str, PrivateKey]) -> Credentials:
    return Credentials(KEY_ID, keys["ed25519"])


def test_a_good_answer_comes_back_byte_for_byte(signer: Credentials) -> None:
    world = World([OK])
    assert fetch(world, signer) == Fetched(OK.body, 200, OK.headers)
    assert world.admitted == [("get_balance", True, False, 5.0)]
    assert world.reports == [None]
    assert world.deadlines == [15.0]


def test_both_kinds_of_key_sign_every_operation_verifiably(key: PrivateKey, credentials: Credentials) -> None:
    world = World([OK, OK])
    fetch(world, credentials)
    fetch(world, credentials, EVENTS)
    for headers, path in zip(world.sent, ("portfolio/balance", "events"), strict=True):
        assert headers is not None
        verify(key, headers, "GET", f"/trade-api/v2/{path}")
        assert headers["KALSHI-ACCESS-TIMESTAMP"] == str(round(NOON_S * 1000))


def test_without_credentials_public_operations_go_unsigned_and_uncharged() -> None:
    world = World([OK])
    fetch(world, None, EVENTS)
    assert world.sent == [None]
    assert world.admitted[0][:2] == ("get_events", False)


def test_without_credentials_a_portfolio_operation_sends_nothing() -> None:
    world = World([OK])
    with pytest.raises(NoCredentials):
        fetch(world, None)
    assert world.sent == world.admitted == world.reports == []


def test_a_transport_that_signs_itself_needs_no_credentials() -> None:
    world = World([OK], signs_itself=True)
    fetch(world, None)
    assert world.sent == [None]
    assert world.admitted[0][1] is True


@pytest.mark.parametrize(
    "body",
    [b'{"n": 1e999, "m": ' + b"9" * 5000 + b"}", b' {"a":1,"a":2} ', b"{}", '{"é":"\\ud800"}'.encode()],
)
def test_any_json_object_is_good(signer: Credentials, body: bytes) -> None:
    assert fetch(World([RawResponse(200, {}, body)]), signer).body == body


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>",
        b"[]",
        b"null",
        b'"x"',
        b"5",
        b'{"a":NaN}',
        b'{"a":-Infinity}',
        b"{",
        b'{"a":1}x',
        b'{"\xff":1}',
        b"\xef\xbb\xbf{}",
        '{"a":1}'.encode("utf-16"),
        b'{"a":' * 100_000,
    ],
)
def test_what_is_no_json_object_is_a_bad_payload(signer: Credentials, body: bytes) -> None:
    world = World([RawResponse(200, {}, body)])
    with pytest.raises(UnexpectedPayload) as error:
        fetch(world, signer)
    assert error.value.upstream_status == 200
    assert world.reports == [UnexpectedPayload]


def test_5xx_and_connection_errors_are_retried_after_1_2_and_4_seconds(signer: Credentials) -> None:
    world = World([RawResponse(503, {}, b""), UpstreamUnavailable("x"), RawResponse(500, {}, b""), OK])
    assert fetch(world, signer).body == OK.body
    assert world.slept == pytest.approx([1, 2, 4])
    assert world.reports == [UpstreamUnavailable] * 3 + [None]
    assert len(world.admitted) == 4
    assert world.deadlines == pytest.approx([15, 14, 12, 8])
    assert [wait for *_, wait in world.admitted] == pytest.approx([5, 5, 5, 5])


def test_it_gives_up_after_three_retries(signer: Credentials) -> None:
    world = World([RawResponse(503, {}, b"")] * 4)
    with pytest.raises(UpstreamUnavailable):
        fetch(world, signer)
    assert len(world.sent) == 4


def test_slow_failures_end_within_the_total(signer: Credentials) -> None:
    world = World([])

    def slow() -> Iterator[Step]:
        while True:
            world.now_s += 6
            yield RawResponse(503, {}, b"")

    failures = slow()
    world.steps = Endless(lambda: next(failures))  # type: ignore[assignment]
    with pytest.raises(UpstreamUnavailable):
        fetch(world, signer)
    assert len(world.sent) == 2
    assert world.now_s <= 15


class Endless:
    def __init__(self, make: Callable[[], Step]) -> None:
        self.make = make

    def pop(self, _: int) -> Step:
        return self.make()


def test_every_attempt_is_signed_anew(signer: Credentials) -> None:
    wall = Wall(NOON_S)
    world = World([RawResponse(503, {}, b""), OK])
    fetcher = client(world, signer, wall)
    slept = world.sleep

    def sleep(seconds: float) -> None:
        slept(seconds)
        wall.now_s += seconds

    fetcher._sleep = sleep
    fetcher.fetch(BALANCE, request_id="r")
    stamps = [int(headers["KALSHI-ACCESS-TIMESTAMP"]) for headers in world.sent if headers]
    assert stamps[1] - stamps[0] == pytest.approx(1000)


@pytest.mark.parametrize(
    ("step", "kind"),
    [
        (RawResponse(400, {}, b'{"msg":"bad limit"}'), UpstreamRefused),
        (RawResponse(401, {}, b'{"code":"x"}'), AuthRejected),
        (RawResponse(403, {}, b'{"code":"x"}'), AuthRejected),
        (RawResponse(404, {}, b'{"code":"x"}'), NotFound),
        (RawResponse(429, {}, b'{"code":"x"}'), RateLimited),
        (RawResponse(403, {}, b"<html>"), NotTheExchange),
        (RawResponse(429, {}, b""), LimitedOnTheWay),
        (RawResponse(301, {}, b""), UnexpectedPayload),
        (UpstreamTimeout("late"), UpstreamTimeout),
        (UnexpectedPayload("cut"), UnexpectedPayload),
    ],
)
def test_nothing_else_is_retried(signer: Credentials, step: Step, kind: type[KalshiError]) -> None:
    world = World([step])
    with pytest.raises(kind):
        fetch(world, signer, background=True)
    assert world.slept == []
    assert world.reports == [kind]


def test_background_work_says_so_and_waits_longer_for_budget(signer: Credentials) -> None:
    world = World([OK])
    fetch(world, signer, background=True)
    assert world.admitted == [("get_balance", True, True, 60.0)]


@pytest.mark.parametrize(
    "refusal", [RateLimited("spent", retry_after_s=1), BreakerOpen("open", retry_after_s=9)]
)
def test_a_closed_gate_sends_nothing(signer: Credentials, refusal: KalshiError) -> None:
    world = World([OK], refusals={0: refusal})
    with pytest.raises(type(refusal)):
        fetch(world, signer)
    assert world.sent == world.reports == world.slept == []


def test_a_gate_that_closes_between_attempts_ends_the_retries_with_the_true_error(
    signer: Credentials,
) -> None:
    world = World([RawResponse(503, {}, b"")], refusals={1: BreakerOpen("open", retry_after_s=9)})
    with pytest.raises(UpstreamUnavailable, match=r"\(503\)"):
        fetch(world, signer)
    assert len(world.sent) == 1


def test_an_expired_timestamp_is_signed_once_more_with_the_learned_clock(signer: Credentials) -> None:
    world = World([EXPIRED, OK])
    assert client(world, signer, Wall(NOON_S - 600)).fetch(BALANCE, request_id="r").body == OK.body
    first, second = (int(headers["KALSHI-ACCESS-TIMESTAMP"]) for headers in world.sent if headers)
    assert second - first == pytest.approx(600_500)
    assert world.slept == []
    assert world.reports == [TimestampExpired, None]


@pytest.mark.parametrize(("behind_s", "sent"), [(600, 2), (0, 1)])
def test_an_expired_timestamp_with_no_other_time_to_try_is_the_answer(
    signer: Credentials, behind_s: float, sent: int
) -> None:
    world = World([EXPIRED] * 3)
    with pytest.raises(TimestampExpired):
        client(world, signer, Wall(NOON_S - behind_s)).fetch(BALANCE, request_id="r")
    assert len(world.sent) == sent


def test_no_good_answer_changes_the_clock(signer: Credentials) -> None:
    for call in (BALANCE, EVENTS):
        fetcher = client(World([RawResponse(200, NOON, OK.body)]), signer, Wall(NOON_S - 60))
        fetcher.fetch(call, request_id="r")
        assert fetcher._clock.offset_s == 0.0


def test_a_bug_in_the_transport_is_reported_to_the_gate_and_not_hidden(signer: Credentials) -> None:
    world = World([ZeroDivisionError()])
    with pytest.raises(ZeroDivisionError):
        fetch(world, signer)
    assert world.reports == [KalshiError]


def test_the_key_id_in_an_upstream_message_is_masked(signer: Credentials) -> None:
    body = json.dumps({"error": {"code": "bad_request", "message": f"key {KEY_ID}"}}).encode()
    with pytest.raises(UpstreamRefused) as error:
        fetch(World([RawResponse(400, {}, body)]), signer)
    assert "key ***" in error.value.message
    assert KEY_ID.encode() not in error.value.upstream_body


@pytest.mark.parametrize("part", ["code", "message", "details"])
def test_the_key_id_is_masked_however_the_message_spells_it(signer: Credentials, part: str) -> None:
    escaped = "".join(f"\\u{ord(letter):04x}" for letter in KEY_ID)
    error = {"code": "bad_request", "message": "no"} | {part: "ESCAPED"}
    body = json.dumps({"error": error}).replace("ESCAPED", escaped).encode()
    with pytest.raises(UpstreamRefused) as refusal:
        fetch(World([RawResponse(400, {}, body)]), signer)
    assert KEY_ID not in refusal.value.message


def test_each_attempt_is_logged_with_its_request_and_without_secrets(
    signer: Credentials, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG, "kalshi.upstream"):
        fetch(World([RawResponse(503, {}, b""), OK]), signer)
    first, second = caplog.records
    assert (first.levelname, first.outcome, first.upstream_status, first.attempt) == (
        "WARNING",
        "UpstreamUnavailable",
        503,
        1,
    )
    assert (second.levelname, second.outcome, second.upstream_status, second.attempt) == (
        "INFO",
        "ok",
        200,
        2,
    )
    for record in caplog.records:
        assert record.request_id == "req-1"
        assert record.operation == "get_balance"
        assert KEY_ID not in repr(record.__dict__)
