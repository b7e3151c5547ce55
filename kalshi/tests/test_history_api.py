"""`history=true` in front of a scripted exchange: what a caller gets, and what happens while the cutoff moves."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

import pytest
from requests.exceptions import ReadTimeout

from kalshi.cache import policy, readthrough
from kalshi.models import Account
from kalshi.services import engine, history_kept, history_walk
from kalshi.services.history_kept import Question
from kalshi.services.history_read import read_history
from kalshi.services.read import identity_of
from kalshi.tests.fakes import FakeExchange, HttpError
from kalshi.upstream.endpoints import ENDPOINTS

FILLS, OLD_FILLS, CUTOFF = "/portfolio/fills", "/historical/fills", "/historical/cutoff"


def fill(second: int) -> dict[str, Any]:
    return {
        "fill_id": f"f{second}",
        "order_id": "o",
        "ticker": "KX-1",
        "created_time": f"2026-08-01T00:00:{second:02}Z",
        "count_fp": "1.00",
    }


@dataclass
class Tape:
    """Fills on both sides of a cutoff that can be moved, in pages of two."""

    exchange: FakeExchange
    seconds: list[int] = field(default_factory=lambda: list(range(1, 10)))
    cutoff: int = 5

    def __post_init__(self) -> None:
        self.exchange.answers |= {FILLS: self.live, OLD_FILLS: self.archive, CUTOFF: self.cutoffs}

    def live(self) -> bytes:
        return self.page([second for second in self.seconds if second >= self.cutoff])

    def archive(self) -> bytes:
        return self.page([second for second in self.seconds if second < self.cutoff])

    def cutoffs(self) -> bytes:
        return self.cutoffs_at(self.cutoff)

    def cutoffs_at(self, second: int) -> bytes:
        return json.dumps({"trades_created_ts": f"2026-08-01T00:00:{second:02}Z"}).encode()

    def page(self, seconds: list[int]) -> bytes:
        # The background reading of limits may have asked something meanwhile.
        asked = next(query for path, query in reversed(self.exchange.calls) if path in {FILLS, OLD_FILLS})
        after = int(asked.get("cursor", 99))
        left = [second for second in sorted(seconds, reverse=True) if second < after]
        cursor = str(left[1]) if len(left) > 2 else ""
        return json.dumps({"fills": [fill(second) for second in left[:2]], "cursor": cursor}).encode()


@pytest.fixture
def tape(exchange: FakeExchange) -> Tape:
    return Tape(exchange)


def ids(answer: Any) -> list[str]:
    return [item["fill_id"] for item in answer.json()["fills"]]


ALL = [f"f{second}" for second in range(9, 0, -1)]


def test_both_sides_are_one_list_newest_first_and_the_walk_is_told(
    tape: Tape, api: Callable[..., Any]
) -> None:
    answer = api("fills/?history=true")
    assert answer.status_code == 200, answer.content
    assert ids(answer) == ALL
    assert answer.json()["cursor"] == ""
    assert answer.json()["history"] == {
        "complete": True,
        "reason": None,
        "next": None,
        "live_pages": 3,
        "archive_pages": 2,
        "cutoff": {"trades_created_ts": "2026-08-01T00:00:05Z"},
        "dropped_duplicates": 0,
        "left_out": 0,
    }


def test_without_history_the_body_is_the_exchanges_page(tape: Tape, api: Callable[..., Any]) -> None:
    assert ids(api("fills/")) == ["f9", "f8"]
    assert tape.exchange.asked(OLD_FILLS) == 0


@pytest.mark.parametrize("value", ["1", "", "false", "yes", "true&history=true"])
def test_any_other_value_is_refused(tape: Tape, api: Callable[..., Any], value: str) -> None:
    answer = api(f"fills/?history={value}")
    assert answer.status_code == 400
    assert "history must be true" in answer.json()["error"]


@pytest.mark.parametrize("query", ["cursor=x", "limit=0", "limit=1001", "nonsense=1", "status=open"])
def test_what_cannot_be_kept_on_both_sides_is_refused(
    tape: Tape, api: Callable[..., Any], query: str
) -> None:
    assert api(f"fills/?history=true&{query}").status_code == 400
    assert tape.exchange.asked(FILLS) == 0


def test_endpoints_without_an_archive_do_not_know_the_parameter(tape: Tape, api: Callable[..., Any]) -> None:
    assert "Unknown parameter 'history'" in api("settlements/?history=true").json()["error"]


def test_a_second_caller_costs_the_exchange_nothing_and_a_known_etag_is_a_304(
    tape: Tape, api: Callable[..., Any]
) -> None:
    first = api("fills/?history=true")
    asked = len(tape.exchange.account_calls)
    second = api("fills/?history=true")
    assert second.content == first.content
    assert len(tape.exchange.account_calls) == asked
    assert second["Cache-Status"].startswith("kalshi; hit; ttl=")
    assert api("fills/?history=true", HTTP_IF_NONE_MATCH=first["ETag"]).status_code == 304


def test_nothing_is_lost_when_the_cutoff_moves_over_cached_pages(tape: Tape, api: Callable[..., Any]) -> None:
    assert ids(api("fills/?history=true&limit=5")) == ALL
    # Another page size has the live pages read anew, while the cutoff of before is cached.
    tape.cutoff = 8
    answer = api("fills/?history=true&limit=6")
    assert ids(answer) == ALL
    assert answer.json()["history"]["cutoff"] == {"trades_created_ts": "2026-08-01T00:00:08Z"}
    assert answer.json()["history"]["complete"] is True


def test_an_item_on_both_sides_counts_once(tape: Tape, api: Callable[..., Any]) -> None:
    tape.exchange.answers[OLD_FILLS] = lambda: tape.page([1, 2, 3, 4, 5, 6])
    answer = api("fills/?history=true")
    assert ids(answer) == ALL
    assert answer.json()["history"]["dropped_duplicates"] == 2


def test_an_archive_that_does_not_answer_is_told_and_never_taken_for_an_empty_one(
    tape: Tape, api: Callable[..., Any]
) -> None:
    tape.exchange.answers[OLD_FILLS] = ReadTimeout()
    answer = api("fills/?history=true")
    assert ids(answer) == ALL[:5]
    history = answer.json()["history"]
    assert (history["complete"], history["reason"]) == (False, "upstream_unavailable")
    assert history["archive_pages"] == 0


def test_without_the_cutoff_nobody_can_say_that_it_is_complete(tape: Tape, api: Callable[..., Any]) -> None:
    tape.exchange.answers[CUTOFF] = ReadTimeout()
    answer = api("fills/?history=true")
    assert ids(answer) == ALL
    assert answer.json()["history"]["reason"] == "cutoff_unconfirmed"
    assert answer.json()["history"]["cutoff"] is None


@pytest.mark.parametrize(
    "cutoff", [{}, {"trades_created_ts": "soon"}, {"trades_created_ts": None}, {"trades_created_ts": 5}]
)
def test_a_cutoff_that_is_no_time_confirms_nothing(
    tape: Tape, api: Callable[..., Any], cutoff: dict[str, Any], forcing: None
) -> None:
    tape.exchange.answers[CUTOFF] = json.dumps(cutoff).encode()
    api("fills/?history=true")
    tape.cutoff = 8
    history = api("fills/?history=true", HTTP_CACHE_CONTROL="no-cache").json()["history"]
    assert (history["complete"], history["reason"]) == (False, "cutoff_unconfirmed")
    assert history["cutoff"] == cutoff


def test_a_cutoff_that_goes_back_confirms_nothing(tape: Tape, api: Callable[..., Any], forcing: None) -> None:
    def ask() -> Any:
        return api("fills/?history=true", HTTP_CACHE_CONTROL="no-cache").json()

    assert ask()["history"]["complete"] is True
    tape.cutoff = 7
    assert ask()["history"]["complete"] is True
    tape.cutoff, tape.exchange.answers[CUTOFF] = 8, tape.cutoffs_at(5)
    assert ask()["history"]["reason"] == "cutoff_unconfirmed"
    tape.exchange.answers[CUTOFF] = tape.cutoffs
    body = ask()
    assert body["history"]["complete"] is True
    assert [item["fill_id"] for item in body["fills"]] == ALL


def test_what_the_archive_refuses_is_refused(tape: Tape, api: Callable[..., Any]) -> None:
    tape.exchange.answers[OLD_FILLS] = HttpError(400, b'{"msg":"no"}')
    assert api("fills/?history=true").status_code == 400


def test_a_walk_that_is_cut_off_says_where_to_go_on(
    tape: Tape, api: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(history_walk.Bounds.__init__, "__defaults__", (4, 10**9, 0.0))
    answer = api("fills/?history=true")
    history = answer.json()["history"]
    assert ids(answer) == ALL[:7]
    assert (history["complete"], history["reason"]) == (False, "page_limit")
    assert history["next"]["parameters"] == {"limit": "1000", "cursor": "3"}
    following = api(f"{history['next']['endpoint']}?{urlencode(history['next']['parameters'])}")
    assert [*ids(answer), *ids(following)] == ALL


def test_a_cursor_that_leads_in_circles_ends_the_walk(tape: Tape, api: Callable[..., Any]) -> None:
    tape.exchange.answers[FILLS] = b'{"fills":[{"fill_id":"a","order_id":"o"}],"cursor":"again"}'
    answer = api("fills/?history=true")
    assert answer.json()["history"]["complete"] is False
    assert answer.json()["history"]["reason"] == "repeated_page"
    assert ids(answer) == ["a"]


def test_a_market_that_neither_side_knows_is_a_404(exchange: FakeExchange, api: Callable[..., Any]) -> None:
    for path in ("/markets/KX-1", "/historical/markets/KX-1"):
        exchange.answers[path] = HttpError(404)
    assert api("markets/KX-1/?history=true").status_code == 404
    assert exchange.asked("/historical/markets/KX-1") == 1


def test_what_the_archive_of_candles_does_not_know_is_refused_by_name(
    exchange: FakeExchange, api: Callable[..., Any]
) -> None:
    span = "history=true&start_ts=1&end_ts=2&period_interval=60"
    answer = api(f"series/S/markets/M/candlesticks/?{span}&include_latest_before_start=true")
    assert answer.status_code == 400
    assert answer.json()["error"].startswith(
        "include_latest_before_start cannot be combined with history=true"
    )
    assert exchange.account_calls == []


@pytest.fixture
def forcing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Callers may force as many fetches as they like."""
    for module in (policy, readthrough):
        monkeypatch.setattr(module, "FORCED_INTERVAL_S", 0.0)


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The operations of the documents that were read and written, each time."""
    found: list[str] = []

    def counted(endpoint: Any, *args: Any, **options: Any) -> Any:
        found.append(endpoint.operation)
        return read_history(endpoint, *args, **options)

    monkeypatch.setattr(history_kept, "read_history", counted)
    return found


def test_a_document_is_made_once_as_long_as_its_pages_stand(
    tape: Tape, api: Callable[..., Any], made: list[str]
) -> None:
    first = api("fills/?history=true")
    again = [api("fills/?history=true") for _ in range(3)]
    assert [answer.content for answer in again] == [first.content] * 3
    assert {answer["ETag"] for answer in again} == {first["ETag"]}
    assert api("fills/?history=true&limit=7").status_code == 200
    assert made == ["get_fills"] * 2, "another question is another document"


def test_a_page_that_is_read_anew_and_the_same_leaves_the_document_as_it_is(
    tape: Tape, api: Callable[..., Any], made: list[str], forcing: None
) -> None:
    first = api("fills/?history=true")
    asked = tape.exchange.asked(FILLS)
    second = api("fills/?history=true", HTTP_CACHE_CONTROL="no-cache")
    assert tape.exchange.asked(FILLS) == asked + 3
    assert second["Cache-Status"].endswith("; stored")
    assert (second.content, second["ETag"]) == (first.content, first["ETag"])
    assert made == ["get_fills"]


def test_a_page_that_changed_has_the_document_made_anew(
    tape: Tape, api: Callable[..., Any], made: list[str], forcing: None
) -> None:
    api("fills/?history=true")
    tape.seconds.append(10)
    answer = api("fills/?history=true", HTTP_CACHE_CONTROL="no-cache")
    assert ids(answer) == ["f10", *ALL]
    assert answer["Cache-Status"].endswith("; stored")
    assert api("fills/?history=true").content == answer.content
    assert made == ["get_fills"] * 2


def test_a_document_that_lacks_a_page_is_not_kept(
    tape: Tape, api: Callable[..., Any], made: list[str]
) -> None:
    tape.exchange.answers[OLD_FILLS] = ReadTimeout()
    assert api("fills/?history=true").json()["history"]["reason"] == "upstream_unavailable"
    tape.exchange.answers[OLD_FILLS] = tape.archive
    assert ids(api("fills/?history=true")) == ALL


def test_the_document_of_one_identity_is_none_of_another(
    tape: Tape, api: Callable[..., Any], user: Any
) -> None:
    account = Account.objects.get(from_environment=True)
    kept = Question(ENDPOINTS["get_fills"], (), {}, False)
    scope = engine.of(account).scope
    running = engine.of(account)

    def name() -> str:
        return kept.name(running.scope.account, identity_of(running, account))

    names = {name()}
    for changed in ({"account": "other"}, {"key_fingerprint": "00000000"}, {"host": "other.example"}):
        running = dataclasses.replace(running, scope=dataclasses.replace(scope, **changed))
        names.add(name())
    account.subaccount = 1
    names.add(name())
    account.subaccount = 0
    names.add(name())
    assert len(names) == 6


def test_a_market_that_moved_to_the_archive_is_read_and_written_once(
    exchange: FakeExchange, api: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    exchange.answers["/markets/KX-1"] = HttpError(404)
    exchange.answers["/historical/markets/KX-1"] = b'{"market":{"ticker":"KX-1"}}'
    first = api("markets/KX-1/?history=true")
    monkeypatch.setattr(history_kept, "read_wherever", None)
    assert api("markets/KX-1/?history=true").content == first.content
