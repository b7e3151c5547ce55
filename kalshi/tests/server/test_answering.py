"""A WSGI application's answer, whole, whatever the application does."""

from __future__ import annotations

import gzip
import io
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest

from kalshi.server import collected
from kalshi.server.answering import Answer, Client, answer_of
from kalshi.server.collected import FileWrapper, Room, Rooms
from kalshi.services import handover

START = [("Content-Type", "text/plain"), ("X-Request-ID", "abcdefgh"), ("Content-Length", "7")]
MEMORY, DISK = 10_000, 100_000


@pytest.fixture(autouse=True)
def _small(monkeypatch: pytest.MonkeyPatch) -> None:
    sizes = {"CHUNK_BYTES": 100, "IN_MEMORY_BYTES": 1_000, "ANSWER_BYTES": 50_000, "SHARES": 1}
    for name, value in sizes.items():
        monkeypatch.setattr(collected, name, value)


@pytest.fixture
def rooms() -> Rooms:
    return Rooms(MEMORY, DISK)


class Result:
    """What an application gives back. raises: instead of its end."""

    def __init__(self, chunks: Iterable[bytes], raises: Exception | None = None) -> None:
        self._chunks, self._raises = chunks, raises
        self.closed = 0

    def __iter__(self) -> Iterator[bytes]:
        yield from self._chunks
        if self._raises is not None:
            raise self._raises

    def close(self) -> None:
        self.closed += 1


