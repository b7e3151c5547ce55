"""The hooks that drf-spectacular calls around our operations: which URLs are described, and what they share."""

from __future__ import annotations

import copy
from typing import Any

from django.conf import settings
from django.urls import NoReverseMatch, reverse

from kalshi.gateway import views as gateway_views
from kalshi.openapi import faults, headers, operations, own_documents
from kalshi.openapi.bodies import Schema, error_schema, schemas
from kalshi.upstream.endpoints import ENDPOINTS
from kalshi.views import base
from kalshi.views.upstream import UpstreamView

DESCRIPTION = """
A self-hosted, read-only gateway to the Kalshi exchange.

`/api/v1/kalshi/` is our own API: Kalshi's operations, checked parameters, errors as `{"error", "code", "request_id"}`.
`/trade-api/v2/` is Kalshi's API itself under its own paths, for existing clients, with errors in Kalshi's shape.
Bodies are Kalshi's, byte for byte; freshness travels in headers.

Every path answers with and without its trailing slash, and HEAD as GET without the body. OPTIONS is 204. All other
methods are 405 `read_only`. A path and query of more than 65535 bytes are refused as 400 in plain text, before all
else. INTEGRATION.md tells more.
"""

Found = tuple[str, str, str, Any]


def choose(endpoints: list[Found], **_: Any) -> list[Found]:
    """Leave out the patterns that catch unknown paths, and give each path the form that documentation uses."""
    unknown = (base.UnknownPath, gateway_views.UnknownPath)
    return [
        (_plain(path, callback.cls), regex, method, callback)
        for path, regex, method, callback in endpoints
        if callback.cls not in unknown
    ]


def _plain(path: str, view: type) -> str:
    """With the slash in our own API, without it in the gateway, as Kalshi's clients ask."""
    path = path.rstrip("/?")
    return path + "/" if issubclass(view, UpstreamView) else path


def complete(result: Schema, **_: Any) -> Schema:
    """Add what is not a view of DRF's, and the components that all operations refer to."""
    for name, operation in own_documents.HEALTH.items():
        try:
            result["paths"][reverse(name)] = {"get": operation}
        except NoReverseMatch:
            continue  # a project that has other health checks
    bodies: dict[str, Schema] = {}
    for endpoint in ENDPOINTS.values():
        if endpoint.exposed:
            bodies |= schemas(endpoint.operation)
    result["info"]["description"] = DESCRIPTION.strip()
    result["tags"] = operations.tags()
    result["components"] = {
        "schemas": bodies | own_documents.SCHEMAS | {faults.KALSHI_ERROR: error_schema()},
        "responses": own_documents.RESPONSES | faults.responses(),
        "headers": headers.HEADERS,
        "securitySchemes": security_schemes(),
    }
    # The parts are shared by operations and by generations; whoever works on the result may change it.
    return copy.deepcopy(result)


def security_schemes() -> dict[str, Schema]:
    signed = {
        "key": ("KALSHI-ACCESS-KEY", "The id of a virtual key."),
        "timestamp": ("KALSHI-ACCESS-TIMESTAMP", "Unix time in milliseconds, at most 15 s off."),
        "signature": (
            "KALSHI-ACCESS-SIGNATURE",
            "Base64 of the signature of timestamp, method and path without query: RSA-PSS with SHA-256, or Ed25519.",
        ),
    }
    return {
        "bearer": {"type": "http", "scheme": "bearer", "description": "A token of `manage.py create_token`."},
        "session": {"type": "apiKey", "in": "cookie", "name": settings.SESSION_COOKIE_NAME},
    } | {
        name: {"type": "apiKey", "in": "header", "name": header, "description": text}
        for name, (header, text) in signed.items()
    }
