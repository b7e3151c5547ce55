"""The cutoff moves while every kind of page lies in the cache, and documents of before are kept: a complete answer has
everything once.

The exchange is a list of trades and a cutoff that only moves forward; the cache is a dictionary with the fresh times of
the endpoint table and a clock that the test sets.
"""

from __future__ import annotations

import json
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule

from kalshi.byte_lru import ByteLru
from kalshi.cache.entry import Entry
from kalshi.cache.readthrough import Answer
from kalshi.conf import EndpointOptions
from kalshi.services.history_age import combined
from kalshi.services.history_kept import Maker, Question
from kalshi.services.read import Reading
from kalshi.upstream.endpoints import ENDPOINTS
from kalshi.upstream.params import Call

PAGE = 3


class Exchange:
    """Trade number n was made at second n; those before `cutoff` are archived."""

    def __init__(self) -> None:
        self.made = self.cutoff = 0

    def answer(self, call: Call) -> bytes:
        if call.path == "/historical/cutoff":
            return json.dumps({"trades_created_ts": str(self.cutoff)}).encode()
        archived = call.path == "/historical/trades"
        numbers = range(self.cutoff) if archived else range(self.cutoff, self.made)
        after = int(dict(call.params).get("cursor", self.made))
        left = [number for number in reversed(numbers) if number < after]
        trades = [
            {"trade_id": str(number), "created_time": f"2026-08-01T00:{number // 60:02}:{number % 60:02}Z"}
            for number in left[:PAGE]
        ]
        return json.dumps({"trades": trades, "cursor": str(left[PAGE - 1]) if left[PAGE:] else ""}).encode()


class CutoffMoves(RuleBasedStateMachine):
    @initialize(made=st.integers(0, 20), share=st.floats(0, 1))
    def begin(self, made: int, share: float) -> None:
        self.exchange, self.now = Exchange(), 1_000_000.0
        self.exchange.made = made
        self.exchange.cutoff = int(made * share)
        self.copies: dict[tuple[object, ...], Entry] = {}
        self.made_at = [(0.0, made)]
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
        done = Maker(self.documents, "", question, self.read).make()
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
