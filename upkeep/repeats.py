"""A pytest plugin: what was run once more is listed at the end, with its count, and more than two fail the run.

A repeat is for a machine that stood still, not for a test that is wrong now and then. Several runs count together when
the variable REPEATED_TESTS names a file: each adds a line for each repeat of its own (`make test` has three runs).
"""

from __future__ import annotations

import os
from collections import Counter
from pathlib import Path

import pytest

ALLOWED = 2


class Repeats:
    """Of this run; with pytest-xdist of all its workers."""

    def __init__(self, file: Path | None) -> None:
        self._file = file
        self._own: list[str] = []

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.outcome == "rerun":  # type: ignore[comparison-overlap] # pytest-rerunfailures adds it
            self._own.append(report.nodeid)

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self, session: pytest.Session, exitstatus: int) -> None:
        if self._file and self._own:
            with self._file.open("a") as file:
                file.writelines(f"{nodeid}\n" for nodeid in self._own)
        if exitstatus == pytest.ExitCode.OK and self.counts().total() > ALLOWED:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        counts = self.counts()
        if not counts:
            return
        terminalreporter.section("repeats")
        for nodeid, count in sorted(counts.items()):
            terminalreporter.line(f"{count}x {nodeid}")
        total = counts.total()
        verdict = f"{total} repeats in all, {ALLOWED} are allowed"
        if total > ALLOWED:
            terminalreporter.line(
                f"error: {verdict}: mend what makes these tests fail now and then", red=True
            )
        else:
            terminalreporter.line(verdict)

    def counts(self) -> Counter[str]:
        """By test, of all runs that share the file."""
        if self._file is None:
            return Counter(self._own)
        return Counter(self._file.read_text().splitlines() if self._file.exists() else [])


def pytest_configure(config: pytest.Config) -> None:
    if not hasattr(config, "workerinput"):  # the workers of pytest-xdist report to the one that has none
        file = os.environ.get("REPEATED_TESTS")
        config.pluginmanager.register(Repeats(Path(file) if file else None), "repeats")
