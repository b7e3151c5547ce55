"""The least an ASGI application can do: one body, or an empty 304, with the headers that HTTP needs.

`python -m uvicorn benchmarks.bare_asgi:application`, with BODY_FILE. `/304` answers 304; `/ours` answers 200 with as
many headers as we send, to tell what uvicorn takes for headers alone.
"""

import json
import os
from pathlib import Path
from typing import Any

BODY = {"type": "http.response.body", "body": Path(os.environ["BODY_FILE"]).read_bytes()}
EMPTY = {"type": "http.response.body", "body": b""}
TYPE = (b"content-type", b"application/json")
ETAG = (b"etag", b'"0123456789abcdef0123456789abcdef"')
LENGTH = (b"content-length", str(len(BODY["body"])).encode())
OURS = [
    (name.encode(), value.encode()) for name, value in json.loads(os.environ.get("HEADERS", "{}")).items()
]

PLAIN = {"type": "http.response.start", "status": 200, "headers": [TYPE, LENGTH]}
UNCHANGED = {"type": "http.response.start", "status": 304, "headers": [ETAG]}
LIKE_OURS = {"type": "http.response.start", "status": 200, "headers": OURS}


async def application(scope: Any, receive: Any, send: Any) -> None:
    path = scope["path"]
    if path == "/304":
        await send(UNCHANGED)
        await send(EMPTY)
        return
    await send(LIKE_OURS if path == "/ours" else PLAIN)
    await send(BODY)
