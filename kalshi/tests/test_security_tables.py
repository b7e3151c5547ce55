"""docs/security.md: every bound in its tables is the one of the code, and has a test that reaches it."""

from __future__ import annotations

import re

import pytest

from dashboard import passwords
from kalshi.cache import crew, local, readthrough, waiting
from kalshi.edge import access_log, log_path
from kalshi.server import bounded, collected, descriptors, ending, framing, lines, slow_readers
from kalshi.server.connections import STRANGERS, Held
from kalshi.services import costly
from kalshi.tests.documents import table_rows
from kalshi.tests.servers import ROOT
from kalshi.views import attempts
from kalshi.views.throttle import CallerThrottle

KB, MB, GB = 2**10, 2**20, 2**30
WORDS = {2: "two", 6: "six", 16: "sixteen"}
SHORT = "kalshi/tests/"
# By the row's first words: (the figures that must stand in it, the tests that reach the bound).
PROVEN: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "request line; its path": (
        (f"{framing.MAX_LINE_BYTES // KB} KB; {framing.MAX_PATH_BYTES // KB} KB",),
        ("edge/test_bounded.py::test_a_long_head_is_refused_and_the_connection_closed",),
    ),
    "header fields together": (
        (f"{framing.MAX_HEADER_BYTES // KB} KB",),
        ("edge/test_bounded.py::test_a_long_head_is_refused_and_the_connection_closed",),
    ),
    "request, and time to its last byte": (
        (f"{bounded.MAX_REQUEST_BYTES // KB} KB, {bounded.REQUEST_S:g} s",),
        (
            "edge/test_endings.py::test_a_body_that_is_too_large_is_told_so",
            "edge/test_bounded.py::test_a_request_that_does_not_come_to_its_end_is_given_up",
        ),
    ),
    "requests that wait behind another": (
        (f"{framing.MAX_PIPELINED}",),
        ("edge/test_framing.py::test_only_so_many_requests_wait_behind_another",),
    ),
    "what still comes after the last answer": (
        (f"{ending.MAX_THROWN_AWAY_BYTES // KB} KB, {ending.LINGER_S:g} s",),
        (
            "edge/test_endings.py::test_whoever_sends_on_and_on_is_cut_off",
            "edge/test_endings.py::test_whoever_stays_is_not_waited_for_long",
        ),
    ),
    "connections of one address": (
        (f"{Held.STRANGER.value}",),
        ("edge/test_connections.py::test_of_a_hundred_connections_that_say_nothing_64_stay",),
    ),
    "the same while a credential is being judged": (
        (f"{Held.JUDGED.value}",),
        ("edge/test_connections.py::test_while_credentials_are_judged_256_of_an_address_stay",),
    ),
    "connections of one credential": (
        (f"{Held.CALLER.value:,}, or a quarter of",),
        (
            "edge/test_connections.py::test_of_a_callers_connections_the_oldest_are_closed_and_nobody_elses",
            "edge/test_connections.py::test_a_caller_never_has_more_than_a_quarter_of_it",
        ),
    ),
    "connections of all strangers together": (
        (f"{STRANGERS:,}, or half of",),
        (
            "edge/test_connections.py::test_strangers_of_many_addresses_do_not_fill_the_house",
            "edge/test_connections.py::test_strangers_never_have_more_than_half_of_what_the_process_may_open",
        ),
    ),
    "connections of everybody together": (
        ("five eighths",) if descriptors.shares(16_000).together == 10_000 else ("another share",),
        (
            "edge/test_connections.py::test_beyond_what_all_may_have_whoever_has_the_most_loses_the_oldest",
            "live/test_descriptors.py::test_one_caller_leaves_enough_for_the_others",
        ),
    ),
    "file descriptors": (
        (f"at least {descriptors.LEAST}",),
        ("live/test_descriptors.py::test_a_server_that_may_open_too_little_does_not_start",),
    ),
    "bytes of requests under way": (
        (f"{bounded.MAX_UNANSWERED_BYTES // MB} MB",),
        (
            "edge/test_bounded.py::test_what_all_send_by_halves_is_bounded_and_the_largest_is_given_up",
            "edge/test_pipelines.py::test_nothing_more_is_read_while_requests_wait_in_line",
        ),
    ),
    "a reader must take": (
        (f"{slow_readers.LEAST_BYTES // KB} KB in {slow_readers.STALL_S:g} s",),
        ("server/test_slow_readers.py::test_who_reads_a_byte_now_and_then_is_closed",),
    ),
    "unread bytes of all connections": (
        (f"{slow_readers.MAX_UNREAD_BYTES // MB} MB",),
        ("server/test_slow_readers.py::test_beyond_the_bound_of_all_together_the_largest_is_closed",),
    ),
    "answers of Django in memory": (
        (f"{collected.IN_MEMORY_BYTES // MB} MB each, {collected.ALL_IN_MEMORY_BYTES // MB} MB in all",),
        ("server/test_answering.py::test_what_memory_has_no_room_for_goes_to_the_disk",),
    ),
    "answers on the disk": (
        (
            f"{collected.ANSWER_BYTES // MB} MB each, {collected.ALL_ON_DISK_BYTES // GB} GB in all",
            f"one for {16_000 // descriptors.shares(16_000).answers} file descriptors",
        ),
        (
            "server/test_answering.py::test_what_is_too_large_is_a_503_that_says_so",
            "server/test_answering.py::test_only_so_many_answers_are_on_the_disk_at_a_time",
        ),
    ),
    "answers of one caller": (
        ("a quarter",) if collected.SHARES == 4 else ("another share",),
        ("server/test_answering.py::test_nobody_takes_the_room_of_others",),
    ),
    "access log": (
        (
            f"{log_path.MAX_BYTES // KB} KB of path",
            f"{access_log.MAX_BYTES // MB} MB in the queue",
        ),
        (
            "edge/test_access_log.py::test_what_is_long_is_cut_and_says_so",
            "edge/test_access_log.py::test_a_line_is_bounded_whatever_is_asked",
            "edge/test_access_log.py::test_lines_that_do_not_fit_are_counted_and_told",
        ),
    ),
    "waiting for Kalshi": (
        (f"{readthrough.MAX_WAITING} seats", f"fewer than {waiting.FEW}"),
        ("cache/test_shares.py::test_no_seat_is_given_twice_and_the_last_ones_are_for_those_who_have_few",),
    ),
    "fetches": (
        (
            f"{readthrough.THREADS_PER_POOL} threads a caller has at most {readthrough.THREADS_PER_POOL // 2}",
            f"{crew.PER_CALLER} in an account",
        ),
        ("cache/test_shares.py::test_one_callers_fetches_never_take_all_threads_nor_the_budget_of_all",),
    ),
    "costly work": (
        (f"{costly.SEATS} at a time, {costly.PER_CALLER} of one caller, {costly.ASKED} of a caller in line",),
        (
            "test_costly.py::test_no_more_than_the_seats_run_at_once_whoever_asks",
            "test_costly.py::test_one_caller_never_has_all_seats_and_another_question_gets_in",
            "test_costly.py::test_what_many_ask_for_is_made_once_and_handed_to_all",
        ),
    ),
    "cache in the process": (
        (f"{local.DEFAULT_MAX_BYTES // MB} MB, half public, half signed",),
        (
            "cache/test_regions.py::test_all_in_all_it_is_256_mb",
            "cache/test_regions.py::test_nobody_has_less_than_in_a_cache_of_the_size_of_the_share",
        ),
    ),
    "requests in Django of all strangers": (
        (f"{lines.CROWD} without a credential and {lines.CROWD} with one",),
        (
            "server/test_lines.py::test_strangers_of_many_networks_leave_a_thread_to_a_caller_who_is_known",
            "server/test_lines.py::test_of_a_crowd_only_so_many_jobs_are_worked_on_and_none_is_lost",
        ),
    ),
    "threads of Django": (
        (f"{descriptors.THREADS}, or one for {1_600 // descriptors.shares(1_600).threads} file",),
        (
            "live/test_descriptors.py::test_all_shares_together_leave_some_for_the_server_itself",
            "live/test_descriptors.py::test_strangers_whose_pages_need_the_database_leave_enough_for_the_others",
        ),
    ),
    "requests in Django, pages": (
        (f"{lines.EACH} of a caller are worked on at a time, {lines.IN_LINE} wait in line",),
        (
            "server/test_lines.py::test_each_caller_has_at_most_its_places_and_its_jobs_begin_in_order",
            "server/test_lines.py::test_beyond_the_line_the_answer_is_429_at_once",
        ),
    ),
    "requests for JSON that reach Django": (
        ("200 a second",),
        (
            "test_throttle.py::test_a_caller_who_asks_too_often_is_told_when_to_come_back",
            "test_security_tables.py::test_a_caller_has_200_requests_a_second",
        ),
    ),
    "passwords": (
        (
            f"{WORDS[passwords.AT_ONCE]} are checked at a time, {WORDS[passwords.WAITING]} wait",
            f"of both {WORDS[passwords.OF_ONE]} for one person",
        ),
        (
            "../../dashboard/tests/test_passwords.py::test_a_few_run_some_wait_and_the_rest_are_refused_at_once",
            "../../dashboard/tests/test_passwords.py::test_nobody_has_more_places_than_their_share",
            "../../dashboard/tests/test_passwords.py::test_whose_share_is_used_up_leaves_the_places_of_others",
        ),
    ),
    "attempts with passwords and codes": (
        (
            f"{attempts.ATTEMPTS} of one address",
            f"one more every {1 / attempts.ATTEMPTS_PER_S:g} s",
            f"{attempts.OF_PERSON} of a person who is signed in and one more every {1 / attempts.OF_PERSON_PER_S:g} s",
        ),
        (
            "sign_in/test_guessing.py::test_one_address_may_not_try_many_names_quickly",
            "sign_in/test_guessing.py::test_who_is_signed_in_has_few_attempts_and_leaves_those_of_the_others",
        ),
    ),
}  # fmt: skip


