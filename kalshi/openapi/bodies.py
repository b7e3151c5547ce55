"""What the bodies of Kalshi look like: the JSON Schemas of `reference/kalshi-api/rest`, and an example of each.

The reference is the one place that knows; where it is not installed, a body is described as any JSON object.
"""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

Schema = dict[str, Any]

REFERENCE = Path(__file__).resolve().parents[2] / "reference" / "kalshi-api"
# By operation: {"path": values in the path, "query": the query, "body": the answer, shortened}. Made by
# `python -m kalshi.tests.openapi`.
EXAMPLES = Path(__file__).resolve().parent / "examples.json"


def component(operation: str) -> str:
    """The name of a body's schema: `get_balance` -> `GetBalanceBody`."""
    return "".join(word.capitalize() for word in operation.split("_")) + "Body"


def ref(name: str, kind: str = "schemas") -> Schema:
    return {"$ref": f"#/components/{kind}/{name}"}


@cache
def described(operation: str) -> Schema:
    """What the reference says of an operation; empty without a reference. Do not change it."""
    path = REFERENCE / "rest" / f"{operation}.json"
    found: Schema = json.loads(path.read_text()) if path.is_file() else {}
    return found


def schemas(operation: str) -> dict[str, Schema]:
    """The components of one body: its own schema, and those that it refers to."""
    body = described(operation).get("response_schema", {"type": "object"})
    own = {key: value for key, value in body.items() if key not in {"$schema", "$defs"}}
    return {component(operation): _moved(own)} | {
        name: _moved(part) for name, part in body.get("$defs", {}).items()
    }


def error_schema() -> Schema:
    """The shapes that an error of Kalshi's can have."""
    path = REFERENCE / "error_body.json"
    body = json.loads(path.read_text())["schema"] if path.is_file() else {"type": "object"}
    return {key: value for key, value in body.items() if key != "$schema"}


@cache
def examples() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(EXAMPLES.read_text()) if EXAMPLES.is_file() else {}
    return found


def _moved(part: Any) -> Any:
    """The same schema, with its references to `$defs` turned to the document's components."""
    if isinstance(part, dict):
        return {
            key: value.replace("#/$defs/", "#/components/schemas/") if key == "$ref" else _moved(value)
            for key, value in part.items()
        }
    return [_moved(each) for each in part] if isinstance(part, list) else part
