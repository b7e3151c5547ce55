"""Every table that lives as long as the process is bounded in bytes, as the interpreter itself counts them."""

from __future__ import annotations

import gc
import tracemalloc
from collections import OrderedDict
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kalshi.byte_lru import ByteLru
from kalshi.byte_table import ITEM_OVERHEAD, ByteTable, size_of
from kalshi.cache import attempts
from kalshi.cache.entry import Entry
from kalshi.cache.local import size_of as size_of_entry
from kalshi.cache.readthrough import Answer
from kalshi.conf import EndpointOptions
from kalshi.edge import callers, pages, ready, signed
from kalshi.edge.question import read
from kalshi.limits import callers as limits
from kalshi.limits.breaker import Breaker
from kalshi.server import askers, changed_files, repeated
from kalshi.server.protocol import Asked
from kalshi.services import seen_addresses
from kalshi.services.handover import Answered
from kalshi.views import throttle

LONG = 12_000
NAMES = (
    *(
        "content-type",
        "vary",
        "x-frame-options",
        "x-content-type-options",
        "referrer-policy",
        "permissions-policy",
    ),
    *(
        "cross-origin-opener-policy",
        "content-security-policy",
        "access-control-allow-origin",
        "age",
        "etag",
        "date",
    ),
    *("access-control-expose-headers", "access-control-allow-credentials", "cache-control", "cache-status"),
)
HEADERS = [(name.encode(), (name * 3).encode()) for name in NAMES]
OPTIONS = EndpointOptions(fresh_s=3600, keep_s=86_400, patience_s=1, enabled=True)
ENTRY = Entry.of("key", 200, b"{}", fetched_at=1000.0, fresh_s=3600, keep_s=86_400)


def unlike(number: int, size: int) -> bytes:
    return b"%06d" % number + b"x" * size


def fill_pages(number: int, size: int) -> Any:
    """Pages of one address for each origin, as they are after a 200 and a 304."""
    found = pages.Pages()
    for n in range(number):
        address = (b"/balance/", b"", b"localhost", unlike(n, size), "http", None)
        answered = Answered(f"key {n}", "get_balance", "default", Breaker(), "person:1")
        page = found.learn(address, answered, "balance", f"/balance/{n}")
        for status in (200, 304):
            page.learn(status, [(name, bytes(bytearray(value))) for name, value in HEADERS])
            page.make(status, Answer(ENTRY, "hit"), OPTIONS, 1001.0)
    return found


def fill_callers(number: int, size: int) -> Any:
    found = callers.Callers()
    for n in range(number):
        who = (b"Bearer x", unlike(n, size), None)
        found.let_in(who, "default", 100.0, "person:1")
        found.is_due(who, 101.9)
    return found


def fill_repeated(number: int, size: int) -> Any:
    found = repeated.Repeated()
    for n in range(number):
        head = [(b"authorization", b"Bearer x"), (b"cookie", unlike(n, size))]
        data = b"GET /balance/ HTTP/1.1\r\n" + b"".join(b"%b: %b\r\n" % header for header in head)
        question = read(Asked("GET", b"/balance/", b"", head, "http"), "192.0.2.1")
        assert question is not None
        found.keep("http", "192.0.2.1", data, question[0], ())
        found.keep("http", "192.0.2.1", data + b"y" * (n % 1000), question[0], (unlike(n, size),))
    return found


def fill_keys(number: int, size: int) -> Any:
    found = signed.Keys()
    for n in range(number):
        found.learn(unlike(n, size), signed_by(n))
    return found


def signed_by(number: int) -> Any:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    return Ed25519PrivateKey.from_private_bytes(number.to_bytes(32, "big")).public_key()


def fill_askers(number: int, size: int) -> Any:
    found = askers.Askers()
    for n in range(number):
        headers = [(b"authorization", bytes(bytearray(b"Bearer x"))), (b"cookie", unlike(n, size))]
        found.judged({"client": ("192.0.2.1", 1), "headers": headers}, f"person:{n}")
    return found


def fill_changed(number: int, size: int) -> Any:
    found = changed_files.Warnings()
    for n in range(number):
        found.is_due(unlike(n, size).decode("latin-1"), float(n))
    return found


def fill_starting(number: int, size: int) -> Any:
    found = ready.ReadyAnswers()
    found._cache = SimpleNamespace(refreshing=lambda key: False)  # type: ignore[assignment]
    for n in range(number):
        found._is_refreshed(unlike(n, size).decode())
    return found


