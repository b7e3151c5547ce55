"""One view of ours -> one operation of the document. Set as REST_FRAMEWORK["DEFAULT_SCHEMA_CLASS"]."""

from __future__ import annotations

from typing import Any

from drf_spectacular.openapi import AutoSchema

from kalshi.gateway.views import OperationView
from kalshi.openapi import faults, headers, own_documents, parameters
from kalshi.openapi.bodies import Schema, component, examples, ref
from kalshi.services.history_lists import STITCHED
from kalshi.upstream.endpoints import GROUPS, Endpoint
from kalshi.views.history import HistoryView
from kalshi.views.upstream import UpstreamView

# An alternative each; the three headers of a signed request belong together.
OWN_SECURITY: list[Schema] = [{"bearer": []}, {"session": []}]
SIGNED: Schema = {"key": [], "timestamp": [], "signature": []}
GATEWAY_TAG = "gateway-"
_TAGS = {
    row.operation: group.__name__.rpartition(".")[2].replace("_", " ")
    for group in GROUPS
    for row in group.ROWS
}


class TableSchema(AutoSchema):
    """Knows the views that are driven by the endpoint table, and our own documents; all else is a warning."""

    def get_operation(self, path: str, path_regex: str, path_prefix: str, method: str, registry: Any) -> Any:
        view = self.view
        if isinstance(view, OperationView):
            return of_the_gateway(view.endpoint)
        if isinstance(view, UpstreamView):
            return of_our_api(view.endpoint, history=isinstance(view, HistoryView))
        known = own_documents.OPERATIONS.get(type(view))
        return known or super().get_operation(path, path_regex, path_prefix, method, registry)


def tags() -> list[Schema]:
    """The groups of the table, first those of our own API."""
    told = {_TAGS[group.ROWS[0].operation]: _first_sentence(group.__doc__ or "") for group in GROUPS}
    own = [{"name": name, "description": text} for name, text in told.items()]
    theirs = [{"name": GATEWAY_TAG + name, "description": text} for name, text in told.items()]
    return [{"name": own_documents.TAG, "description": "This server itself."}, *own, *theirs]


def of_our_api(endpoint: Endpoint, *, history: bool) -> Schema:
    answer = _answer(endpoint)
    if history:
        media = answer["content"]["application/json"]
        added = "History" if endpoint.operation in STITCHED else "HistorySource"
        media["schema"] = {
            "allOf": [media["schema"], {"type": "object", "properties": {"history": ref(added)}}]
        }
    return {
        "operationId": endpoint.operation,
        "tags": [_TAGS[endpoint.operation]],
        "summary": _title(endpoint),
        "description": f"Kalshi's `{endpoint.path}`. {_freshness(endpoint)}",
        "parameters": parameters.of_our_api(endpoint, history=history),
        "security": OWN_SECURITY,
        "responses": {"200": answer, "304": ref("NotModified", "responses")} | faults.refs_of_own(),
    }


def of_the_gateway(endpoint: Endpoint) -> Schema:
    answer = _answer(endpoint)
    answer["headers"] |= headers.refs(headers.LIMIT)
    return {
        "operationId": f"gateway_{endpoint.operation}",
        "tags": [GATEWAY_TAG + _TAGS[endpoint.operation]],
        "summary": _title(endpoint),
        "description": "As at Kalshi: parameters go there as they are, unknown ones included, and its refusals pass "
        f"unchanged. {_freshness(endpoint)}",
        "parameters": parameters.of_the_gateway(endpoint),
        "security": [*OWN_SECURITY, SIGNED],
        "responses": {"200": answer, "304": ref("GatewayNotModified", "responses")}
        | faults.refs_of_gateway(),
    }


def _answer(endpoint: Endpoint) -> Schema:
    media: Schema = {"schema": ref(component(endpoint.operation))}
    if endpoint.operation in examples():
        media["example"] = examples()[endpoint.operation]["body"]
    return {
        "description": "Kalshi's body, byte for byte. Its enumerations grow, and optional members come and go.",
        "headers": headers.refs(headers.FRESHNESS),
        "content": {"application/json": media},
    }


def _title(endpoint: Endpoint) -> str:
    words = endpoint.operation.removeprefix("batch_get_").removeprefix("get_").replace("_", " ")
    return words[0].upper() + words[1:]


def _first_sentence(text: str) -> str:
    return text.partition("\n")[0].partition(". ")[0].rstrip(".") + "."


def _freshness(endpoint: Endpoint) -> str:
    fresh, kept = f"{endpoint.fresh_s:g} s", f"{endpoint.keep_s:g} s"
    return f"A copy is fresh for {fresh} and kept for {kept}, unless the admin says otherwise."
