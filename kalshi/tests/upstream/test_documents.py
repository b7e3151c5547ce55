"""JSON of the exchange goes into Python and out again as a strict document with the same numbers."""

from __future__ import annotations

import json
import sys
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kalshi.errors import UnexpectedPayload
from kalshi.tests.hostile import BAD_BODIES, BAD_VALUES, BIG, GOOD_VALUES, nested, strict
from kalshi.upstream import documents
from kalshi.upstream.documents import MAX_DEPTH, Number


@pytest.mark.parametrize(("sent", "wanted"), GOOD_VALUES.values(), ids=GOOD_VALUES)
def test_a_value_comes_out_as_it_was_sent(sent: str, wanted: str) -> None:
    written = documents.write(documents.read(f'{{"a": [{sent}, {{"b": {sent}}}]}}'.encode()))
    assert written.decode() == f'{{"a":[{wanted},{{"b":{wanted}}}]}}'
    strict(written)


@pytest.mark.parametrize("sent", BAD_VALUES.values(), ids=BAD_VALUES)
def test_what_no_document_can_hold_is_refused(sent: str) -> None:
    with pytest.raises(UnexpectedPayload, match="cannot be read"):
        documents.read_object(f'{{"a":{sent}}}'.encode())


@pytest.mark.parametrize("body", BAD_BODIES.values(), ids=BAD_BODIES)
def test_what_is_no_object_is_refused(body: bytes) -> None:
    with pytest.raises(UnexpectedPayload):
        documents.read_object(body)


@pytest.mark.parametrize("value", ["{}", "[]", "0", '""', '{"a":1}'])
def test_a_body_of_millions_of_values_is_refused_before_it_takes_a_gigabyte(value: str) -> None:
    with pytest.raises(UnexpectedPayload, match="too many values"):
        documents.read_object(f'{{"a":[{f"{value}," * 2_000_000}0]}}'.encode())


def test_the_depth_allowed_is_exact_and_does_not_hang_on_the_callers_own_depth() -> None:
    assert documents.read(nested(MAX_DEPTH).encode())
    with pytest.raises(ValueError, match="100 levels"):
        documents.read(nested(MAX_DEPTH + 1).encode())

    def deep(levels: int) -> bytes:
        return deep(levels - 1) if levels else documents.write(documents.read(nested(MAX_DEPTH).encode()))

    assert deep(sys.getrecursionlimit() // 2) == nested(MAX_DEPTH).encode()


def test_whole_numbers_are_numbers_in_python_and_all_others_their_text() -> None:
    found = documents.read(b'{"cents":9801,"minus":-5,"strike":71.50,"huge":%s}' % BIG.encode())
    assert (found["cents"], found["minus"]) == (9801, -5)
    assert found["strike"] == "71.50"
    assert type(found["strike"]) is type(found["huge"]) is Number


def test_what_python_callers_get_can_be_written_by_any_json_library() -> None:
    found = documents.read(f'{{"a":{BIG},"b":1e999,"c":"\\ud83d"}}'.encode())
    assert strict(json.dumps(found, ensure_ascii=False).encode()) == {"a": BIG, "b": "1e999", "c": "\ufffd"}


def test_half_characters_of_our_own_are_written_as_escapes() -> None:
    assert documents.write({"caf\udce9.json": "\udce9"}) == rb'{"caf\udce9.json":"\udce9"}'


@pytest.mark.parametrize("value", [float("inf"), float("nan"), {"a": {1, 2}}, {1: "a"}])
def test_what_json_has_no_form_for_is_never_written(value: Any) -> None:
    with pytest.raises((TypeError, ValueError)):
        documents.write({"a": value})


NUMBER = st.from_regex(
    r"-?(0|[1-9][0-9]{0,40})(\.[0-9]{1,40})?([eE][+-]?[0-9]{1,6})?", fullmatch=True
).filter(str.isascii)
ESCAPE = st.sampled_from(
    [r"\ud83d", r"\ude00", r"\uD800", r"\n", r"\\", r"\"", r"\u0041", "é", "😀", "ud83d"]
)
STRING = st.lists(ESCAPE | st.text("ab{}[],:1e. ", max_size=3), max_size=6).map(
    lambda parts: f'"{"".join(parts)}"'
)
SPACE = st.sampled_from(["", " ", "\n", "\t \r\n"])


def _nest(values: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    lists = st.tuples(SPACE, st.lists(values, max_size=4)).map(
        lambda found: f"[{found[0]}{f',{found[0]}'.join(found[1])}]"
    )
    members = st.lists(st.tuples(STRING, values), max_size=4)
    objects = st.tuples(SPACE, members).map(
        lambda found: (
            f"{{{found[0]}"
            + ",".join(f"{name}{found[0]}:{found[0]}{value}" for name, value in found[1])
            + "}"
        )
    )
    return lists | objects


JSON = st.recursive(NUMBER | STRING | st.sampled_from(["true", "false", "null"]), _nest, max_leaves=25)


def _whole(value: Any) -> Any:
    """The value with U+FFFD for each half character."""
    if isinstance(value, dict):
        return {_whole(name): _whole(item) for name, item in value.items()}
    if isinstance(value, list):
        return [_whole(item) for item in value]
    if isinstance(value, str):
        return "".join("\ufffd" if "\ud800" <= char <= "\udfff" else char for char in value)
    return value


@given(text=JSON)
def test_any_json_comes_out_as_strict_json_with_the_same_values_and_number_texts(text: str) -> None:
    sent = json.loads(text, parse_int=lambda n: ["number", n], parse_float=lambda n: ["number", n])
    written = documents.write(documents.read(text.encode()))
    strict(written)
    found = json.loads(written, parse_int=lambda n: ["number", n], parse_float=lambda n: ["number", n])
    assert found == _whole(sent)


@given(body=st.binary(max_size=60) | JSON.map(lambda text: text.encode()[:-1]))
def test_whatever_the_bytes_are_they_are_read_or_refused(body: bytes) -> None:
    try:
        found = documents.read(body)
    except ValueError:
        return
    strict(documents.write(found))