def rows() -> list[list[str]]:
    return [row for first in ("Bound", "What") for row in table_rows("docs/security.md", first)]


def row_of(words: str) -> list[str]:
    [row] = [row for row in rows() if row[0].startswith(words)]
    return row


def test_every_row_is_proven_and_nothing_else_is() -> None:
    for row in rows():
        assert len([words for words in PROVEN if row[0].startswith(words)]) == 1, row[0]
    assert len(rows()) == len(PROVEN)


@pytest.mark.parametrize("words", PROVEN)
def test_a_row_tells_the_figures_of_the_code_and_where_they_stand(words: str) -> None:
    row = row_of(words)
    for figure in PROVEN[words][0]:
        assert re.search(rf"(?<![\d,]){re.escape(figure)}", row[1]), row
    place = row[-1].strip("`")
    assert place == "the same" or (ROOT / place).is_file()


@pytest.mark.parametrize("words", PROVEN)
def test_the_tests_that_reach_a_bound_are_there(words: str) -> None:
    for test in PROVEN[words][1]:
        path, _, name = test.partition("::")
        assert f"def {name}(" in (ROOT / SHORT / path).read_text(), test


def test_a_caller_has_200_requests_a_second() -> None:
    def let_in(at: float) -> int:
        return sum(CallerThrottle.callers.take("a caller of this test", at) == 0 for _ in range(2_500))

    assert let_in(1_000.0) == 2_000  # what was saved up in ten seconds
    assert [let_in(at) for at in (1_001.0, 1_001.5)] == [200, 100]
