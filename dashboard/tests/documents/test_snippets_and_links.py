from __future__ import annotations

import ast
import importlib
import re
import shlex

import pytest
from django.core.management import get_commands

from kalshi.tests.documents import DOCUMENTS, Block, blocks, document, table_rows
from kalshi.tests.servers import ROOT

# Not installed here: examples, and the clients whose recipes kalshi/tests/clients runs in environments of their own.
EXAMPLE_PROJECTS = ("mysite", "trading", "pykalshi", "ccxt", "kalshi_python_sync")


def all_blocks(language: str) -> list[Block]:
    return [block for name in DOCUMENTS for block in blocks(name, language)]


@pytest.mark.parametrize("block", all_blocks("python"), ids=lambda block: block.text[:40])
def test_python_snippets_compile_and_what_they_import_exists(block: Block) -> None:
    tree = ast.parse(block.text)
    for node in ast.walk(tree):
        if (
            isinstance(node, ast.ImportFrom)
            and node.module
            and node.module.split(".")[0] not in EXAMPLE_PROJECTS
        ):
            module = importlib.import_module(node.module)
            assert [alias.name for alias in node.names if not _has(module, alias.name)] == []
        if isinstance(node, ast.Import):
            for alias in node.names:
                if alias.name.split(".")[0] not in EXAMPLE_PROJECTS:
                    importlib.import_module(alias.name)
    dotted = [
        n.value for n in ast.walk(tree) if isinstance(n, ast.Constant) and str(n.value).startswith("kalshi.")
    ]
    for name in dotted:
        assert _leads_somewhere(str(name)), name


def _has(module: object, name: str) -> bool:
    if hasattr(module, name):
        return True
    return importlib.util.find_spec(f"{module.__name__}.{name}") is not None  # type: ignore[attr-defined]


def _leads_somewhere(dotted: str) -> bool:
    """A module, or a model as Django spells it (app.Model)."""
    from django.apps import apps

    try:
        return importlib.import_module(dotted) is not None
    except ImportError:
        return apps.get_model(dotted) is not None


@pytest.mark.parametrize("block", all_blocks("sh"), ids=lambda block: block.text[:40])
def test_shell_snippets_call_what_exists(block: Block) -> None:
    known = set(get_commands())
    for line in block.text.splitlines():
        words = shlex.split(line, comments=True)
        for word, following in zip(words, [*words[1:], ""], strict=True):
            script = word.rsplit("(", 1)[-1]
            if script.endswith(".py"):
                assert (ROOT / script).exists(), line
            if script == "manage.py":
                assert following in known, line
            if word == "-m":
                assert importlib.util.find_spec(following), line
            if word.startswith(("kalshi/", "dashboard/", "sandbox/")):
                assert (ROOT / word).exists(), line


def test_places_in_the_map_exist_and_every_package_has_one() -> None:
    places = {
        p
        for row in table_rows("README.md", "Change")
        for p in re.findall(r"`([\w/]+(?:/|\.py))`", " ".join(row))
    }
    assert [place for place in places if not (ROOT / place).exists()] == []
    packages = {path.parent for path in (ROOT / "kalshi").glob("*/__init__.py")} - {ROOT / "kalshi/tests"}
    missing = [
        p.name
        for p in packages
        if p.name != "migrations" and not any(f"kalshi/{p.name}/" in place for place in places)
    ]
    assert missing == []


def slug(heading: str) -> str:
    """The anchor that a heading gets on the usual hosts."""
    text = re.sub(r"[^\w\- ]", "", heading.lower())
    return text.strip().replace(" ", "-")


@pytest.mark.parametrize("name", DOCUMENTS)
def test_relative_links_and_anchors_lead_somewhere(name: str) -> None:
    for target in re.findall(r"\]\(([^)\s]+)\)", document(name)):
        if re.match(r"[a-z]+:", target):
            continue
        path, _, anchor = target.partition("#")
        file = ROOT / (path or name)
        assert file.exists(), f"{name} links to {target}"
        if anchor:
            headings = re.findall(r"^#+ (.+)$", file.read_text(), re.MULTILINE)
            assert anchor in {slug(heading) for heading in headings}, f"{name} links to {target}"
