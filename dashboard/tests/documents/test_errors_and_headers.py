from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterator
from functools import cache

from kalshi.errors import ConfigError, KalshiError
from kalshi.tests.documents import blocks, document, table_rows
from kalshi.tests.servers import ROOT

# Said by the browser and by Django, not by us.
FOREIGN_WORDS = ("blocked by CORS policy", "CSRF verification failed")


def subclasses(kind: type[KalshiError]) -> Iterator[type[KalshiError]]:
    for child in kind.__subclasses__():
        yield child
        yield from subclasses(child)


def codes_of_the_views() -> Iterator[tuple[int, str]]:
    for path in (ROOT / "kalshi/views").glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if (
                isinstance(node, ast.Call)
                and getattr(node.func, "id", getattr(node.func, "attr", "")) == "error_response"
            ):
                status_code, _, code = node.args[:3]
                if isinstance(status_code, ast.Constant) and isinstance(code, ast.Constant):
                    yield int(str(status_code.value)), str(code.value)


def every_error() -> set[tuple[int, str]]:
    tree = {(kind.status, kind.code) for kind in subclasses(KalshiError) if kind is not ConfigError}
    return tree | set(codes_of_the_views())


def test_every_error_code_is_in_the_table_and_has_an_example() -> None:
    assert len(every_error()) > 10
    rows = table_rows("INTEGRATION.md", "Status")
    assert {(int(row[0]), row[1].strip("`")) for row in rows} == every_error()
    lines = next(b.text for b in blocks("INTEGRATION.md", "json") if "not_signed_in" in b.text).splitlines()
    examples = [json.loads(line) for line in lines]
    assert {example["code"] for example in examples} == {code for _, code in every_error()}
    for example in examples:
        assert set(example) - {"retry_after_s"} == {"error", "code", "request_id"}


@cache
def said_by_the_product() -> str:
    """All texts in the code and in the page."""
    texts = []
    for folder in ("kalshi", "dashboard", "sandbox"):
        for path in (ROOT / folder).rglob("*"):
            if path.suffix == ".py" and "tests" not in path.parts:
                nodes = ast.walk(ast.parse(path.read_text()))
                texts += [n.value for n in nodes if isinstance(n, ast.Constant) and isinstance(n.value, str)]
            elif path.suffix in {".html", ".js"}:
                texts.append(path.read_text())
    return "\n".join(texts).replace("%%", "%")


def quoted_messages(text: str) -> list[str]:
    """What stands in backticks and reads like a sentence or the start of one."""
    return [quoted for quoted in re.findall(r"`([^`\n]+)`", text) if quoted.count(" ") >= 3 or "…" in quoted]


def test_the_messages_under_troubleshooting_are_the_products_own() -> None:
    text = document("README.md").partition("## Troubleshooting")[2]
    headings = re.findall(r"^### `(.+)`$", text, re.MULTILINE)
    assert len(headings) >= 10
    said = said_by_the_product() + "\n".join(FOREIGN_WORDS)
    commands = re.compile(r"[A-Z_]+=|ssh |timedatectl|\.venv/bin/|manage\.py")
    for message in (*headings, *quoted_messages(text)):
        if commands.match(message):
            continue
        # Values stand between the product's words, and messages are put together at colons.
        parts = [part.strip() for part in re.split(r"…|\d[\d.]*|: ", message)]
        assert [part for part in parts if part not in said] == [], message
        assert any(len(part) >= 12 for part in parts), message


def test_the_javascript_hook_reads_headers_that_exist_and_may_be_read() -> None:
    from django.conf import settings

    hook = next(b.text for b in blocks("INTEGRATION.md", "js") if "export function poll" in b.text)
    exposed = {name.lower() for name in settings.CORS_EXPOSE_HEADERS} | {"cache-control"}
    asked = set(re.findall(r'find\("([\w-]+)"', hook))
    assert {"Age", "Cache-Control", "Cache-Status", "Retry-After"} == asked
    assert {name.lower() for name in asked} <= exposed
    assert "not_signed_in" in {code for _, code in every_error()}


def test_the_cors_headers_are_told() -> None:
    from django.conf import settings

    section = document("INTEGRATION.md").partition("## Other origins (CORS)")[2].partition("\n## ")[0]
    named = set(re.findall(r"`([A-Z][\w-]+)`", section))
    assert set(settings.CORS_ALLOW_HEADERS) | set(settings.CORS_EXPOSE_HEADERS) <= named
