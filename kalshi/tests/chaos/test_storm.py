"""Everything that can break breaks, under load: no wrong answer, no 500, no lost request, and soon fresh again."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from kalshi.tests.chaos.callers import asking
from kalshi.tests.chaos.drills import Storm, table
from kalshi.tests.chaos.installation import installed

CALLERS = 8


def test_no_storm_costs_an_answer_in_short(tmp_path: Path, own_redis: Any, capsys: Any) -> None:
    weather(tmp_path, own_redis, capsys, hold_s=0.5, full=False)


@pytest.mark.chaos
@pytest.mark.timeout(900)
def test_no_storm_costs_an_answer(tmp_path: Path, own_redis: Any, capsys: Any) -> None:
    weather(tmp_path, own_redis, capsys, hold_s=5, full=True)


def weather(folder: Path, redis: Any, capsys: Any, *, hold_s: float, full: bool) -> None:
    with installed(folder, redis) as place, asking(place.targets, place.tokens, CALLERS) as callers:
        storm = Storm(place, callers, hold_s)
        try:
            storm.quiet()
            storm.redis()
            storm.worker()
            storm.clock()
            storm.disk()
            storm.reload()
            storm.faults(one_by_one=full)
        finally:
            with capsys.disabled():
                print(f"\n{table(storm.rows)}")  # noqa: T201 - the table is the result
        said = {words: place.said(words) for words in ("Traceback", "Redis is lost", "TimestampExpired")}
    assert [line for row in storm.rows for line in row.violations()] == []
    assert said["Traceback"] == 0
    # The storm did arrive: Redis was missed, the exchange refused the wrong time, copies stood in for the exchange.
    assert said["Redis is lost"] > 0
    assert said["TimestampExpired"] > 0
    assert any(seen.fetched_at is None for seen in storm.rows[-1].seen)
