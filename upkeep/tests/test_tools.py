"""What the Makefile and its helpers promise, without running everything that they run."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

from upkeep import locks

# https://pre-commit.com: what a local hook must have, and what ours has besides.
WANTED = {"id", "name", "entry", "language"}
OURS = {"pass_filenames", "always_run"}


def test_before_a_commit_runs_what_make_check_runs() -> None:
    (repo,) = yaml.safe_load((locks.ROOT / ".pre-commit-config.yaml").read_text())["repos"]
    (hook,) = repo["hooks"]
    assert repo.keys() == {"repo", "hooks"} and repo["repo"] == "local"
    assert hook.keys() == WANTED | OURS
    assert hook["language"] == "system" and hook["pass_filenames"] is False and hook["always_run"] is True
    said = subprocess.run(
        [*hook["entry"].split(), "--dry-run", "--assume-old=.venv/development"],
        cwd=locks.ROOT,
        text=True,
        capture_output=True,
        check=True,
    ).stdout
    for command in ("ruff format --check", "ruff check", "mypy", "lint-imports", "upkeep.check"):
        assert command in said


@pytest.mark.parametrize("version", ["3.12", "3.13"])
def test_a_python_that_is_not_found_is_named_loudly(tmp_path: Path, version: str) -> None:
    shell = shutil.which("sh")
    assert shell
    env = {"PATH": str(tmp_path), "HOME": str(tmp_path)}
    done = subprocess.run(
        [shell, ".ci/newer-pythons"], cwd=locks.ROOT, env=env, text=True, capture_output=True, check=True
    )
    assert f"WARNING: no Python {version} in PATH: it is NOT tested" in done.stderr
