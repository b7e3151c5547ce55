"""An upstream behind nginx: one body with an ETag, DELAY_S after it was asked for. With BODY_FILE; see bare_asgi."""

import asyncio
import os
from typing import Any

from benchmarks.bare_asgi import BODY, ETAG, LENGTH, TYPE

DELAY_S = float(os.environ.get("DELAY_S", "0"))
START = {"type": "http.response.start", "status": 200, "headers": [TYPE, LENGTH, ETAG]}


async def application(scope: Any, receive: Any, send: Any) -> None:
    if DELAY_S:
        await asyncio.sleep(DELAY_S)
    await send(START)
    await send(BODY)
