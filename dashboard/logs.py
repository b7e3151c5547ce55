"""Logging: one JSON object a line on standard error, with the request id, and secrets taken out at the last step."""

from __future__ import annotations

import contextlib
import copy
import logging
import logging.config
import sys
import threading
from collections.abc import Callable, Sequence
from typing import Any, TextIO

import structlog
from django.core.exceptions import BadRequest, SuspiciousOperation
from django.http import HttpRequest
from structlog.typing import EventDict, WrappedLogger

from dashboard.masking import Mask, line_of, text_of
from kalshi import line_stream
from kalshi.request_id import REQUEST_ID

MAX_LINE = 32 * 1024


class Render:
    """The last processor: the line, secrets taken out of each of its texts. Nothing can be put in behind it."""

    def __init__(self, mask: Mask) -> None:
        self.mask = mask

    def __call__(self, logger: WrappedLogger, name: str, event: EventDict) -> str:
        del logger, name
        return line_of(self.mask.fields(event), MAX_LINE)


class LineHandler(logging.StreamHandler[TextIO]):
    """A record that cannot be made a text is told of in a line too: logging itself would print it, secrets included."""

    def emit(self, record: logging.LogRecord) -> None:
        try:
            line_stream.put(self.stream, self.format(record) + self.terminator)
        except Exception:  # noqa: BLE001 - a record may fail with anything
            self.handleError(record)

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - its name in logging
        problem = type(sys.exc_info()[1]).__name__
        told = copy.copy(record)
        told.msg, told.args = f"{text_of(record.msg)} [cannot be filled in: {problem}]", None
        # A stream that is closed or full stays so; nobody is left to be told.
        with contextlib.suppress(Exception):
            line_stream.put(self.stream, self.format(told) + self.terminator)


def add_request_id(logger: WrappedLogger, name: str, event: EventDict) -> EventDict:
    del logger, name
    if REQUEST_ID.get() != "-":
        event.setdefault("request_id", REQUEST_ID.get())
    return event


def callers_faults(logger: WrappedLogger, name: str, event: EventDict) -> EventDict:
    """What Django refuses as suspicious is a warning without a traceback: whoever asks could write 5 KB a time."""
    del logger, name
    problem = event.get("exc_info")
    if isinstance(problem, tuple) and isinstance(problem[1], (SuspiciousOperation, BadRequest)):
        del event["exc_info"]
        event["level"] = "warning"
    return event


def plain_request(logger: WrappedLogger, name: str, event: EventDict) -> EventDict:
    """Django's request by method and path; its own text holds the query, whatever secret somebody put into that."""
    del logger, name
    request = event.get("request")
    if isinstance(request, HttpRequest):
        event["request"] = f"{request.method} {request.path}"
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
        plain_request,
        callers_faults,
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
                    Render(Mask(secrets)),
                ],
            },
        },
        "handlers": {"stderr": {"()": LineHandler, "formatter": "json"}},
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
    """What takes secrets out of a text in a configuration, for lines that are written without logging."""
    render: Render = config["formatters"]["json"]["processors"][-1]
    return render.mask.text


def catch_the_rest() -> None:
    """Have what nobody caught logged like everything else: Python itself would print it, secrets included."""
    log = logging.getLogger("dashboard.errors")

    def in_thread(caught: threading.ExceptHookArgs) -> None:
        if caught.exc_value is not None and caught.exc_type is not SystemExit:
            name = caught.thread.name if caught.thread else "a thread"
            log.critical("unhandled %s in %s", caught.exc_type.__name__, name, exc_info=caught.exc_value)

    def nowhere(caught: sys.UnraisableHookArgs) -> None:
        log.error("%s where nobody could catch it", caught.exc_type.__name__, exc_info=caught.exc_value)

    def in_main(kind: type[BaseException], problem: BaseException, _: object) -> None:
        if not issubclass(kind, KeyboardInterrupt):
            log.critical("unhandled %s", kind.__name__, exc_info=problem)

    threading.excepthook = in_thread
    sys.excepthook = in_main
    sys.unraisablehook = nowhere
    logging.captureWarnings(True)