def run(
    result: Iterable[bytes],
    rooms: Rooms,
    *,
    method: str = "GET",
    client: Client | None = None,
    begin: Callable[..., Any] = lambda start_response: start_response("200 OK", START),
) -> Answer | None:
    def application(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        begin(start_response)
        return result

    return answer_of(application, {"REQUEST_METHOD": method}, client or Client(), rooms, lambda scope: None)


def whole(answer: Answer | None) -> bytes:
    """The body, read as the event loop does; closes it."""
    assert answer is not None
    pieces = []
    while piece := answer.body.read(sum(map(len, pieces))):
        assert len(piece) <= collected.CHUNK_BYTES
        pieces.append(piece)
    assert sum(map(len, pieces)) == answer.body.size
    answer.body.close()
    return b"".join(pieces)


@pytest.mark.parametrize(
    "chunks",
    [
        [],
        [b""],
        [b"short"],
        [b"a", b"", b"b"],
        [b"x" * 999],
        [b"y" * 600, b"z" * 401],
        [bytes([n % 256]) * 333 for n in range(100)],
    ],
    ids=["none", "empty", "one", "several", "all in memory", "just on the disk", "on the disk"],
)
def test_the_answer_is_whole_and_gives_its_room_back(chunks: list[bytes], rooms: Rooms) -> None:
    result = Result(chunks)
    answer = run(result, rooms)
    assert answer is not None and result.closed == 1
    assert (answer.status, answer.headers[0]) == (200, (b"content-type", b"text/plain"))
    taken = MEMORY - rooms.memory.left + DISK - rooms.disk.left
    assert taken == sum(map(len, chunks))
    assert whole(answer) == b"".join(chunks)
    assert (rooms.memory.left, rooms.disk.left) == (MEMORY, DISK)


def test_what_memory_has_no_room_for_goes_to_the_disk() -> None:
    rooms = Rooms(500, DISK)
    assert whole(run(Result([b"x" * 400, b"y" * 400]), rooms)) == b"x" * 400 + b"y" * 400
    assert (rooms.memory.left, rooms.disk.left) == (500, DISK)


def test_what_is_written_comes_before_what_is_given_back(rooms: Rooms) -> None:
    def begin(start_response: Callable[..., Any]) -> None:
        write = start_response("201 Created", [(" X ", " a ")])
        write(b"first ")

    answer = run(Result([b"then"]), rooms, begin=begin)
    assert answer is not None and (answer.status, answer.headers) == (201, [(b"x", b"a")])
    assert whole(answer) == b"first then"


def test_an_answer_is_replaced_when_something_went_wrong_meanwhile(rooms: Rooms) -> None:
    def begin(start_response: Callable[..., Any]) -> None:
        start_response("200 OK", START)
        start_response("500 Oh", [], exc_info=(None, None, None))

    answer = run(Result([b"sorry"]), rooms, begin=begin)
    assert answer is not None and (answer.status, answer.headers) == (500, [])


@pytest.mark.parametrize(
    ("begin", "error"),
    [
        (lambda _: None, IndexError),
        (lambda start: (start("200 OK", []), start("200 OK", [])), AssertionError),
        (lambda _: 1 / 0, ZeroDivisionError),
    ],
    ids=["never started", "started twice", "raised"],
)
def test_what_breaks_the_rules_is_an_error(
    begin: Callable[..., Any], error: type[Exception], rooms: Rooms
) -> None:
    with pytest.raises(error):
        run(Result([b"x"]), rooms, begin=begin)
    assert rooms.memory.left == MEMORY


@pytest.mark.parametrize("length", [10, 20_000])
def test_an_answer_that_fails_on_the_way_is_an_error_and_not_half_an_answer(
    length: int, rooms: Rooms
) -> None:
    result = Result([b"x" * length], raises=ZeroDivisionError())
    with pytest.raises(ZeroDivisionError):
        run(result, rooms)
    assert (result.closed, rooms.memory.left, rooms.disk.left) == (1, MEMORY, DISK)


def test_a_close_that_fails_costs_nobody_the_answer(rooms: Rooms, monkeypatch: pytest.MonkeyPatch) -> None:
    result = Result([b"x"])
    monkeypatch.setattr(result, "close", lambda: 1 / 0)
    assert whole(run(result, rooms)) == b"x"


def test_a_stream_ends_when_its_client_has_left(rooms: Rooms) -> None:
    client, seen = Client(), []

    def endless() -> Iterator[bytes]:
        while True:
            client.gone = len(seen) >= 5
            seen.append(1)
            yield b"x" * 500

    result = Result(endless())
    assert run(result, rooms, client=client) is None
    assert (len(seen), result.closed, rooms.memory.left, rooms.disk.left) == (6, 1, MEMORY, DISK)


def test_nobody_collects_a_stream_for_head(rooms: Rooms) -> None:
    result = Result(iter(lambda: b"x" * 500, None))
    answer = run(result, rooms, method="HEAD")
    assert answer is not None and answer.headers == [
        (name.lower().encode(), value.encode()) for name, value in START
    ]
    assert result.closed == 1


@pytest.mark.parametrize("disk", [DISK, 3_000], ids=["one too large", "too many"])
def test_what_is_too_large_is_a_503_that_says_so(disk: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(collected, "SHARES", 1)
    rooms = Rooms(MEMORY, disk)
    result = Result(b"x" * 999 for _ in range(1_000))
    answer = run(result, rooms)
    assert answer is not None and answer.status == 503 and result.closed == 1
    headers = dict(answer.headers)
    assert headers[b"x-request-id"] == b"abcdefgh" and headers[b"retry-after"] == b"10"
    assert headers[b"content-type"] == b"application/json"
    body = whole(answer)
    assert len(body) == int(headers[b"content-length"]) and b"abcdefgh" in body and b'"no_room"' in body
    assert (rooms.memory.left, rooms.disk.left) == (MEMORY, disk)


def _is_full() -> Any:
    return Path("/dev/full").open("wb")


def _has_no_folder() -> Any:
    raise FileNotFoundError(2, "No usable temporary directory found")


@pytest.mark.parametrize("chunks", [[b"x" * 2_000], [b"x" * 999] * 40], ids=["at its end", "on the way"])
@pytest.mark.parametrize("disk", [_is_full, _has_no_folder])
def test_a_disk_that_takes_nothing_is_a_503_that_says_so_and_costs_no_room(
    disk: Callable[[], Any],
    chunks: list[bytes],
    rooms: Rooms,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(collected.tempfile, "TemporaryFile", disk)
        answer = run(Result(chunks), rooms)
    assert answer is not None and answer.status == 503
    headers, body = dict(answer.headers), whole(answer)
    assert headers[b"content-type"] == b"application/json" and headers[b"retry-after"] == b"10"
    assert b"no room on its disk" in body and b"abcdefgh" in body
    assert (rooms.memory.left, rooms.disk.left) == (MEMORY, DISK)
    assert "temporary files" in caplog.text and "Traceback" not in caplog.text
    assert whole(run(Result(chunks), rooms)) == b"".join(chunks)


def test_what_the_application_cannot_read_is_no_fault_of_our_disk(rooms: Rooms) -> None:
    with pytest.raises(OSError, match="its own"):
        run(Result([b"x"], raises=OSError("its own")), rooms)


class Closing(FileWrapper):
    closed = False

    def close(self) -> None:
        self.closed = True
        super().close()


@pytest.mark.parametrize("start", [0, 17])
@pytest.mark.parametrize("length", [0, 90, 5_000])
def test_a_file_is_sent_from_where_it_stands_and_closed_at_once(
    start: int, length: int, rooms: Rooms, tmp_path: Path
) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"s" * start + b"f" * length)
    file = path.open("rb")
    file.read(start)
    wrapper = Closing(file)
    answer = run(wrapper, rooms)
    assert wrapper.closed and file.closed
    path.unlink()
    if length > collected.CHUNK_BYTES:
        assert (rooms.memory.left, rooms.disk.left) == (MEMORY, DISK)
    assert whole(answer) == b"f" * length
    assert (rooms.memory.left, rooms.disk.left) == (MEMORY, DISK)


def open_files() -> int:
    return len(list(Path("/dev/fd").iterdir()))


def test_many_readers_of_a_file_cost_one_open_file(rooms: Rooms, tmp_path: Path) -> None:
    texts = {name: name.encode() * 1_000 for name in ("a", "b")}
    for name, text in texts.items():
        (tmp_path / name).write_bytes(text)
    before = open_files()
    answers = [(name, run(FileWrapper((tmp_path / name).open("rb")), rooms)) for name in "abab" * 10]
    assert open_files() == before + 2
    (tmp_path / "a").unlink()
    (tmp_path / "a").write_bytes(b"a newer one" * 1_000)
    newer = run(FileWrapper((tmp_path / "a").open("rb")), rooms)
    for name, answer in answers:
        assert whole(answer) == texts[name]
    assert whole(newer) == b"a newer one" * 1_000
    assert open_files() == before


def test_only_so_many_answers_are_on_the_disk_at_a_time() -> None:
    rooms = Rooms(MEMORY, DISK, answers=3)
    kept = [run(Result([b"x" * 2_000]), rooms) for _ in range(5)]
    assert [answer and answer.status for answer in kept] == [200] * 3 + [503] * 2
    for answer in kept:
        whole(answer)
    assert (rooms.answers.left, rooms.memory.left, rooms.disk.left) == (3, MEMORY, DISK)
    assert whole(run(Result([b"x" * 2_000]), rooms)) == b"x" * 2_000


def test_what_only_looks_like_a_plain_file_is_read_through_its_own_method(
    rooms: Rooms, tmp_path: Path
) -> None:
    text = b"compressible" * 50
    with gzip.open(tmp_path / "file", "wb") as packed:
        packed.write(text)
    unpacked: Any = gzip.open(tmp_path / "file", "rb")  # noqa: SIM115 - closed by the answer
    assert whole(run(FileWrapper(unpacked), rooms)) == text
    assert whole(run(FileWrapper(io.BytesIO(text)), rooms)) == text


def test_a_room_is_never_overdrawn() -> None:
    room = Room(10)
    assert room.take(7, "a") and not room.take(4, "a") and room.take(3, "b")
    room.give_back(7, "a")
    room.give_back(3, "b")
    assert room.left == 10


ANYBODY = {"REMOTE_ADDR": "203.0.113.7"}


@pytest.mark.parametrize(
    ("slow", "other"),
    [
        ({"asgi.scope": {"kalshi.caller": "token:1"}}, {"asgi.scope": {"kalshi.caller": "token:2"}}),
        ({"asgi.scope": {"kalshi.caller": "token:1"}} | ANYBODY, ANYBODY),
        (ANYBODY, {"REMOTE_ADDR": "203.0.113.8"}),
    ],
    ids=["two callers", "a caller and a stranger", "two addresses"],
)
def test_nobody_takes_the_room_of_others(
    slow: dict[str, Any], other: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(collected, "SHARES", 4)
    rooms = Rooms(MEMORY, DISK)

    def ask(who: dict[str, Any]) -> Answer:
        def application(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
            start_response("200 OK", START)
            return [b"x" * 900] * 10

        answer = answer_of(application, {"REQUEST_METHOD": "GET"} | who, Client(), rooms, handover.caller)
        assert answer is not None
        return answer

    kept = [ask(slow) for _ in range(20)]
    assert [answer.status for answer in kept] == [200] * 2 + [429] * 18
    assert b'"too_many_requests"' in whole(kept[-1])
    kept += [ask(other)]
    assert kept[-1].status == 200
    for answer in kept:
        answer.body.close()
    assert (rooms.memory.left, rooms.disk.left) == (MEMORY, DISK)
