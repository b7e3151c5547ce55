"""What the scripts in Python share: a client made by the recipe of INTEGRATION.md, and the report of what it gave.

They run in the clients' own environments, so this needs nothing but the standard library.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

PLAN: dict[str, Any] = json.loads(os.environ["PLAN"])
NAMES: dict[str, Any] = PLAN["names"]
_found: list[dict[str, Any]] = []


def client(key: str = "rsa") -> Any:
    """What the recipe, with this key in it, leaves as `client`. What it prints with a bad key is left out."""
    namespace: dict[str, Any] = {}
    recipe = PLAN["recipes"][key]
    good = PLAN["phase"] == "reads"
    exec(recipe if good else recipe.replace("\nprint(", "\n0 and print("), namespace)
    return namespace["client"]


def read(path: str, got: Any) -> None:
    """What a call gave that should be the body of this path, or what stands in it under its one key."""
    _found.append({"path": path, "got": plain(got)})


def refuse(case: str, call: Callable[[], Any]) -> None:
    """Which exception the call raises."""
    try:
        call()
    except Exception as problem:  # noqa: BLE001
        note_refusal(case, problem)
    else:
        note_refusal(case, None)


async def refuse_awaited(case: str, answer: Awaitable[Any]) -> None:
    """Which exception waiting for the answer raises."""
    try:
        await answer
    except Exception as problem:  # noqa: BLE001
        note_refusal(case, problem)
    else:
        note_refusal(case, None)


def note_refusal(case: str, problem: Exception | None) -> None:
    status = getattr(problem, "status_code", None) or getattr(problem, "status", None)
    kind = type(problem)
    _found.append(
        {"case": case, "type": f"{kind.__module__}.{kind.__name__}", "status": status, "said": str(problem)}
    )


def late_clock() -> None:
    """The machine's clock is a minute behind, for the client only."""
    seconds, nanoseconds = time.time, time.time_ns
    time.time = lambda: seconds() - 60
    time.time_ns = lambda: nanoseconds() - 60 * 10**9


def plain(value: Any) -> Any:
    """JSON of whatever a client makes of a body."""
    if hasattr(value, "model_dump"):
        return value.model_dump(mode="json", by_alias=True)
    if hasattr(value, "data") and hasattr(value.data, "model_dump"):
        return plain(value.data)
    if isinstance(value, dict):
        return {str(name): plain(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    return value


def write() -> None:
    Path(PLAN["out"]).write_text(json.dumps(_found, default=str))
