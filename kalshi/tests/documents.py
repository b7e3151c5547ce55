"""The documents of the repository as tests read them: code blocks, tables, links."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache

from kalshi.tests.servers import ROOT

DOCUMENTS = ("README.md", "INTEGRATION.md", "CHANGELOG.md")
_BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
_TITLE = re.compile(r"(?:#|//) ([\w/]+\.(?:py|js))\b")


@dataclass(frozen=True, slots=True)
class Block:
    """A fenced code block. `title`: the file its first line names, such as mysite/urls.py, else empty."""

    document: str
    language: str
    text: str

    @property
    def title(self) -> str:
        found = _TITLE.match(self.text)
        return found[1] if found else ""


@cache
def document(name: str) -> str:
    return (ROOT / name).read_text()


def blocks(name: str, language: str) -> list[Block]:
    return [
        Block(name, language, text) for found, text in _BLOCK.findall(document(name)) if found == language
    ]


def titled(name: str, title: str) -> str:
    """The text of the one Python block that starts with `# <title>`."""
    (found,) = [block.text for block in blocks(name, "python") if block.title == title]
    return found


def table_rows(name: str, first_cell: str) -> list[list[str]]:
    """The cells of all rows below the header row whose first cell is `first_cell`; each table ends at a blank line."""
    rows: list[list[str]] = []
    inside = False
    for line in document(name).splitlines():
        cells = [cell.strip() for cell in line.strip().strip("|").split("|")] if line.startswith("|") else []
        if not cells:
            inside = False
        elif inside and not set(line) <= set("|-: "):
            rows.append(cells)
        elif cells[0] == first_cell:
            inside = True
    return rows
