from __future__ import annotations

import re
from urllib.parse import parse_qsl, urlsplit

import pytest
from django.urls import Resolver404, resolve

from dashboard.tests.documents.cells import cell
from kalshi.services import status
from kalshi.services.history_lists import STITCHED
from kalshi.services.history_market import MOVED
from kalshi.tests.documents import DOCUMENTS, blocks, document, table_rows
from kalshi.upstream import params
from kalshi.upstream.endpoints import ENDPOINTS, Endpoint, Param
from kalshi.views.base import UnknownPath

OWN_ENDPOINTS = [endpoint for endpoint in ENDPOINTS.values() if endpoint.route is not None]


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
