from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kalshi.cache.entry import Entry, Head

seconds = st.floats(min_value=0, max_value=1e10, allow_nan=False)
entries = st.builds(
    Entry.of,
    identity=st.text(max_size=300),
    status=st.sampled_from([200, 404]),
    body=st.binary(max_size=2000),
    fetched_at=seconds,
    fresh_s=seconds,
    keep_s=seconds,
)


def entry_of(body: bytes = b'{"balance":1}', **changes: object) -> Entry:
    entry = Entry.of("key", 200, body, fetched_at=1000.0, fresh_s=60.0, keep_s=3600.0)
    return replace(entry, **changes)


@pytest.mark.parametrize(("now", "age_s"), [(1060.5, 60.5), (1000, 0), (995, 0), (994.9, None), (0, None)])
def test_an_age_is_unknown_when_the_clock_was_set_back(now, age_s):
    entry = entry_of()
    assert entry.age_s(now) == age_s
    assert Head.unpack(entry.pack()).age_s(now) == age_s


@given(entries)
def test_what_is_packed_is_what_comes_out(entry):
    assert Entry.unpack(entry.pack()) == entry


@given(entries, st.data())
def test_any_changed_byte_makes_it_a_miss(entry, data):
    packed = bytearray(entry.pack())
    place = data.draw(st.integers(0, len(packed) - 1))
    packed[place] ^= data.draw(st.integers(1, 255))
    assert Entry.unpack(bytes(packed)) is None


@given(entries, st.data())
def test_a_cut_or_lengthened_copy_is_a_miss(entry, data):
    packed = entry.pack()
    assert Entry.unpack(packed[: data.draw(st.integers(0, len(packed) - 1))]) is None
    assert Entry.unpack(packed + data.draw(st.binary(min_size=1, max_size=50))) is None


@given(st.one_of(st.binary(), st.none(), st.integers(), st.text()))
def test_foreign_values_are_a_miss(value):
    assert Entry.unpack(value) is None


def test_numbers_that_are_no_times_are_a_miss():
    assert Entry.unpack(entry_of(fetched_at=float("nan")).pack()) is None
    assert Entry.unpack(entry_of(keep_s=float("inf")).pack()) is None


def test_the_etag_changes_with_any_byte_of_the_body_and_with_nothing_else():
    one = entry_of(b'{"a": 1}')
    assert one.etag == entry_of(b'{"a": 1}', identity="another account").etag
    assert one.etag != entry_of(b'{"a":1}').etag
    assert one.etag.startswith('"')
    assert one.etag.endswith('"')


@pytest.mark.parametrize("status", [201, 301, 400, 500, 503])
def test_only_good_answers_and_404_can_be_kept(status):
    with pytest.raises(ValueError, match="200 or 404"):
        Entry.of("key", status, b"{}", fetched_at=0, fresh_s=1, keep_s=1)
