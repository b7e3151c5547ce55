"""The documents that are ours and not Kalshi's: status, health, metrics, and the OpenAPI document itself."""

from __future__ import annotations

from typing import Any

from rest_framework.views import APIView

from kalshi.openapi import headers
from kalshi.openapi.bodies import Schema, component, ref
from kalshi.openapi.parameters import ACCOUNT, ACCOUNT_HEADER, IF_NONE_MATCH
from kalshi.openapi.views import SchemaView
from kalshi.services.status import NAMES
from kalshi.views.metrics import MetricsView
from kalshi.views.status import StatusView

TAG = "server"
_SECURITY: list[Schema] = [{"bearer": []}, {"session": []}]


def _object(required: tuple[str, ...], **properties: Any) -> Schema:
    return {"type": "object", "required": list(required), "properties": properties}


def _or_null(schema: Schema) -> Schema:
    return {"anyOf": [schema, {"type": "null"}]}


def _json(schema: Schema, description: str, names: tuple[str, ...] = ()) -> Schema:
    answer: Schema = {"description": description, "content": {"application/json": {"schema": schema}}}
    return answer | ({"headers": headers.refs(names)} if names else {})


_TEXT: Schema = {"type": "string"}
_NUMBER: Schema = {"type": "number"}
_ACCOUNT = _object(("slug", "label"), slug=_TEXT, label=_TEXT)
_ENDPOINT = _object(
    ("state", "age_s", "fresh_s", "last_error"),
    state={"type": "string", "enum": ["fresh", "stale", "empty", "off"]},
    age_s={"type": ["number", "null"]},
    fresh_s=_NUMBER,
    last_error={"type": ["string", "null"], "description": "The code of the last failure."},
)
_BUDGET = _object(
    ("tier", "level", "capacity", "refill_per_s"),
    tier={"type": ["string", "null"]},
    level=_NUMBER,
    capacity=_NUMBER,
    refill_per_s=_NUMBER,
)

SCHEMAS: dict[str, Schema] = {
    "Status": _object(
        NAMES,
        environment={"type": ["string", "null"], "enum": ["prod", "demo", "sandbox", None]},
        now={"type": "string", "format": "date-time"},
        account=_or_null(_ACCOUNT),
        accounts={
            "type": "array",
            "items": _object(
                ("slug", "label", "environment", "role"),
                slug=_TEXT,
                label=_TEXT,
                environment=_TEXT,
                role={"type": "string", "enum": ["viewer", "operator", "owner"]},
            ),
        },
        balance=_or_null(ref(component("get_balance"))),
        endpoints=_or_null({"type": "object", "additionalProperties": _ENDPOINT}),
        exchange=_or_null(ref(component("get_exchange_status"))),
        budget=_or_null(_BUDGET),
        breaker={"type": ["string", "null"], "enum": ["closed", "open", "half_open", None]},
        stream={},
        daemon={"type": ["object", "null"], "description": "State files, for operators."},
    ),
    "History": _object(
        (
            "complete",
            "reason",
            "next",
            "live_pages",
            "archive_pages",
            "cutoff",
            "dropped_duplicates",
            "left_out",
        ),
        complete={"type": "boolean"},
        reason={"type": ["string", "null"], "description": "Why the walk ended early."},
        next=_or_null(
            _object(
                ("endpoint", "parameters"),
                endpoint=_TEXT,
                parameters={"type": "object", "additionalProperties": _TEXT},
            )
        ),
        live_pages={"type": "integer"},
        archive_pages={"type": "integer"},
        cutoff=_or_null(ref(component("get_historical_cutoff"))),
        dropped_duplicates={"type": "integer"},
        left_out={"type": "integer"},
    ),
    "HistorySource": _object(("source",), source={"type": "string", "enum": ["live", "archive"]}),
    "Health": _object(("ok",), ok={"type": "boolean"}),
    "Readiness": _object(
        ("ready", "checks"),
        ready={"type": "boolean"},
        checks={"type": "object", "additionalProperties": {"type": "boolean"}},
    ),
}


def _operation(name: str, summary: str, responses: Schema, **more: Any) -> Schema:
    return {"operationId": name, "tags": [TAG], "summary": summary, **more, "responses": responses}


def _faults(*statuses: int) -> Schema:
    return {str(status): ref(f"Error{status}", "responses") for status in statuses}


_PLAIN_TEXT: Schema = {"schema": {"type": "string"}}

# Those of DRF views, which drf-spectacular finds by itself.
OPERATIONS: dict[type[APIView], Schema] = {
    StatusView: _operation(
        "status",
        "Where everything stands",
        {"200": _json(ref("Status"), "Asks Kalshi for nothing but the balance.", ("X-Request-ID", "Vary"))}
        | _faults(400, 401, 403, 500, 503),
        parameters=[ACCOUNT, ACCOUNT_HEADER],
        security=_SECURITY,
    ),
    MetricsView: _operation(
        "metrics",
        "Numbers for Prometheus",
        {
            "200": {
                "description": "For superusers: with a session, or a token of the scope `metrics`.",
                "content": {"text/plain": _PLAIN_TEXT, "application/openmetrics-text": _PLAIN_TEXT},
            }
        }
        | _faults(401, 403, 500, 503),
        security=_SECURITY,
    ),
    SchemaView: _operation(
        "schema",
        "This document",
        {
            "200": _json(
                {"type": "object", "required": ["openapi", "info", "paths"]},
                "OpenAPI 3.1.",
                ("ETag", "X-Request-ID", "Vary"),
            ),
            "304": {
                "description": "The document is unchanged.",
                "headers": headers.refs(("ETag", "X-Request-ID", "Vary")),
            },
        }
        | _faults(401, 500, 503),
        parameters=[IF_NONE_MATCH],
        security=_SECURITY,
    ),
}

# By the name of the URL: plain Django views.
HEALTH: dict[str, Schema] = {
    "healthz": _operation(
        "healthz",
        "Whether the process is alive",
        {
            "200": _json(ref("Health"), "It is."),
            "503": _json(ref("Health"), "Its threads stand still; only a restart helps."),
        },
        security=[],
    ),
    "readyz": _operation(
        "readyz",
        "Whether it can serve",
        {
            "200": _json(ref("Readiness"), "Configuration, migrations, database and cache are good."),
            "503": _json(ref("Readiness"), "At least one of them is not."),
        },
        security=[],
    ),
}

RESPONSES: dict[str, Schema] = {
    "NotModified": {
        "description": "The body is still the one of this ETag.",
        "headers": headers.refs(headers.FRESHNESS),
    },
    "GatewayNotModified": {
        "description": "The body is still the one of this ETag.",
        "headers": headers.refs([*headers.FRESHNESS, *headers.LIMIT]),
    },
}
