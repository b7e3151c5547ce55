"""Run a WSGI application to its end, in a thread, without a client: what it answers is kept whole."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple

from kalshi.errors import KalshiError, NoRoom, ShareTaken
from kalshi.networks import network_of
from kalshi.server.collected import ANSWER_BYTES, Body, FileWrapper, NoDisk, NotKept, OverShare, Rooms
from kalshi.server.environ import Environ

Application = Callable[[Environ, Callable[..., Callable[[bytes], None]]], Iterable[bytes]]
Headers = list[tuple[bytes, bytes]]
CallerOf = Callable[[Mapping[str, Any]], str | None]
"""By the ASGI scope of an answered request: whose credential it came with; None: nobody's."""

# Of the body that is not sent.
_OF_THE_BODY = frozenset(
    {
        b"cache-control",
        b"content-disposition",
        b"content-encoding",
        b"content-length",
        b"content-type",
        b"etag",
        b"last-modified",
    }
)

RETRY_AFTER_S = 10
"""Until then slow readers may have taken what waits for them."""

log = logging.getLogger("kalshi.server")


class Client:
    """gone: set by the event loop, read by the thread."""

    gone = False


class Answer(NamedTuple):
    """Names of headers in small letters."""

    status: int
    headers: Headers
    body: Body


def answer_of(
    application: Application, environ: Environ, client: Client, rooms: Rooms, caller: CallerOf
) -> Answer | None:
    """Run a WSGI application to its end; called in a thread. None when the client left before the end.

    Raises what the application raises; nothing was sent then. An answer that cannot be kept becomes a 503, or a 429
    where its caller has too many.
    """
    body = Body(rooms)
    started: list[tuple[int, Headers]] = []

    def start_response(
        status: str, headers: list[tuple[str, str]], exc_info: object = None
    ) -> Callable[[bytes], None]:
        # With exc_info an answer may be replaced as long as nothing was sent, which here is always so.
        if started and exc_info is None:
            raise AssertionError("start_response was called twice")
        started[:] = [(int(status.split(" ", 1)[0]), [_encoded(*header) for header in headers])]
        return body.write

    try:
        result = application(environ, start_response)
        if not body.size:
            # Now the application knows whether it lets anybody in.
            body.holder = caller(environ.get("asgi.scope", {})) or network_of(environ.get("REMOTE_ADDR", "-"))
        complete = _collect(result, environ["REQUEST_METHOD"], body, client)
        body.finish()
        answer = Answer(*started[0], body)  # IndexError when start_response was not called
    except NotKept as problem:
        body.close()
        return _refused(_told(problem), started[0][1])
    except BaseException:
        body.close()
        raise
    if complete:
        return answer
    body.close()
    return None


def _collect(result: Iterable[bytes], method: str, body: Body, client: Client) -> bool:
    """Fill the body; whether to its end. Closes the result whatever happens."""
    try:
        if isinstance(result, FileWrapper):
            body.take_file(result)
            return True
        for chunk in result:
            if client.gone:
                return False
            body.write(chunk)
            if method == "HEAD":
                break
        return True
    finally:
        try:
            getattr(result, "close", lambda: None)()
        except Exception:
            log.exception("Closing an answer failed; it is sent all the same.")


def _encoded(name: str, value: str) -> tuple[bytes, bytes]:
    return name.strip().lower().encode("latin-1"), value.strip().encode("latin-1")


def _told(problem: NotKept) -> KalshiError:
    """For the caller; and in the log what its operator should know."""
    if isinstance(problem, OverShare):
        return ShareTaken("Too many large answers of yours wait to be read; read them, or ask for less.")
    if isinstance(problem, NoDisk):
        log.error(
            "The folder for temporary files did not take an answer (%s); its caller got 503.",
            problem.__cause__,
        )
        return NoRoom(
            "The server has no room on its disk for an answer of this size; ask for less, or later."
        )
    log.warning("An answer was too large to be kept until it is sent; its caller got 503.")
    return NoRoom(
        f"The answer is larger than {ANSWER_BYTES >> 20} MB, or too many large ones wait for slow readers; "
        "ask for less, or later."
    )


def _refused(error: KalshiError, headers: Headers) -> Answer:
    request_id = dict(headers).get(b"x-request-id", b"-").decode("latin-1")
    body = Body(Rooms())  # needs none of what is full
    told = {
        "error": error.message,
        "code": error.code,
        "request_id": request_id,
        "retry_after_s": RETRY_AFTER_S,
    }
    body.write(json.dumps(told).encode())
    body.finish()
    kept = [header for header in headers if header[0] not in _OF_THE_BODY]
    return Answer(
        error.status,
        [
            *kept,
            (b"content-type", b"application/json"),
            (b"content-length", b"%d" % body.size),
            (b"cache-control", b"no-store"),
            (b"retry-after", b"%d" % RETRY_AFTER_S),
        ],
        body,
    )
