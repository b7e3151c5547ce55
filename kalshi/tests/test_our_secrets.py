"""Our secrets are found wherever they stand, in a time that grows with the text and no faster."""

from __future__ import annotations

import re
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kalshi.our_secrets import masked

# What counts as a secret, told plainly: tried from every place, so it may take long.
DIGIT = r"(?:[0-9A-Fa-f]|%(?:25)*+(?:3[0-9]|[46][1-6]))"
BREAK = r"(?:[^\x21-\x7e]|%(?:25)*+(?:[01][0-9A-Fa-f]|20)){0,8}+"
PLAINLY = re.compile(f"{DIGIT}(?:{BREAK}{DIGIT}){{63,}}+")

SECRET = "0123456789abcdef" * 4
PIECES = (
    "a",
    "%",
    "%20",
    "%2520",
    "%25",
    "%61",
    "%2561",
    " ",
    "\n",
    "é",
    "z",
    "a" * 20,
    "%20" * 8,
    SECRET[:40],
)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (SECRET, "***"),
        (f"a%{SECRET}", "***"),
        (f"100%2520{SECRET[4:]}.", "***."),
        (f"x{SECRET}y", "x***y"),
        (SECRET[:63], SECRET[:63]),
        ("\r\n".join(SECRET), "***"),
        ((" " * 9).join(SECRET), (" " * 9).join(SECRET)),
        ("".join(f"%25{ord(digit):x}" for digit in SECRET), "***"),
        (f"{SECRET[:32]}z{SECRET[32:]} {SECRET}", f"{SECRET[:32]}z***"),
    ],
)
def test_a_secret_is_masked_with_what_belongs_to_it_and_nothing_else(text: str, shown: str) -> None:
    assert masked(text, "***") == shown


@given(st.lists(st.sampled_from(PIECES), max_size=40).map("".join))
def test_what_a_plain_search_finds_is_masked_and_where_it_finds_none_all_stands_as_sent(text: str) -> None:
    without = masked(text, "***")
    assert not PLAINLY.search(without)
    assert (without == text) == (PLAINLY.search(text) is None)


@pytest.mark.parametrize(
    "piece",
    [
        ("a" + "%20" * 8) * 62 + "z",
        ("a" + " " * 8) * 62 + "z",
        "%61" * 63 + "z",
        "a" + "%20" * 9,
        "%20",
        "%25",
        "%" + "25" * 15 + "20",
        "a" * 63 + "z",
    ],
)
def test_no_text_is_read_again_and_again(piece: str) -> None:
    """Searched from every place, the first takes some fifteen seconds."""
    text = piece * (4_000_000 // len(piece))
    begun = time.process_time()
    masked(text, "***")
    assert time.process_time() - begun < 10
