import pytest

from kalshi.cache.entry import Entry
from kalshi.cache.readthrough import Answer
from kalshi.conf import EndpointOptions
from kalshi.services.freshness import cache_status, etag_matches, headers

OPTIONS = EndpointOptions(fresh_s=60, keep_s=3600, patience_s=1, enabled=True)
ENTRY = Entry.of("key", 200, b"{}", fetched_at=1000.0, fresh_s=60, keep_s=3600)


@pytest.mark.parametrize(
    ("answer", "now", "expected"),
    [
        (Answer(ENTRY, "hit"), 1037.2, "kalshi; hit; ttl=22"),
        (Answer(ENTRY, "hit"), 1060.0, "kalshi; hit; ttl=0"),
        (Answer(ENTRY, "miss", stored=True), 1000.1, "kalshi; fwd=miss; stored"),
        (Answer(ENTRY, "miss", stored=False), 1000.1, "kalshi; fwd=miss"),
        (Answer(ENTRY, "collapsed", stored=True), 1000.1, "kalshi; fwd=miss; collapsed"),
        (Answer(ENTRY, "refreshed", stored=True), 1000.1, "kalshi; fwd=stale; stored"),
        (Answer(ENTRY, "forced", stored=True), 1000.1, "kalshi; fwd=request; stored"),
        (Answer(ENTRY, "stale", detail="refreshing"), 1003.0, "kalshi; hit; ttl=57; detail=refreshing"),
        (Answer(ENTRY, "stale", detail="refreshing"), 1200.0, "kalshi; hit; ttl=-140; detail=refreshing"),
        (
            Answer(ENTRY, "stale", detail="upstream_unavailable"),
            1060.4,
            "kalshi; hit; ttl=-1; detail=upstream_unavailable",
        ),
    ],
)
def test_cache_status_tells_how_the_answer_came_about(answer: Answer, now: float, expected: str) -> None:
    assert cache_status(answer, OPTIONS, now) == expected


def test_age_is_whole_seconds_and_never_negative() -> None:
    assert headers(Answer(ENTRY, "hit"), OPTIONS, 1059.9)["Age"] == "59"
    assert headers(Answer(ENTRY, "hit"), OPTIONS, 995.1)["Age"] == "0"


def test_an_age_that_is_unknown_is_not_told_and_the_answer_is_stale() -> None:
    told = headers(Answer(ENTRY, "stale", detail="refreshing"), OPTIONS, 990.0)
    assert "Age" not in told
    assert told["Cache-Control"] == "private, max-age=0, stale-if-error=3600"
    assert told["Cache-Status"] == "kalshi; hit; ttl=-1; detail=refreshing"


@pytest.mark.parametrize(
    ("sent", "matches"),
    [
        ('"abc"', True),
        ('W/"abc"', True),
        ('"x", "abc"', True),
        ("*", True),
        ('"ab"', False),
        ("abc", False),
        ("", False),
    ],
)
def test_if_none_match_is_compared_weakly(sent: str, matches: bool) -> None:
    assert etag_matches(sent, '"abc"') is matches


def test_a_list_that_is_far_too_long_matches_nothing() -> None:
    assert etag_matches('"abc", ' * 500, '"abc"')
    assert not etag_matches('"abc", ' * 600, '"abc"')
