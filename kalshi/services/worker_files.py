"""What each server process has counted, in a folder that the processes of one server share.

`<pid>.json` belongs to one process, which rewrites it once a second. The counts of processes that ended are added up
in `ended.json`, so that no sum ever falls when a worker is replaced; that file names those it has just taken in, and
readers leave them out, so nobody needs a lock to read. Without the folder (one process) nothing is written.
"""

import contextlib
import fcntl
import json
import os
import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

VARIABLE = "KALSHI_WORKERS_DIR"
ENDED = "ended.json"
HELD = "supervisor"
# A process that wrote nothing for so long does not count as running any more.
STILL_S = 10.0

Document = dict[str, Any]


@contextlib.contextmanager
def shared_folder(folder: str) -> Iterator[None]:
    """The processes started within share the folder.

    Removes the folders beside it that supervisors left behind which were killed: a folder in use holds a locked file.
    """
    place = Path(folder)
    # Locked before it has its name: nobody may find it unlocked.
    new = place / "new"
    with new.open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        new.rename(place / HELD)
        _remove_left_behind(place)
        os.environ[VARIABLE] = folder
        try:
            yield
        finally:
            del os.environ[VARIABLE]


def _remove_left_behind(own: Path) -> None:
    kind = own.name.rpartition("-")[0]
    for place in own.parent.glob(f"{kind}-*") if kind else ():
        with contextlib.suppress(OSError):  # somebody else's, in use, or just removed by another start
            if place != own and place.lstat().st_uid == os.geteuid():
                with (place / HELD).open() as held:
                    fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    shutil.rmtree(place)


def folder() -> Path | None:
    name = os.environ.get(VARIABLE)
    return Path(name) if name else None


def write(place: Path, document: Document) -> None:
    """Replace this process's file. A full disk loses only the freshness."""
    with contextlib.suppress(OSError):
        replace(place / f"{os.getpid()}.json", document)


def others(place: Path, now: float) -> tuple[list[Document], list[Document]]:
    """(documents of the other processes that run, documents that only count: of processes that ended)."""
    found = {path.stem: document for path, document in _processes(place) if path.stem != str(os.getpid())}
    ended = _read(place / ENDED)  # after the others: what vanished meanwhile is in here
    if ended is not None:
        found = {name: document for name, document in found.items() if name not in ended["includes"]}
    # Those who run write again at once after the clock was set back.
    running = [document for document in found.values() if abs(now - document["at"]) < STILL_S]
    still = [document for document in found.values() if abs(now - document["at"]) >= STILL_S]
    return running, still + ([ended] if ended is not None else [])


def take_in_ended(place: Path, add: Callable[[list[Document]], Document]) -> None:
    """Add the files of processes that ended to ENDED and remove them. Called when a process starts."""
    with contextlib.suppress(OSError), (place / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        gone = [(path, document) for path, document in _processes(place) if not _runs(int(path.stem))]
        if not gone:
            return
        before = _read(place / ENDED)
        left_over = set(before["includes"]) if before is not None else set()
        new = [document for path, document in gone if path.stem not in left_over]
        total = add(new + ([before] if before is not None else []))
        replace(place / ENDED, total | {"at": time.time(), "includes": [path.stem for path, _ in gone]})
        for path, _ in gone:
            path.unlink()


def _processes(place: Path) -> Iterator[tuple[Path, Document]]:
    for path in place.glob("[0-9]*.json"):
        document = _read(path)
        if document is not None:
            yield path, document


def _read(path: Path) -> Document | None:
    try:
        document: Document = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return None
    return document


def replace(path: Path, document: Document) -> None:
    """Write it so that a reader sees the old or the new file. Raises OSError."""
    new = path.with_suffix(f".{os.getpid()}.new")
    new.write_text(json.dumps(document))
    new.replace(path)


def _runs(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
