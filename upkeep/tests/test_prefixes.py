"""The lists at the top of conftest.py name tests that exist: a moved file would lose its mark without a word."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest

import conftest
from kalshi.tests.chaos import test_dates
from upkeep import locks

LISTS = ("ALONE", "DRILLS", "LONGEST", "SERVERS", "UNTRACED")


def unmatched(prefixes: Iterable[str], tests: Iterable[str]) -> list[str]:
    known = list(tests)
    return [prefix for prefix in prefixes if not any(test.startswith(prefix) for test in known)]


def named(file: Path) -> Iterator[str]:
    """The ids of its tests, without parameters, as pytest would collect them: reading is a tenth of the work."""
    path = file.relative_to(locks.ROOT)
    for part in ast.parse(file.read_text()).body:
        if isinstance(part, ast.ClassDef) and part.name.startswith("Test"):
            yield from (f"{path}::{part.name}::{name}" for name in functions(part.body))
        if isinstance(part, ast.Assign) and ast.unparse(part.value).endswith(".TestCase"):  # a state machine
            yield f"{path}::{ast.unparse(part.targets[0])}::runTest"
        yield from (f"{path}::{name}" for name in functions([part]))


def functions(body: list[ast.stmt]) -> Iterator[str]:
    for part in body:
        if isinstance(part, ast.FunctionDef) and part.name.startswith("test"):
            yield part.name


@pytest.fixture(scope="module")
def tests(pytestconfig: pytest.Config) -> list[str]:
    """The ids of the whole suite, whatever part of it runs now."""
    folders = [locks.ROOT / name for name in pytestconfig.getini("testpaths")]
    return [name for folder in folders for file in folder.rglob("test_*.py") for name in named(file)]


@pytest.mark.parametrize("name", LISTS)
def test_every_prefix_of_a_list_matches_a_test(name: str, tests: list[str]) -> None:
    lost = unmatched(getattr(conftest, name), tests)
    assert not lost, f"conftest.py: {name} names what no test is called any more: {', '.join(lost)}"


def test_what_newer_pythons_and_other_days_run_is_there(tests: list[str]) -> None:
    script = (locks.ROOT / ".ci" / "newer-pythons").read_text()
    pure = script.partition('tests="')[2].partition('"')[0].split()
    assert len(pure) > 5
    assert unmatched((*pure, *test_dates.KNOW_DATES, test_dates.LIVE), tests) == []


def test_every_list_of_paths_is_looked_at() -> None:
    found = {
        name
        for name, value in vars(conftest).items()
        if isinstance(value, tuple) and any("/tests/" in str(each) for each in value)
    }
    assert found == set(LISTS)


def test_one_that_matches_nothing_is_found() -> None:
    tests = ["a/tests/test_b.py::test_c[1]", "a/tests/d/test_e.py::TestF::test_g"]
    assert unmatched(("a/tests/test_b.py::test_c", "a/tests/d/", "a/tests/d/test_e.py::TestF"), tests) == []
    assert unmatched(("a/tests/test_c.py", "a/tests/e/", "a/tests/d/test_e.py::test_g"), tests) == [
        "a/tests/test_c.py",
        "a/tests/e/",
        "a/tests/d/test_e.py::test_g",
    ]
