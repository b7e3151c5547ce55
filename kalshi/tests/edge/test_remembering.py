"""For how long what was checked or made counts: credentials, and the headers of a page."""

from __future__ import annotations

import pytest

from kalshi.cache.entry import Entry
from kalshi.cache.readthrough import Answer
from kalshi.conf import EndpointOptions
from kalshi.edge.callers import Callers
from kalshi.edge.pages import Page

WHO = (b"Bearer x", None)
OTHER = (b"Bearer y", None)
CHECKED_AT = 100.0


def callers() -> Callers:
    found = Callers(remembered_s=2.0)
    found.let_in(WHO, CHECKED_AT)
    return found


@pytest.mark.parametrize(
    ("after_s", "known", "due"),
    [
        (0.0, True, False),
        (1.499, True, False),
        (1.5, True, True),
        (1.999, True, True),
        (2.0, False, True),
        (60.0, False, True),
    ],
)
def test_a_check_counts_for_two_seconds_and_is_renewed_in_the_last_half(
    after_s: float, known: bool, due: bool
) -> None:
    now = CHECKED_AT + after_s
    assert callers().knows(WHO, now) is known
    assert callers().is_due(WHO, now) is due
    assert callers().knows(OTHER, now) is False


def test_one_request_renews_a_check_and_the_next_check_is_renewed_again() -> None:
    found = callers()
    assert [found.is_due(WHO, 101.6) for _ in range(3)] == [True, False, False]
    found.let_in(WHO, 101.6)
    assert found.is_due(WHO, 101.7) is False
    assert [found.is_due(WHO, 103.2) for _ in range(2)] == [True, False]


@pytest.mark.parametrize(("forgotten_at", "known"), [(99.9, True), (100.0, False), (100.1, False)])
def test_what_was_checked_before_a_change_counts_no_more(forgotten_at: float, known: bool) -> None:
    found = callers()
    found.forget_all(forgotten_at)
    assert found.knows(WHO, 100.2) is known


def test_the_caller_who_was_checked_longest_ago_is_forgotten_first() -> None:
    found = Callers(most=1)
    found.let_in(WHO, CHECKED_AT)
    found.let_in(OTHER, CHECKED_AT)
    assert (found.knows(WHO, CHECKED_AT), found.knows(OTHER, CHECKED_AT)) == (False, True)


OPTIONS = EndpointOptions(fresh_s=10, keep_s=100, patience_s=1, enabled=True)
FETCHED_AT = 1000.0


def an_entry(body: bytes = b"{}", *, fetched_at: float = FETCHED_AT, keep_s: float = 100) -> Entry:
    return Entry.of("key", 200, body, fetched_at=fetched_at, fresh_s=10, keep_s=keep_s)


ENTRY = an_entry()


def a_page() -> Page:
    page = Page("key", "get_balance", "balance", "/")
    page.learn(200, [(b"content-type", b"application/json"), (b"age", b"0")])
    return page


@pytest.mark.parametrize(
    ("made_at", "options", "keep_s", "good", "too_late"),
    [
        # A whole age and a whole ttl change together,
        (1000.1, OPTIONS, 100, 1000.999, 1001.0),
        (1003.5, OPTIONS, 100, 1003.999, 1004.0),
        # or at their own moments,
        (1003.1, EndpointOptions(10.5, 100, 1, True), 100, 1003.499, 1003.5),
        (1003.6, EndpointOptions(10.5, 100, 1, True), 100, 1003.999, 1004.0),
        # and the end of the fresh time or of what is kept may come first.
        (1009.5, OPTIONS, 100, 1009.999, 1010.0),
        (1002.1, EndpointOptions(2.5, 100, 1, True), 100, 1002.499, 1002.5),
        (1002.1, EndpointOptions(10, 2.25, 1, True), 100, 1002.249, 1002.25),
        (1002.1, OPTIONS, 2.25, 1002.249, 1002.25),
    ],
)
def test_headers_are_good_until_one_of_them_would_change(
    made_at: float, options: EndpointOptions, keep_s: float, good: float, too_late: float
) -> None:
    page, entry = a_page(), an_entry(keep_s=keep_s)
    made = page.make(200, Answer(entry, "hit"), options, made_at)
    assert page.still_good(200, entry, options, made_at) is made
    assert page.still_good(200, entry, options, good) is made
    assert page.still_good(200, entry, options, too_late) is None
    assert page.still_good(200, entry, options, made_at - 0.001) is None, "the clock was set back"
    anew = page.make(200, Answer(entry, "hit"), options, good)
    assert anew.headers == made.headers


@pytest.mark.parametrize(
    ("entry", "options"),
    [
        (an_entry(b"[]"), OPTIONS),
        (an_entry(fetched_at=FETCHED_AT + 0.5), OPTIONS),
        (ENTRY, EndpointOptions(10, 100, 1, True)),
    ],
    ids=["another body", "the same body, fetched anew", "settings changed"],
)
def test_headers_are_not_good_for_anything_else(entry: Entry, options: EndpointOptions) -> None:
    page = a_page()
    page.make(200, Answer(ENTRY, "hit"), OPTIONS, 1000.6)
    assert page.still_good(200, entry, options, 1000.7) is None
    assert page.still_good(304, ENTRY, OPTIONS, 1000.7) is None


def test_headers_of_a_stale_copy_and_of_a_frame_that_changed_are_made_each_time() -> None:
    page = a_page()
    page.make(200, Answer(ENTRY, "stale", detail="refreshing"), OPTIONS, 1020.0)
    assert page.still_good(200, ENTRY, OPTIONS, 1020.0) is None
    page.make(200, Answer(ENTRY, "hit"), OPTIONS, 1000.0)
    page.learn(200, [(b"content-type", b"text/plain")])
    assert page.still_good(200, ENTRY, OPTIONS, 1000.0) is None


def test_the_lines_say_what_the_headers_say() -> None:
    made = a_page().make(200, Answer(ENTRY, "hit"), OPTIONS, 1003.0)
    assert made.lines == b"".join(name + b": " + value + b"\r\n" for name, value in made.headers)
    assert (b"age", b"3") in made.headers and (b"content-type", b"application/json") in made.headers
