"""The Dockerfile, read and not built: no engine is needed, and none is proven either."""

from __future__ import annotations

import json
import shlex
from fnmatch import fnmatch
from pathlib import PurePath

from kalshi.tests.servers import ROOT

FILE = ROOT / "deploy" / "Dockerfile"
IGNORED = ROOT / "deploy" / "Dockerfile.dockerignore"
INSTRUCTIONS = {"FROM", "COPY", "RUN", "WORKDIR", "ENV", "USER", "VOLUME", "EXPOSE", "CMD"}


def stages() -> list[list[tuple[str, str]]]:
    """Instructions with their arguments, by stage."""
    found: list[list[tuple[str, str]]] = []
    for line in FILE.read_text().splitlines():
        if not line or line.startswith("#"):
            continue
        instruction, _, arguments = line.partition(" ")
        assert instruction in INSTRUCTIONS, line
        assert not line.endswith("\\"), "one line an instruction, or this reader needs to learn more"
        if instruction == "FROM":
            found.append([])
        found[-1].append((instruction, arguments))
    return found


def of(stage: list[tuple[str, str]], instruction: str) -> list[str]:
    return [arguments for name, arguments in stage if name == instruction]


def test_packages_are_installed_by_hash_in_a_stage_that_is_left_behind() -> None:
    packages, last = stages()
    assert any("pip install" in line and "--require-hashes" in line for line in of(packages, "RUN"))
    assert not any("pip" in line or "apt" in line for line in of(last, "RUN"))
    images = {line.split(" AS ")[0] for line in (*of(packages, "FROM"), *of(last, "FROM"))}
    assert len(images) == 1, "packages are built for the Python they run on"
    name, _, tag = images.pop().partition(":")
    assert (name, tag.split("-")[0].count(".")) == ("python", 1), (
        "a release of Python, not whatever is latest"
    )


def test_it_runs_as_a_numbered_user_who_is_not_root() -> None:
    last = stages()[-1]
    user = of(last, "USER")[-1]
    assert all(int(part) >= 1000 for part in user.split(":"))
    names = [name for name, _ in last]
    assert names.index("USER") < names.index("CMD")
    assert f"--owner={user.split(':')[0]}" in of(last, "RUN")[0]


def test_everything_that_is_copied_exists_and_nothing_else_gets_in() -> None:
    lines = [line for line in IGNORED.read_text().splitlines() if line and not line.startswith("#")]
    assert lines[0] == "*"
    let_in = {line[1:] for line in lines if line.startswith("!")}
    copied = {
        source
        for stage in stages()
        for line in of(stage, "COPY")
        if "--from=" not in line
        for source in shlex.split(line)[:-1]
    }
    assert copied == let_in
    assert all((ROOT / source).exists() for source in copied)
    kept_out = [line.removeprefix("**/") for line in lines if line.startswith("**/")]
    for secret in (".env", ".env.local", "key.pem", "db.sqlite3", "db.sqlite3-wal"):
        assert any(fnmatch(PurePath(secret).name, pattern) for pattern in kept_out), secret


def test_nothing_that_the_program_imports_is_left_out() -> None:
    let_in = {line[1:] for line in IGNORED.read_text().splitlines() if line.startswith("!")}
    packages = {path.parent.name for path in ROOT.glob("*/__init__.py")} - {"benchmarks", "upkeep"}
    assert packages <= let_in


def test_it_starts_the_server_without_a_shell() -> None:
    """A shell would keep the signals that stop and reload it."""
    command = json.loads(of(stages()[-1], "CMD")[-1])
    assert command == ["python", "manage.py", "serve"]
