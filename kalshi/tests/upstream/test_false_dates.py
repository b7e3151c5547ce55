"""An exchange that judges the time in our signatures by a true clock, and tells a time of its own in `Date`."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from email.utils import formatdate
from itertools import chain, repeat

import pytest

from kalshi.errors import KalshiError, TimestampExpired
from kalshi.tests.upstream.conftest import KEY_ID
from kalshi.tests.upstream.raw_server import Line, answer, serving
from kalshi.upstream.client import Client
from kalshi.upstream.clock import ExchangeClock
from kalshi.upstream.credentials import Credentials
from kalshi.upstream.endpoints import ENDPOINTS, Endpoint
from kalshi.upstream.params import validate
from kalshi.upstream.pem import PrivateKey
from kalshi.upstream.transport import RequestsTransport

BALANCE = validate(ENDPOINTS["get_balance"], [], {}, api=True)
EVENTS = validate(ENDPOINTS["get_events"], [], {}, api=True)
NOW_S = 1_795_176_000.0
"""The true time, which stands still."""
ACCEPTED_S = 15.0
GOOD = b'{"balance":5,"events":[]}'
EXPIRED = b'{"error":{"code":"header_timestamp_expired","message":"header timestamp expired"}}'


class OpenGate:
    """Lets everything pass."""

    def admit(
        self, endpoint: Endpoint, *, charged: bool, background: bool, max_wait_s: float, caller: str
    ) -> None:
        pass

    def report(
        self, endpoint: Endpoint, error: KalshiError | None, latency_s: float, *, drifted: bool = False
    ) -> None:
        pass


class Exchange:
    """`dates`: how many seconds each answer's Date is off; the last one stays. `asked`: questions so far."""

    def __init__(self) -> None:
        self.dates: Iterator[float] = repeat(0.0)
        self.asked = 0

    def tell(self, *off_s: float) -> None:
        self.dates = chain(off_s, repeat(off_s[-1]))

    def serve(self, line: Line) -> None:
        while request := line.read_request():
            self.asked += 1
            off_s = NOW_S - int(request.headers["kalshi-access-timestamp"]) / 1000
            date = f"Date: {formatdate(NOW_S + next(self.dates), usegmt=True)}\r\n"
            good = abs(off_s) <= ACCEPTED_S
            line.send(answer(GOOD, headers=date) if good else answer(EXPIRED, status="401 No", headers=date))


class Machine:
    """Our side: its clock is `ahead_s` ahead, and every question says "ok" or the error's name."""

    def __init__(self, exchange: Exchange, url: str, credentials: Credentials) -> None:
        self.exchange = exchange
        self.ahead_s = 0.0
        self.transport = RequestsTransport(url)
        clock = ExchangeClock(lambda: NOW_S + self.ahead_s)
        self._client = Client(self.transport, credentials, OpenGate(), clock)

    def ask(self) -> list[str]:
        """Two signed operations and a public one."""
        return [self._one(call) for call in (BALANCE, BALANCE, EVENTS)]

    def _one(self, call: object) -> str:
        try:
            self._client.fetch(call, request_id="r")  # type: ignore[arg-type]
        except KalshiError as error:
            return type(error).__name__
        return "ok"


@contextmanager
def machine(credentials: Credentials) -> Iterator[Machine]:
    exchange = Exchange()
    with serving(exchange.serve) as server:
        made = Machine(exchange, server.url, credentials)
        yield made
        made.transport.close()


@pytest.fixture
def ours(keys: dict[str, PrivateKey]) -> Iterator[Machine]:
    with machine(Credentials(KEY_ID, keys["ed25519"])) as made:
        yield made


ALL_WELL = ["ok", "ok", "ok"]


@pytest.mark.parametrize("off_s", [3600, -3600, 20, -20, 80_000])
def test_a_false_date_shuts_nobody_out_while_our_clock_is_right(ours: Machine, off_s: float) -> None:
    ours.exchange.tell(off_s)
    assert ours.ask() + ours.ask() == ALL_WELL * 2
    assert ours.exchange.asked == 6


@pytest.mark.parametrize("off_s", [600, -600])
def test_a_wrong_clock_is_corrected_by_one_refusal_for_good(ours: Machine, off_s: float) -> None:
    ours.ahead_s = off_s
    assert ours.ask() == ALL_WELL
    assert ours.exchange.asked == 4


def test_a_false_date_does_no_harm_to_a_correction_that_is_accepted(ours: Machine) -> None:
    ours.ahead_s = 600
    ours.ask()
    ours.exchange.tell(3600)
    assert ours.ask() == ALL_WELL


def test_a_clock_that_was_set_right_needs_no_true_date(ours: Machine) -> None:
    ours.ahead_s = 600
    ours.ask()
    ours.ahead_s = 0
    ours.exchange.tell(3600)
    assert ours.ask() == ALL_WELL


def test_a_wrong_clock_and_a_false_date_heal_with_the_first_true_date(ours: Machine) -> None:
    ours.ahead_s = 600
    ours.exchange.tell(3600)
    assert ours.ask() == ["TimestampExpired"] * 3
    ours.exchange.tell(0)
    assert ours.ask() == ALL_WELL


def test_ever_new_dates_are_not_tried_for_ever(ours: Machine) -> None:
    ours.ahead_s = 600
    ours.exchange.tell(*range(3600, 7200, 100))
    ours.ask()
    assert ours.exchange.asked <= 9


def test_the_sentence_names_both_who_can_be_wrong(ours: Machine) -> None:
    ours.ahead_s = 600
    ours.exchange.tell(3600)
    with pytest.raises(TimestampExpired, match="clock of this machine"):
        ours._client.fetch(BALANCE, request_id="r")
