"""Which ids of callers are kept, for they stand in the log."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from kalshi.our_secrets import new_secret
from kalshi.request_id import new_request_id


@pytest.mark.parametrize(
    "offered",
    ["who-asks", "x" * 64, "a" * 63, "01234567-89ab-cdef-0123-456789abcdef", "g" + "a" * 63, "a" * 63 + "_"],
)
def test_a_harmless_word_is_kept(offered: str) -> None:
    assert new_request_id(offered) == offered


@pytest.mark.parametrize("offered", [None, "", "short", "x" * 65, "two words", "line\nline", "ünicode-id"])
def test_anything_else_gets_an_id_of_ours(offered: str | None) -> None:
    assert len(new_request_id(offered)) == 32


@pytest.mark.parametrize("spell", [str.lower, str.upper])
def test_a_token_is_never_an_id(spell: Callable[[str], str]) -> None:
    token = new_secret()
    assert token[:20] not in new_request_id(spell(token)).lower()
