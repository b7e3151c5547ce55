"""Real runs of pytest in a folder of their own, whose tests fail the first time."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from upkeep import locks

TESTS = """
from pathlib import Path
import pytest

@pytest.mark.parametrize("number", range({tests}))
def test_it(number):
    tries = Path(f"tries-{{number}}")
    count = len(tries.read_text()) if tries.exists() else 0
    tries.write_text("x" * (count + 1))
    assert count >= {failures}
"""


class Run:
    def __init__(
        self, folder: Path, tests: int, failures: int, *options: str, gathered: Path | None = None
    ) -> None:
        folder.mkdir()
        (folder / "test_it.py").write_text(TESTS.format(tests=tests, failures=failures))
        environment = {name: value for name, value in os.environ.items() if name != "REPEATED_TESTS"}
        environment |= {"PYTHONPATH": str(locks.ROOT)}
        if gathered:
            environment["REPEATED_TESTS"] = str(gathered)
        command = [sys.executable, "-m", "pytest", "-p", "upkeep.repeats", "-p", "no:cacheprovider"]
        command += ["-p", "no:django", "--rootdir", str(folder), "-c", os.devnull, "--reruns", "2", *options]
        done = subprocess.run(
            command, cwd=folder, env=environment, text=True, capture_output=True, timeout=110, check=False
        )
        self.code, self.output = done.returncode, done.stdout + done.stderr


@pytest.mark.parametrize("options", [(), ("-n", "2")], ids=["in one process", "with workers"])
def test_two_repeats_are_listed_and_allowed(tmp_path: Path, options: tuple[str, ...]) -> None:
    run = Run(tmp_path / "run", 2, 1, *options)
    assert run.code == 0, run.output
    assert "1x test_it.py::test_it[0]\n1x test_it.py::test_it[1]\n2 repeats in all" in run.output


@pytest.mark.parametrize("options", [(), ("-n", "2")], ids=["in one process", "with workers"])
def test_three_fail_the_run_though_every_test_passed(tmp_path: Path, options: tuple[str, ...]) -> None:
    run = Run(tmp_path / "run", 3, 1, *options)
    assert run.code == 1, run.output
    assert "3 passed" in run.output
    assert "error: 3 repeats in all, 2 are allowed" in run.output


def test_one_test_that_is_repeated_twice_counts_twice(tmp_path: Path) -> None:
    run = Run(tmp_path / "run", 2, 2)
    assert run.code == 1, run.output
    assert "2x test_it.py::test_it[0]\n2x test_it.py::test_it[1]\nerror: 4 repeats" in run.output


def test_without_a_repeat_nothing_is_said(tmp_path: Path) -> None:
    run = Run(tmp_path / "run", 3, 0)
    assert run.code == 0
    assert "repeats" not in run.output


def test_runs_that_share_a_file_count_together(tmp_path: Path) -> None:
    gathered = tmp_path / "repeated"
    first = Run(tmp_path / "first", 2, 1, gathered=gathered)
    quiet = Run(tmp_path / "quiet", 2, 0, gathered=gathered)
    third = Run(tmp_path / "third", 1, 1, gathered=gathered)
    assert (first.code, quiet.code, third.code) == (0, 0, 1), third.output
    assert "2x test_it.py::test_it[0]" in third.output
    assert "error: 3 repeats in all" in third.output


def test_a_run_that_failed_stays_failed(tmp_path: Path) -> None:
    assert Run(tmp_path / "run", 1, 5).code == 1
