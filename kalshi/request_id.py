"""The id that ties an answer, its log lines and its upstream calls together."""

import re
import uuid
from contextvars import ContextVar

REQUEST_ID: ContextVar[str] = ContextVar("kalshi_request_id", default="-")

_ACCEPTED = re.compile(r"[A-Za-z0-9._-]{8,64}")


def new_request_id(offered: str | None = None) -> str:
    """Keep the caller's own id when it is a harmless word of 8 to 64 characters, else make one."""
    if offered and _ACCEPTED.fullmatch(offered):
        return offered
    return uuid.uuid4().hex
