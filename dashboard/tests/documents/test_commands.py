from __future__ import annotations

import re
from typing import Any

import pytest
from django.core.management import get_commands, load_command_class

from dashboard.tests.documents.cells import cell
from kalshi import checks
from kalshi.tests.documents import DOCUMENTS, document, table_rows
from kalshi.tests.servers import ROOT


def make_targets() -> list[str]:
    phony = re.search(r"^\.PHONY: (.*)$", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert phony
    return phony[1].split()


@pytest.mark.parametrize("target", make_targets())
def test_every_make_target_is_in_the_readme(target: str) -> None:
    assert cell(f"make {target}") in [row[0] for row in table_rows("README.md", "Command")]


@pytest.mark.parametrize("name", DOCUMENTS)
def test_every_make_target_named_exists(name: str) -> None:
    named = set(re.findall(r"(?:^|`)(?:\w+=\S+ )*make ([a-z]+)", document(name), re.MULTILINE))
    assert named <= set(make_targets())


def own_commands() -> list[str]:
    return sorted(name for name, app in get_commands().items() if app == "kalshi")


@pytest.mark.parametrize("name", own_commands())
def test_every_command_is_in_the_readme_with_its_options(name: str) -> None:
    (row,) = [r[0] for r in table_rows("README.md", "Command") if r[0].startswith(f"`manage.py {name}")]
    command = load_command_class("kalshi", name)
    ours = type(command).add_arguments
    parser = command.create_parser("manage.py", name)
    plain = {option for action in _plain_parser()._actions for option in action.option_strings}
    options = {o for a in parser._actions for o in a.option_strings if o.startswith("--")} - plain
    assert ours and {option for option in options if option not in row} == set()
    assert set(re.findall(r"--\w+", row)) == options


def _plain_parser() -> Any:
    from django.core.management.base import BaseCommand

    return BaseCommand().create_parser("manage.py", "none")


def test_every_system_check_is_in_the_table() -> None:
    described = dict(re.findall(r"^(kalshi\.\w+)  (.+)$", checks.__doc__ or "", re.MULTILINE))
    rows = {row[0].strip("`"): row[1].replace("`", "") for row in table_rows("INTEGRATION.md", "Id")}
    assert described and rows == described
