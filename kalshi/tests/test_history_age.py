"""A document made of several answers is as old as the oldest, and stale as soon as one of them is."""

import pytest

from kalshi.cache.entry import Entry
from kalshi.cache.readthrough import Answer, Kind
from kalshi.conf import EndpointOptions
from kalshi.services.freshness import headers
from kalshi.services.history_age import combined
from kalshi.services.read import Reading

NOW = 1_000_000.0


def part(age_s: float, fresh_s: float, kind: Kind = "hit", detail: str | None = None) -> Reading:
    entry = Entry.of("", 200, b"{}", fetched_at=NOW - age_s, fresh_s=fresh_s, keep_s=86_400)
    answer = Answer(entry, kind, stored=kind == "miss", detail=detail)
    return Reading("", answer, EndpointOptions(fresh_s, 86_400, 1.0, True), None, "")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("parts", "age", "cache_control", "cache_status"),
    [
        ([part(0, 30, "miss"), part(0, 300, "miss")], "0", "max-age=30", "kalshi; fwd=miss; stored"),
        ([part(10, 30), part(200, 300)], "200", "max-age=220", "kalshi; hit; ttl=20"),
        ([part(10, 30), part(290, 300)], "290", "max-age=300", "kalshi; hit; ttl=10"),
        ([part(10, 30), part(0, 300, "miss")], "10", "max-age=30", "kalshi; fwd=miss; stored"),
        (
            [part(42, 30, "stale", "upstream_unavailable"), part(0, 300, "miss")],
            "42",
            "max-age=30",
            "kalshi; hit; ttl=-12; detail=upstream_unavailable",
        ),
        (
            [part(0, 30, "miss"), part(500, 300, "stale", "refreshing")],
            "500",
            "max-age=300",
            "kalshi; hit; ttl=-200; detail=refreshing",
        ),
    ],
)
def test_its_headers(parts: list[Reading], age: str, cache_control: str, cache_status: str) -> None:
    answer, options = combined(b'{"fills":[]}', '"e"', parts, NOW)
    told = headers(answer, options, NOW)
    assert (told["Age"], told["ETag"]) == (age, '"e"')
    assert told["Cache-Control"] == f"private, {cache_control}, stale-if-error=86400"
    assert told["Cache-Status"] == cache_status


def test_one_part_of_unknown_age_makes_the_age_of_all_unknown() -> None:
    parts = [part(10, 30, "miss"), part(-3600, 300, "stale", "refreshing")]
    told = headers(*combined(b"{}", '"e"', parts, NOW), NOW)
    assert "Age" not in told
    assert told["Cache-Control"] == "private, max-age=0, stale-if-error=86400"
    assert told["Cache-Status"] == "kalshi; hit; ttl=-1; detail=refreshing"
