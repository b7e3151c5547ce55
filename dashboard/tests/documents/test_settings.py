from __future__ import annotations

import dataclasses
import re

from dashboard import env
from dashboard.tests.documents.cells import cell, shown_default
from kalshi import conf
from kalshi.tests.documents import document, table_rows
from kalshi.tests.servers import ROOT


def test_the_readme_lists_every_setting_with_its_default_and_meaning() -> None:
    wanted = [[cell(s.name), shown_default(s.default), s.meaning] for s in env.SETTINGS]
    assert table_rows("README.md", "Variable") == wanted


def test_settings_said_to_be_without_effect_have_none() -> None:
    sentence = re.search(r"without effect in this version: (.*)\.", document("README.md"))
    names = re.findall(r"`(\w+)`", sentence[1]) if sentence else []
    assert set(names) <= {setting.name for setting in env.SETTINGS}
    used = (ROOT / "dashboard/settings.py").read_text() + (ROOT / "dashboard/launch.py").read_text()
    # The address of the stream is settled at start-up and checked; nothing connects to it.
    assert [name for name in names if f'"{name}"' in used] == []


def test_the_example_of_a_settings_file_is_one() -> None:
    lines = (ROOT / ".env.example").read_text().splitlines()
    pairs = dict(line.removeprefix("# ").split("=", 1) for line in lines if re.match(r"# [A-Z_]+=", line))
    assert set(pairs) <= {setting.name for setting in env.SETTINGS}
    assert {"KALSHI_API_KEY_ID", "KALSHI_PRIVATE_KEY_PATH"} <= set(pairs)
    assert env.parse(pairs)["PORT"] == 8000
    assert env.load({"KALSHI_ENV_FILE": str(ROOT / ".env.example")}, ROOT).keys() == {"KALSHI_ENV_FILE"}


def test_the_settings_of_the_app_are_listed() -> None:
    rows = table_rows("INTEGRATION.md", "`KALSHI[...]`")
    assert [row[0] for row in rows] == [cell(field.name.upper()) for field in dataclasses.fields(conf.Setup)]
    for row, field in zip(rows, dataclasses.fields(conf.Setup), strict=True):
        if field.default is not dataclasses.MISSING:
            wanted = '""' if field.default == "" else repr(field.default).replace("'", '"')
            assert row[1] == cell(wanted), field.name