def fill_buckets(number: int, size: int) -> Any:
    found = throttle.Buckets(capacity=10, refill_per_s=1)
    for n in range(number):
        found.take(unlike(n, size).decode(), float(n))
    return found


def fill_limits(number: int, size: int) -> Any:
    found = limits.CallerLimits(None)
    for n in range(number):
        found.take(unlike(n, size).decode(), 10.0)
    return found


def fill_attempts(number: int, size: int) -> Any:
    found = attempts.Attempts()
    for n in range(number):
        key = unlike(n, size).decode()
        found.started(key, float(n))
        found.ended(key, "upstream_unavailable")
    return found


def fill_addresses(number: int, size: int) -> Any:
    for n in range(number):
        seen_addresses._is_known((f"token:{n}", unlike(n, size).decode()), float(n))


def fill_cache(number: int, size: int) -> Any:
    found: ByteLru[Entry] = ByteLru(4 * 2**20, size=size_of_entry)
    for n in range(number):
        name = f"kalshi:1:demo:host:default.01234567:get_orders:{n}"
        found.set(name, Entry.of(name, 200, unlike(n, size), fetched_at=1.0, fresh_s=1, keep_s=2), 60.0)
    return found


@pytest.fixture
def memory() -> Iterator[Callable[[], int]]:
    """Bytes that the interpreter has given out since the test began, and that are in use."""
    gc.collect()
    tracemalloc.start()
    yield lambda: tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    seen_addresses.forget()


@pytest.mark.parametrize("size", [10, LONG], ids=["short", "long"])
@pytest.mark.parametrize(
    ("fill", "bound"),
    [
        (fill_pages, pages.PAGES_BYTES),
        (fill_callers, callers.CALLERS_BYTES),
        (fill_repeated, repeated.KNOWN_BYTES + repeated.CUTS_BYTES),
        (fill_keys, signed.KEYS_BYTES),
        (fill_askers, askers.NAMES_BYTES),
        (fill_changed, changed_files.PATHS_BYTES),
        (fill_starting, ready.STARTING_BYTES),
        (fill_buckets, throttle.CALLERS_BYTES),
        (fill_limits, limits.CALLERS_BYTES),
        (fill_attempts, attempts.ATTEMPTS_BYTES),
        (fill_addresses, seen_addresses.REMEMBERED_BYTES),
        (fill_cache, 4 * 2**20),
    ],
    ids=lambda value: getattr(value, "__name__", "").removeprefix("fill_") or None,
)
def test_a_table_never_takes_more_memory_than_its_bound(
    memory: Callable[[], int], fill: Callable[[int, int], Any], bound: int, size: int
) -> None:
    began = memory()
    filled = fill(3 * bound // (size + 1_000) // (12 if fill is fill_pages and size == 10 else 1), size)
    assert memory() - began <= bound * 1.05
    del filled


def test_the_bounds_are_a_small_part_of_a_worker() -> None:
    bounds = (
        pages.PAGES_BYTES,
        callers.CALLERS_BYTES,
        repeated.KNOWN_BYTES,
        repeated.CUTS_BYTES,
        signed.KEYS_BYTES,
        askers.NAMES_BYTES,
        changed_files.PATHS_BYTES,
        ready.STARTING_BYTES,
        throttle.CALLERS_BYTES,
        limits.CALLERS_BYTES,
        attempts.ATTEMPTS_BYTES,
        seen_addresses.REMEMBERED_BYTES,
    )
    assert sum(bounds) < 100 * 2**20


@given(st.lists(st.tuples(st.integers(0, 8), st.integers(0, 900), st.booleans()), max_size=80))
def test_a_byte_table_keeps_the_youngest_that_fit(moves: list[tuple[int, int, bool]]) -> None:
    table: ByteTable[int, int] = ByteTable(3_000)
    model: OrderedDict[int, int] = OrderedDict()
    for key, size, puts in moves:
        gone = table.put(key, size, size) if puts else []
        if not puts:
            assert table.pop(key) == model.pop(key, None)
            continue
        model.pop(key, None)
        model[key] = size
        dropped = []
        while sum(model.values()) + ITEM_OVERHEAD * len(model) > 3_000:
            dropped.append(model.popitem(last=False)[0])
        assert gone == dropped
        assert list(table) == list(model) and len(table) == len(model)
        assert [table.get(each) for each in table] == list(model.values())
        assert table.used_bytes == sum(model.values()) + ITEM_OVERHEAD * len(model)


def test_the_size_of_nested_values_counts_what_is_in_them() -> None:
    assert size_of((b"x" * 1000, (b"y" * 1000, None))) > 2_000
    assert size_of("x" * 1000, 1.5) > 1_000
