"""The folder that the processes of one server share, when servers come and go."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from kalshi.services import worker_files
from kalshi.tests.servers import Process, bare_environment

SUPERVISOR = """
import pathlib, sys, time
from kalshi.services import worker_files
with worker_files.shared_folder(sys.argv[1]):
    (pathlib.Path(sys.argv[1]) / "17.json").write_text("{}")
    print("holds it", flush=True)
    time.sleep(60)
"""


def folder(parent: Path, name: str) -> Path:
    made = parent / f"kalshi-workers-{name}"
    made.mkdir()
    return made


@pytest.fixture
def other(tmp_path: Path) -> Process:
    """Another server's supervisor, in a folder beside ours."""
    command = [sys.executable, "-c", SUPERVISOR, str(folder(tmp_path, "other"))]
    process = Process(command, bare_environment(tmp_path))
    process.wait_for_line("holds it")
    return process


def test_the_folder_of_a_server_that_runs_is_left_alone(tmp_path: Path, other: Process) -> None:
    try:
        with worker_files.shared_folder(str(folder(tmp_path, "ours"))):
            assert (tmp_path / "kalshi-workers-other" / "17.json").exists()
    finally:
        other.popen.kill()
        other.stop()


def test_a_folder_left_by_a_killed_supervisor_goes_at_the_next_start(tmp_path: Path, other: Process) -> None:
    other.popen.kill()
    other.stop()
    foreign = tmp_path / "kalshi-something-else"
    foreign.mkdir()
    assert (tmp_path / "kalshi-workers-other").exists()
    with worker_files.shared_folder(str(folder(tmp_path, "ours"))):
        assert worker_files.folder() == tmp_path / "kalshi-workers-ours"
        assert not (tmp_path / "kalshi-workers-other").exists()
    assert foreign.exists()
