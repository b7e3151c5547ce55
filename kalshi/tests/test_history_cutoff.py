"""The cutoff moves while every kind of page lies in the cache, and documents of before are kept: a complete answer has
everything once.

The exchange is a list of trades and a cutoff that only moves forward; the cache is a dictionary with the fresh times of
the endpoint table and a clock that the test sets.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule

from kalshi.byte_lru import ByteLru
from kalshi.cache.entry import Entry
from kalshi.cache.readthrough import Answer
from kalshi.conf import EndpointOptions
from kalshi.redis_link import PREFIX, RedisLink, link_to
from kalshi.services.history_age import combined
from kalshi.services.history_cutoff import Furthest, time_of
from kalshi.services.history_kept import Maker, Question
from kalshi.services.read import Reading
from kalshi.tests.cache.stores import redis_cache
from kalshi.upstream.endpoints import ENDPOINTS
from kalshi.upstream.params import Call

PAGE = 3


def made_at(number: int) -> str:
    return f"2026-08-01T00:{number // 60:02}:{number % 60:02}Z"


class Exchange:
    """Trade number n was made at second n; those before `cutoff` are archived."""

    def __init__(self) -> None:
        self.made = self.cutoff = 0

    def answer(self, call: Call) -> bytes:
        if call.path == "/historical/cutoff":
            return json.dumps({"trades_created_ts": made_at(self.cutoff)}).encode()
        archived = call.path == "/historical/trades"
        numbers = range(self.cutoff) if archived else range(self.cutoff, self.made)
        after = int(dict(call.params).get("cursor", self.made))
        left = [number for number in reversed(numbers) if number < after]
        trades = [{"trade_id": str(number), "created_time": made_at(number)} for number in left[:PAGE]]
        return json.dumps({"trades": trades, "cursor": str(left[PAGE - 1]) if left[PAGE:] else ""}).encode()


class CutoffMoves(RuleBasedStateMachine):
    @initialize(made=st.integers(0, 20), share=st.floats(0, 1))
    def begin(self, made: int, share: float) -> None:
        self.exchange, self.now = Exchange(), 1_000_000.0
        self.exchange.made = made
        self.exchange.cutoff = int(made * share)
        self.copies: dict[tuple[object, ...], Entry] = {}
        self.made_at = [(0.0, made)]
        self.furthest = Furthest("host")
        self.documents: ByteLru[Any] = ByteLru(2**20, size=lambda kept: kept.size())

    def read(self, call: Call, *, forced: bool = False, mark: str = "") -> Reading:
        key = (call.path, call.params, mark)
        fresh_s = call.endpoint.fresh_s
        copy = self.copies.get(key)
        kind = "hit"
        if copy is None or copy.age_s(self.now) >= (min(2.0, fresh_s) if forced else fresh_s):
            self.now += 0.01
            body = self.exchange.answer(call)
            copy = Entry.of("", 200, body, fetched_at=self.now, fresh_s=fresh_s, keep_s=9e9)
            self.copies[key], kind = copy, "miss"
        options = EndpointOptions(fresh_s, 9e9, 1.0, True)
        return Reading(str(key), Answer(copy, kind), options, None, "")  # type: ignore[arg-type]  # no engine here

    @rule(count=st.integers(1, 5))
    def trade(self, count: int) -> None:
        self.exchange.made += count
        self.made_at.append((self.now, self.exchange.made))

    @rule(count=st.integers(1, 5))
    def move_the_cutoff(self, count: int) -> None:
        self.exchange.cutoff = min(self.exchange.cutoff + count, self.exchange.made)

    @rule(seconds=st.sampled_from([0.5, 3.0, 6.0, 60.0, 301.0]))
    def wait(self, seconds: float) -> None:
        self.now += seconds

    @rule(forced=st.booleans())
    def ask(self, forced: bool) -> None:
        question = Question(ENDPOINTS["get_trades"], (), {}, forced)
        done = Maker(self.documents, "", question, self.read, self.furthest).make()
        body: dict[str, Any] = json.loads(done.body)
        ids = [int(trade["trade_id"]) for trade in body["trades"]]
        assert ids == sorted(set(ids), reverse=True)
        if body["history"]["complete"]:
            live = [r.answer.entry.fetched_at for r in done.readings if "/markets/trades" in r.key]
            known = max(made for at, made in self.made_at if at < min(live))
            assert set(range(known)) <= set(ids)
        else:
            assert body["history"]["reason"] in {"page_limit"}
        answer, options = combined(done.body, done.etag, done.readings, self.now)
        assert answer.entry.age_s(self.now) <= 301
        assert options.fresh_s >= answer.entry.age_s(self.now) - 1


TestCutoffMoves = CutoffMoves.TestCase
TestCutoffMoves.settings = settings(max_examples=60, stateful_step_count=25, deadline=None)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("1970-01-01T00:00:05Z", 5),
        ("2026-08-21T00:00:00.123456789Z", 1_787_270_400),
        ("1969-12-31T23:59:59Z", None),
        ("2026-02-31T00:00:00Z", None),
        ("2026-08-21T00:00:00", None),
        ("soon", None),
        ("", None),
        (5, None),
        (None, None),
        ([], None),
    ],
)
def test_a_cutoff_is_a_moment_or_nothing(value: object, expected: int | None) -> None:
    assert time_of({"trades_created_ts": value}, "trades_created_ts") == expected
    assert time_of({}, "trades_created_ts") is None


@pytest.fixture
def link(redis_url: str) -> Iterator[RedisLink]:
    with redis_cache(redis_url) as cache:
        found = link_to(cache)
        assert found is not None
        yield found


@pytest.fixture(params=["one process", "two processes"])
def two(request: pytest.FixtureRequest) -> Callable[[], tuple[Furthest, Furthest]]:
    """Two that see the same cutoffs: one and the same, or those of two processes on one Redis."""

    def make() -> tuple[Furthest, Furthest]:
        if request.param == "one process":
            one = Furthest("host")
            return one, one
        link = request.getfixturevalue("link")
        return Furthest("host", link), Furthest("host", link)

    return make


def test_a_cutoff_before_one_that_was_seen_earlier_goes_back(
    two: Callable[[], tuple[Furthest, Furthest]],
) -> None:
    one, other = two()
    assert not one.goes_back("a", 3, 1000.0)
    assert not one.goes_back("a", 5, 1010.0)
    assert other.goes_back("a", 3, 1020.0)
    assert not other.goes_back("b", 3, 1020.0), "each field has its own"
    assert not other.goes_back("a", 5, 1030.0), "the replica has caught up"
    assert one.goes_back("a", 4, 1015.0), "what was first seen at 1010 counts from then on"


def test_an_older_copy_of_the_cutoff_does_not_go_back(
    two: Callable[[], tuple[Furthest, Furthest]],
) -> None:
    one, other = two()
    assert not one.goes_back("a", 5, 1010.0)
    assert not other.goes_back("a", 3, 1000.0)


def test_a_cutoff_bars_those_before_it_for_an_hour() -> None:
    now = [0.0]
    furthest = Furthest("host", monotonic=lambda: now[0])
    furthest.goes_back("a", 5, 1000.0)
    now[0] = 3599.0
    assert furthest.goes_back("a", 3, 4599.0)
    now[0] = 3601.0
    assert not furthest.goes_back("a", 3, 4601.0)


@pytest.mark.parametrize(
    "text", [b"a", b"nan 1", b"-5 1", b"9" * 400 + b" 1", b"9 " + b"1" * 400, b"\xff", b""]
)
def test_a_text_of_somebody_elses_in_redis_bars_nothing(text: bytes, link: RedisLink) -> None:
    name = link.name(f"{PREFIX}:cutoff:host:a")
    link.call(lambda redis: redis.set(name, text))
    assert not Furthest("host", link).goes_back("a", 5, 1000.0)
    assert Furthest("host", link).goes_back("a", 3, 1010.0)
    assert not link.down
