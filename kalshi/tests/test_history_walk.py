"""A walk over pages ends at the list's end or says why it ended before."""

import json
from collections.abc import Callable, Iterable
from typing import Any

import pytest

from kalshi.errors import KalshiError, RateLimited, UnexpectedPayload, UpstreamRefused, UpstreamUnavailable
from kalshi.services import history_walk
from kalshi.services.history_walk import Bounds, Walk, walk
from kalshi.services.stitch import Array

FILLS = Array("fills", ("fill_id",), "created_time")
Page = dict[str, Any] | KalshiError


def page(*numbers: int, cursor: str | None = "") -> dict[str, Any]:
    return {"fills": [{"fill_id": str(number)} for number in numbers], "cursor": cursor}


def walked(
    exchange: dict[str, Page] | Callable[[str], Page],
    *,
    must_begin: bool = True,
    times: Iterable[float] = (),
    **bounds: int,
) -> Walk:
    def ask(cursor: str) -> bytes:
        answer = exchange[cursor] if isinstance(exchange, dict) else exchange(cursor)
        if isinstance(answer, KalshiError):
            raise answer
        return json.dumps(answer).encode()

    ticks = iter(times)
    return walk(ask, (FILLS,), Bounds(lambda: next(ticks, 0.0), **bounds), must_begin=must_begin)


def ids(done: Walk) -> list[str]:
    return [item["fill_id"] for item in done.items["fills"]]


@pytest.mark.parametrize("end", ["", None])
def test_it_goes_to_the_end_which_has_no_cursor(end: str | None) -> None:
    done = walked({"": page(1, 2, cursor="a"), "a": page(3, cursor="b"), "b": page(4, cursor=end)})
    assert ids(done) == ["1", "2", "3", "4"]
    assert (done.pages, done.reason, done.cursor) == (3, None, "")


def test_an_empty_page_in_between_is_no_end() -> None:
    assert ids(walked({"": page(1, cursor="a"), "a": page(cursor="b"), "b": page(2)})) == ["1", "2"]


def test_a_cursor_that_comes_again_ends_it() -> None:
    numbers = iter(range(100))
    done = walked(lambda cursor: page(next(numbers), cursor="a"))
    assert (done.reason, ids(done), done.cursor) == ("repeated_cursor", ["0", "1"], "")


def test_a_page_that_comes_again_ends_it_and_counts_once() -> None:
    cursors = iter(range(100))
    done = walked(lambda cursor: page(1, 2, cursor=str(next(cursors))))
    assert (done.reason, done.pages, ids(done)) == ("repeated_page", 1, ["1", "2"])


def test_a_page_that_overlaps_with_the_one_before_is_none_that_comes_again() -> None:
    done = walked({"": page(1, 2, cursor="a"), "a": page(2, 3)})
    assert (done.reason, done.pages) == (None, 2)


def test_it_stops_at_its_bounds_and_says_where_it_would_go_on() -> None:
    done = walked(lambda cursor: page(int(cursor or 0), cursor=str(int(cursor or 0) + 1)), pages=3)
    assert (done.reason, done.pages, ids(done), done.cursor) == ("page_limit", 3, ["0", "1", "2"], "3")
    done = walked(lambda cursor: page(int(cursor or 0), cursor=str(int(cursor or 0) + 1)), bytes=60)
    assert (done.reason, done.pages, done.cursor) == ("size_limit", 2, "2")


def test_it_gives_up_after_its_time() -> None:
    numbers = iter(range(100))
    late = history_walk.MAX_S + 1
    done = walked(
        lambda cursor: page(n := next(numbers), cursor=str(n + 1)),
        times=[0, 0, 1, late],
    )
    assert (done.reason, done.pages) == ("time_limit", 2)


@pytest.mark.parametrize(
    "odd",
    [
        {"cursor": 77},
        {"cursor": 0},
        {"cursor": 7.5},
        {"cursor": True},
        {"cursor": False},
        {"cursor": {}},
        {"cursor": []},
        {"cursor": ["a"]},
        {"cursor": " "},
        {"cursor": "a b"},
        {"cursor": "\ud83d"},
        {"cursor": "x" * 3000},
        {"next_cursor": "a"},
        {"Cursor": "a"},
        {"nextCursor": 7},
        {"next": "a"},
        {"has_more": True},
        {"paging": {"next": "a"}},
        {"cursor": "", "next_cursor": "a"},
        {"cursor": None, "cursor_v2": "a"},
    ],
    ids=repr,
)
def test_a_cursor_that_cannot_be_followed_is_no_end_of_the_list(odd: dict[str, Any]) -> None:
    done = walked({"": {"fills": [{"fill_id": "1"}]} | odd})
    assert (done.reason, ids(done), done.cursor) == ("unreadable_cursor", ["1"], "")


@pytest.mark.parametrize(
    "plain",
    [
        {},
        {"cursor": ""},
        {"cursor": None},
        {"next_cursor": ""},
        {"cursor": "", "total": 5},
        {"cursor": "", "prev_cursor": None},
    ],
    ids=repr,
)
def test_a_page_that_names_no_further_one_is_the_end(plain: dict[str, Any]) -> None:
    done = walked({"": {"fills": [{"fill_id": "1"}]} | plain})
    assert (done.reason, done.pages) == (None, 1)


def test_a_page_of_another_shape_ends_it_where_there_were_good_ones() -> None:
    done = walked({"": page(1, cursor="a"), "a": {"error": "no"}})
    assert (done.reason, ids(done)) == ("upstream_bad_payload", ["1"])


@pytest.mark.parametrize("problem", [UpstreamUnavailable("down"), RateLimited("slow")])
def test_an_outage_on_a_later_page_ends_it_with_its_code(problem: KalshiError) -> None:
    done = walked({"": page(1, cursor="a"), "a": problem})
    assert (done.reason, ids(done), done.cursor) == (problem.code, ["1"], "a")


def test_an_outage_on_the_first_page_is_raised_where_it_must_begin() -> None:
    down = UpstreamUnavailable("down")
    with pytest.raises(UpstreamUnavailable):
        walked({"": down})
    assert walked({"": down}, must_begin=False).reason == "upstream_unavailable"


@pytest.mark.parametrize("must_begin", [True, False])
def test_what_kalshi_refuses_is_raised_on_any_page(must_begin: bool) -> None:
    with pytest.raises(UpstreamRefused):
        walked({"": page(1, cursor="a"), "a": UpstreamRefused("no")}, must_begin=must_begin)


@pytest.mark.parametrize("body", [{}, {"fills": {}}, {"fills": [1]}, {"fills": "x"}])
def test_a_body_without_the_list_is_a_bad_payload(body: dict[str, Any]) -> None:
    with pytest.raises(UnexpectedPayload, match="no list fills"):
        walked({"": body})


def test_a_null_list_is_an_empty_one() -> None:
    assert ids(walked({"": {"fills": None, "cursor": None}})) == []
