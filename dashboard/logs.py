"""Logging: one JSON object a line on standard error, with the request id, and secrets taken out at the last step."""

import logging.config
import re
from collections.abc import Sequence
from typing import Any

import structlog
from structlog.typing import EventDict, WrappedLogger

from kalshi.request_id import REQUEST_ID

MASK = "***"
PATTERNS = (
    (re.compile(r"-----BEGIN [^-]*-----.*?(-----END [^-]*-----|\Z)", re.DOTALL), MASK),
    (re.compile(r"(/sign-in/)[^/\s\"'?]+"), r"\1" + MASK),
    (re.compile(r"(?i)(bearer\s+)[^\s\"',]+"), r"\1" + MASK),
    (re.compile(r"(?i)((?:sessionid|csrftoken)=)[^\s;\"',]+"), r"\1" + MASK),
    (re.compile(r"(?i)(kalshi-access-(?:key|signature)\W{1,4})[^\s\"',}]+"), r"\1" + MASK),
)


class Redact:
    """The last processor: works on the finished line, so nothing can be put in behind it."""

    def __init__(self, secrets: Sequence[str]) -> None:
        # Shorter ones would mask ordinary words.
        self._secrets = tuple(secret for secret in secrets if len(secret) >= 8)

    def __call__(self, logger: WrappedLogger, name: str, line: str) -> str:
        del logger, name
        for secret in self._secrets:
            line = line.replace(secret, MASK)
        for pattern, replacement in PATTERNS:
            line = pattern.sub(replacement, line)
        return line

    def __repr__(self) -> str:
        return "Redact(...)"


def add_request_id(logger: WrappedLogger, name: str, event: EventDict) -> EventDict:
    del logger, name
    if REQUEST_ID.get() != "-":
        event.setdefault("request_id", REQUEST_ID.get())
    return event


def access_fields(logger: WrappedLogger, name: str, event: EventDict) -> EventDict:
    """uvicorn's access records as fields instead of one sentence."""
    del logger, name
    record: logging.LogRecord | None = event.get("_record")
    if (
        record is not None
        and record.name == "uvicorn.access"
        and isinstance(record.args, tuple)
        and len(record.args) == 5
    ):
        peer, method, path, _, status = record.args
        event.update(event="request", peer=peer, method=method, path=path, status=status)
    return event


def configuration(secrets: Sequence[str], *, debug: bool) -> dict[str, Any]:
    """A dictConfig. `secrets`: values that are replaced wherever they turn up."""
    shared = [
        add_request_id,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.ExtraAdder(),
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
    ]
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {
            "json": {
                "()": structlog.stdlib.ProcessorFormatter,
                "foreign_pre_chain": [*shared, access_fields],
                "processors": [
                    structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                    structlog.processors.JSONRenderer(),
                    Redact(secrets),
                ],
            },
        },
        "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "json"}},
        "root": {"handlers": ["stderr"], "level": "INFO"},
        "loggers": {
            "django.request": {"level": "ERROR"},
            "uvicorn.error": {"level": "INFO"},
            "kalshi": {"level": "DEBUG" if debug else "INFO"},
        },
    }


def configure(config: dict[str, Any]) -> None:
    """Django's LOGGING_CONFIG: without Django's default handlers, which would mail and print unredacted."""
    logging.config.dictConfig(config)
