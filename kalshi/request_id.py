"""The id that ties an answer, its log lines and its upstream calls together."""

import os
import re
from contextvars import ContextVar
from itertools import count

REQUEST_ID: ContextVar[str] = ContextVar("kalshi_request_id", default="-")

# A token, or the code of a sign-in link, would stand in the log.
_ACCEPTED = re.compile(r"(?![0-9A-Fa-f]{64})[A-Za-z0-9._-]{8,64}")
# Random for each process and counted inside it: as unique as a random id each time, and many times cheaper.
_PREFIX = os.urandom(10).hex()
_numbers = count(int.from_bytes(os.urandom(3)))


def new_request_id(offered: str | None = None) -> str:
    """Keep the caller's own id when it is a harmless word of 8 to 64 characters, no token; else make one of 32."""
    if offered and _ACCEPTED.fullmatch(offered):
        return offered
    return f"{_PREFIX}{next(_numbers):012x}"
