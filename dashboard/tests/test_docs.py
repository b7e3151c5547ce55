"""The documents say what the code does: every fact that can be looked up in both is compared here.

A failing comparison shows the row as it should stand.
"""

from __future__ import annotations

import ast
import dataclasses
import importlib
import json
import re
import shlex
from collections.abc import Iterator
from functools import cache
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from django.core.management import get_commands, load_command_class
from django.urls import Resolver404, resolve

from dashboard import env
from kalshi import checks, conf
from kalshi.errors import ConfigError, KalshiError
from kalshi.services import status
from kalshi.services.history_lists import STITCHED
from kalshi.services.history_market import MOVED
from kalshi.tests.documents import Block, blocks, document, table_rows
from kalshi.tests.servers import ROOT
from kalshi.upstream import params
from kalshi.upstream.endpoints import ENDPOINTS, Endpoint, Param
from kalshi.views.base import UnknownPath
from sandbox import __main__ as sandbox_command
from sandbox import keys as sandbox_keys
from sandbox.faults import FIELDS, MODES

DOCUMENTS = ("README.md", "INTEGRATION.md", "CHANGELOG.md")
OWN_ENDPOINTS = [endpoint for endpoint in ENDPOINTS.values() if endpoint.route is not None]
# Said by the browser and by Django, not by us.
FOREIGN_WORDS = ("blocked by CORS policy", "CSRF verification failed")
# Not installed here: examples, and the clients whose recipes kalshi/tests/clients runs in environments of their own.
EXAMPLE_PROJECTS = ("mysite", "trading", "pykalshi", "ccxt", "kalshi_python_sync")


def cell(text: str) -> str:
    return f"`{text}`" if text else ""


# Settings


def shown_default(value: object) -> str:
    match value:
        case None | ():
            return ""
        case bool():
            return cell(str(int(value)))
        case tuple():
            return cell(",".join(value))
        case float():
            return cell(f"{value:g}")
    return cell(str(value))


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


# Endpoints


def shown_param(endpoint: Endpoint, param: Param) -> str:
    said = []
    if param.choices:
        said.append(" ".join((*param.choices, *endpoint.api_aliases.get(param.name, {}))))
    if param.minimum is not None:
        said.append(
            f"from {param.minimum}" if param.maximum is None else f"{param.minimum} to {param.maximum}"
        )
    if param.kind == "boolean":
        said.append("true false")
    if param.serialization == "comma":
        said.append("several with commas" + (f", at most {param.max_items}" if param.max_items else ""))
    if param.serialization == "repeat":
        said.append("again for each value" + (f", at most {param.max_items}" if param.max_items else ""))
    if param.required:
        said.append("required")
    if param.name in endpoint.api_defaults:
        said.append(f"default {endpoint.api_defaults[param.name]}")
    return cell(param.name) + (f" ({'; '.join(said)})" if said else "")


def test_integration_lists_every_endpoint_with_its_parameters() -> None:
    wanted = [
        [
            cell(f"{endpoint.route}/"),
            cell(endpoint.path),
            f"{endpoint.fresh_s:g} s",
            ", ".join(shown_param(endpoint, param) for param in endpoint.query_params),
        ]
        for endpoint in OWN_ENDPOINTS
    ]
    assert table_rows("INTEGRATION.md", "Endpoint") == wanted


def test_the_readme_tells_how_fresh_every_endpoint_is() -> None:
    groups: dict[tuple[float, float, float], list[str]] = {}
    for endpoint in OWN_ENDPOINTS:
        times = (endpoint.fresh_s, endpoint.keep_s, endpoint.patience_s)
        groups.setdefault(times, []).append(cell(f"{endpoint.route}/"))
    wanted = [
        [f"{fresh_s:g} s", f"{keep_s / 3600:g} h", f"{patience_s:g} s", ", ".join(routes)]
        for (fresh_s, keep_s, patience_s), routes in sorted(groups.items())
    ]
    assert table_rows("README.md", "Fresh") == wanted


def example_requests() -> list[str]:
    text = "\n".join(block.text for block in blocks("INTEGRATION.md", "http"))
    return re.findall(r"^GET (/api/v1/kalshi/\S+)$", text, re.MULTILINE)


def test_the_most_used_endpoints_have_an_example_and_so_have_those_that_need_parameters() -> None:
    shown = {endpoint_of(request).operation for request in example_requests()}
    for endpoint in OWN_ENDPOINTS:
        if endpoint.in_status:
            assert f"### {cell(f'{endpoint.route}/')}" in document("INTEGRATION.md")
        if endpoint.in_status or any(param.required for param in endpoint.query_params):
            assert endpoint.operation in shown, endpoint.route


def endpoint_of(request: str) -> Endpoint:
    view = resolve(urlsplit(request).path).func
    return view.view_initkwargs["endpoint"]  # type: ignore[attr-defined, no-any-return]


@pytest.mark.parametrize("request_line", example_requests())
def test_the_examples_ask_for_what_is_allowed(request_line: str) -> None:
    endpoint, parts = endpoint_of(request_line), urlsplit(request_line)
    path_args = resolve(parts.path).kwargs
    ours = {"account", "history"} if endpoint.operation in {*STITCHED, *MOVED} else {"account"}
    query = [pair for pair in parse_qsl(parts.query) if pair[0] not in ours]
    params.validate(endpoint, query, path_args, api=True)


@pytest.mark.parametrize("name", DOCUMENTS)
def test_every_path_of_the_api_in_an_example_exists(name: str) -> None:
    text = "\n".join(re.findall(r"^```.*?^```$|`[^`\n]+`", document(name), re.DOTALL | re.MULTILINE))
    for path in set(
        re.findall(r"(?<![\w/])(?:http://127\.0\.0\.1:8000)?(/(?:api/v1|admin|healthz|readyz)[\w/.-]*)", text)
    ):
        if path == "/api/v1/kalshi/":  # the prefix alone
            continue
        try:
            view = resolve(path).func
        except Resolver404:
            pytest.fail(f"{name} names {path}, which leads nowhere")
        assert getattr(view, "cls", None) is not UnknownPath, path


def test_the_fields_of_status_are_explained() -> None:
    names = status.NAMES
    assert [row[0] for row in table_rows("INTEGRATION.md", "Field")] == [cell(str(name)) for name in names]
    example = next(b.text for b in blocks("INTEGRATION.md", "json") if '"breaker"' in b.text)
    assert [name for name in names if f'"{name}":' not in example] == []


# Errors


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


# Commands


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


def test_every_system_check_is_in_the_table() -> None:
    described = dict(re.findall(r"^(kalshi\.\w+)  (.+)$", checks.__doc__ or "", re.MULTILINE))
    rows = {row[0].strip("`"): row[1].replace("`", "") for row in table_rows("INTEGRATION.md", "Id")}
    assert described and rows == described


# Snippets and links


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
