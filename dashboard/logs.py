"""Logging: one JSON object a line on standard error, with the request id, and secrets taken out at the last step."""

import json
import logging
import logging.config
import re
import sys
import threading
from collections.abc import Callable, Sequence
from typing import Any

import structlog
from structlog.typing import EventDict, WrappedLogger

from kalshi.request_id import REQUEST_ID

MASK = "***"
SHORTEST = 8
MAX_LINE = 32 * 1024
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
        # A key of several lines may be quoted line by line. Shorter secrets would mask ordinary words.
        parts = [
            part for secret in secrets for part in (secret, *secret.splitlines()) if len(part) >= SHORTEST
        ]
        # As they stand in JSON, and as they are; the longest first, or a part would break up the whole.
        spellings = {spelling for part in parts for spelling in (part, json.dumps(part)[1:-1])}
        self._secrets = tuple(sorted(spellings, key=len, reverse=True))

    def __call__(self, logger: WrappedLogger, name: str, line: str) -> str:
        del logger, name
        for pattern, replacement in PATTERNS:
            line = pattern.sub(replacement, line)
        for secret in self._secrets:
            line = line.replace(secret, MASK)
        return line if len(line) <= MAX_LINE else _cut(line)

    def __repr__(self) -> str:
        return "Redact(...)"


def _cut(line: str) -> str:
    """A long line's beginning, as the text of another: only now, since half a secret would not be known as one."""
    return json.dumps(
        {"event": line[:MAX_LINE], "level": "warning", "logger": "cut", "characters": len(line)}
    )


def add_request_id(logger: WrappedLogger, name: str, event: EventDict) -> EventDict:
    del logger, name
    if REQUEST_ID.get() != "-":
        event.setdefault("request_id", REQUEST_ID.get())
    return event


def uvicorn_fields(logger: WrappedLogger, name: str, event: EventDict) -> EventDict:
    """uvicorn's access records as fields instead of one sentence, and no colours."""
    del logger, name
    event.pop("color_message", None)
    arguments = event.pop("positional_args", ())
    if event["_record"].name == "uvicorn.access" and len(arguments) == 5:
        peer, method, path, _, status = arguments
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
                "pass_foreign_args": True,  # for uvicorn_fields, which takes them out again
                "foreign_pre_chain": [*shared, uvicorn_fields],
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
            # Its warnings repeat addresses with their queries; what they are about is told by kalshi.upstream.
            "urllib3": {"level": "ERROR"},
            # Tells every sign-in; the audit log does that, with names.
            "axes": {"level": "WARNING"},
            "kalshi": {"level": "DEBUG" if debug else "INFO"},
        },
    }


def configure(config: dict[str, Any]) -> None:
    """Django's LOGGING_CONFIG: without Django's default handlers, which would mail and print unredacted."""
    logging.config.dictConfig(config)


def redaction(config: dict[str, Any]) -> Callable[[str], str]:
    """The last step of a configuration, for lines that are written without logging."""
    redact = config["formatters"]["json"]["processors"][-1]
    return lambda line: str(redact(None, "", line))


def catch_the_rest() -> None:
    """Have what nobody caught logged like everything else: Python itself would print it, secrets included."""
    log = logging.getLogger("dashboard.errors")

    def in_thread(caught: threading.ExceptHookArgs) -> None:
        if caught.exc_value is not None and caught.exc_type is not SystemExit:
            name = caught.thread.name if caught.thread else "a thread"
            log.critical("unhandled %s in %s", caught.exc_type.__name__, name, exc_info=caught.exc_value)

    def in_main(kind: type[BaseException], problem: BaseException, _: object) -> None:
        if not issubclass(kind, KeyboardInterrupt):
            log.critical("unhandled %s", kind.__name__, exc_info=problem)

    threading.excepthook = in_thread
    sys.excepthook = in_main
    logging.captureWarnings(True)
