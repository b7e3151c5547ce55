from __future__ import annotations

from dashboard.tests.documents.cells import cell, shown_default
from kalshi.tests.documents import document, table_rows
from sandbox import __main__ as sandbox_command
from sandbox import keys as sandbox_keys
from sandbox.faults import FIELDS, MODES


def test_every_flag_of_the_sandbox_is_in_the_readme_with_its_default() -> None:
    defaults = sandbox_command.Options()
    wanted = {}
    for action in sandbox_command.parser()._actions:
        if action.dest != "help":
            value = getattr(defaults, action.dest)
            wanted[f"`{action.option_strings[0]}`"] = shown_default(value)
    wanted["`--epoch`"] = "now"
    assert {row[0]: row[1] for row in table_rows("README.md", "Flag")} == wanted


def test_every_key_of_the_sandbox_is_in_the_readme() -> None:
    shown = {
        file: (account, scopes)
        for files, account, scopes in table_rows("README.md", "Key file")
        for file in files.split(", ")
    }
    wanted = {}
    for key in sandbox_keys.KEYS:
        bound = "" if key.subaccount is None else f", bound to subaccount {key.subaccount}"
        wanted[cell(key.file)] = (key.account, ", ".join(map(cell, key.scopes)) + bound)
    assert shown == wanted


def test_every_fault_of_the_sandbox_is_in_the_readme() -> None:
    assert {row[0] for row in table_rows("README.md", "Mode")} == {cell(mode) for mode in MODES}
    assert [field for field in FIELDS if f"`{field}`" not in document("README.md") and field != "mode"] == []
