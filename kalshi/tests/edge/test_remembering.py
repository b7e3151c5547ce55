"""For how long what was checked or made counts: credentials, and the headers of a page."""

from __future__ import annotations

import pytest

from kalshi.cache.entry import Entry
from kalshi.cache.readthrough import Answer
from kalshi.conf import EndpointOptions
from kalshi.edge.callers import Callers
from kalshi.edge.pages import Address, Page, Pages
from kalshi.edge.question import Question, caller_of, read
from kalshi.limits.breaker import Breaker
from kalshi.server.protocol import Asked
from kalshi.services.handover import Answered

WHO = (b"Bearer x", None, None)
OTHER = (b"Bearer y", None, None)
CHECKED_AT = 100.0


def callers() -> Callers:
    found = Callers(remembered_s=2.0)
    found.let_in(WHO, "fund", CHECKED_AT, "person:1")
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
    assert callers().identity(WHO, now) == ("fund" if known else None)
    assert callers().is_due(WHO, now) is due
    assert callers().identity(OTHER, now) is None


def test_one_request_renews_a_check_and_the_next_check_is_renewed_again() -> None:
    found = callers()
    assert [found.is_due(WHO, 101.6) for _ in range(3)] == [True, False, False]
    found.let_in(WHO, "fund", 101.6, "person:1")
    assert found.is_due(WHO, 101.7) is False
    assert [found.is_due(WHO, 103.2) for _ in range(2)] == [True, False]


@pytest.mark.parametrize(("forgotten_at", "known"), [(99.9, True), (100.0, False), (100.1, False)])
def test_what_was_checked_before_a_change_counts_no_more(forgotten_at: float, known: bool) -> None:
    found = callers()
    found.forget_all(forgotten_at)
    assert found.identity(WHO, 100.2) == ("fund" if known else None)


def test_the_caller_who_was_checked_longest_ago_is_forgotten_first() -> None:
    found = Callers(max_bytes=1_000)
    found.let_in(WHO, "fund", CHECKED_AT, "person:1")
    found.let_in(OTHER, "own", CHECKED_AT, "person:2")
    assert (found.identity(WHO, CHECKED_AT), found.identity(OTHER, CHECKED_AT)) == (None, "own")


def test_a_check_that_took_long_does_not_undo_a_later_one() -> None:
    found = callers()
    found.let_in(WHO, "fund with another key", CHECKED_AT + 1, "person:1")
    found.let_in(WHO, "fund", CHECKED_AT + 0.5, "person:1")
    assert found.identity(WHO, CHECKED_AT + 1.2) == "fund with another key"


def an_address(path: bytes = b"/balance", query: bytes = b"", account: bytes | None = None) -> Address:
    return (path, query, b"host", None, "http", account)


def test_a_check_counts_for_all_addresses_that_name_the_account_in_the_same_way() -> None:
    credential = (b"Bearer x", None)
    plain = caller_of(credential, an_address())
    assert caller_of(credential, an_address(b"/orders", b"limit=5")) == plain
    fund = caller_of(credential, an_address(account=b"fund"))
    assert caller_of(credential, an_address(b"/orders", account=b"fund")) == fund
    others = [
        caller_of(credential, an_address(query=b"account=fund")),
        caller_of(credential, an_address(query=b"account=own")),
        caller_of(credential, an_address(query=b"%61ccount=own")),
        caller_of(credential, an_address(b"/orders", query=b"account=own")),
        caller_of((b"Bearer y", None), an_address()),
        caller_of((b"Bearer x", b"sessionid=1"), an_address()),
    ]
    assert len({plain, fund, *others}) == 2 + len(others)


def test_the_page_of_one_identity_is_none_of_another() -> None:
    pages, breaker = Pages(), Breaker()
    page = pages.learn(
        an_address(), Answered("a key", "get_balance", "fund", breaker, "person:1"), "balance", "/"
    )
    assert pages.get(an_address(), "fund") is page
    assert pages.get(an_address(), "own") is None
    other = pages.learn(
        an_address(), Answered("own key", "get_balance", "own", breaker, "person:2"), "balance", "/"
    )
    assert (pages.get(an_address(), "fund"), pages.get(an_address(), "own")) == (page, other)


SIGNED = [
    (b"kalshi-access-key", b"k"),
    (b"kalshi-access-timestamp", b"1"),
    (b"kalshi-access-signature", b"s"),
]


def who(
    *headers: tuple[bytes, bytes], path: bytes = b"/trade-api/v2/markets"
) -> tuple[Question, tuple[bytes, ...]] | None:
    return read(Asked("GET", path, b"limit=5", list(headers), "http"), "192.0.2.1")


def test_a_signed_request_is_its_key_s_and_its_cookie_lets_nobody_in() -> None:
    cookie = (b"cookie", b"sessionid=1")
    plain, signed = who(cookie), who(cookie, *SIGNED)
    assert plain is not None and signed is not None
    assert (plain[0].caller, plain[0].key_id, plain[1]) == ((None, b"sessionid=1", None), None, ())
    assert (signed[0].key_id, signed[0].covered, signed[1]) == (
        b"k",
        b"GET/trade-api/v2/markets",
        (b"1", b"s"),
    )
    assert signed[0].caller == ("signed", b"k", "192.0.2.1", b"sessionid=1", signed[0].address)


def test_a_header_that_is_there_twice_is_no_question_for_the_edge() -> None:
    for header in (*SIGNED, (b"authorization", b"Bearer x"), (b"x-kalshi-account", b"fund")):
        assert who(header, header) is None


def test_what_is_signed_by_half_or_elsewhere_or_has_a_token_too_is_no_question_for_the_edge() -> None:
    for number in range(3):
        assert who(*SIGNED[:number], *SIGNED[number + 1 :]) is None
        assert who(SIGNED[number]) is None
    assert who(*SIGNED, path=b"/api/v1/kalshi/balance/") is None
    assert who((b"authorization", b"Bearer x"), *SIGNED) is None


def test_a_signed_caller_is_let_in_to_one_address_at_a_time() -> None:
    one, other = an_address(), (b"/other", *an_address()[1:])
    by = ("signed", b"k", "192.0.2.1", None)
    assert caller_of(by, one) != caller_of(by, other)
    assert caller_of((None, None), one) == caller_of((None, None), other)


OPTIONS = EndpointOptions(fresh_s=10, keep_s=100, patience_s=1, enabled=True)
FETCHED_AT = 1000.0


def an_entry(body: bytes = b"{}", *, fetched_at: float = FETCHED_AT, keep_s: float = 100) -> Entry:
    return Entry.of("key", 200, body, fetched_at=fetched_at, fresh_s=10, keep_s=keep_s)


ENTRY = an_entry()


def a_page() -> Page:
    page = Page("key", "get_balance", "balance", "/", Breaker())
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
