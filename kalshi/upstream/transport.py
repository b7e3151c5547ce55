"""One GET, sent and received whole under one deadline. Knows HTTP, not Kalshi's operations.

Above it stand signing, retries, budget and meaning (`client`); a test swaps the whole network by swapping
this.
"""

import os
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from io import BytesIO
from queue import Empty, SimpleQueue
from traceback import clear_frames
from typing import Protocol, Self

import requests
from urllib3.exceptions import HTTPError as Urllib3Error

from kalshi.errors import FunctionFailed, KalshiError, UnexpectedPayload, UpstreamTimeout, to_keep
from kalshi.upstream.connections import DeadlineAdapter, Until
from kalshi.upstream.hosts import checked_base_url
from kalshi.upstream.params import Params
from kalshi.upstream.request_function import (
    RequestFunction,
    answer_of_exception,
    arguments_of,
    body_of_result,
    load_function,
)
from kalshi.upstream.route import choose
from kalshi.upstream.signing import Signer, secrets_of
from kalshi.upstream.translation import is_stale, translated

CONNECT_S = 3.0
"""For all addresses of the host together, TLS included."""
MAX_BODY_BYTES = 32 * 1024 * 1024
LARGE_BYTES = 1024 * 1024
MAX_LARGE = 4
"""Bodies above LARGE_BYTES that a process receives at a time; the others wait."""
MAX_FUNCTION_THREADS = 64
_CHUNK_BYTES = 64 * 1024
_HEADERS = {
    "Accept": "application/json",
    # Only what is decoded here; and texts come back translated when a language is not pinned.
    "Accept-Encoding": "gzip, deflate",
    "Accept-Language": "en",
    "User-Agent": "kalshi-gateway/0.1",
}


@dataclass(frozen=True)
class RawResponse:
    """An answer of any status. `headers`: lower-case names. `body`: as received, content-encoding undone; None when
    a request function told only the status. `secrets`: key id and signature of the question, as far as they are known.
    """

    status: int
    headers: Mapping[str, str]
    body: bytes | None
    secrets: tuple[str, ...] = field(default=(), repr=False)


_large = threading.BoundedSemaphore(MAX_LARGE)


class Transport(Protocol):
    """The way to Kalshi. `signs_itself`: needs no credentials of ours and ignores `sign`."""

    signs_itself: bool

    def get(
        self, path: str, params: Params, *, sign: Signer | None, deadline_s: float, request_id: str
    ) -> RawResponse:
        """Ask once. `path` has no /trade-api/v2. `sign` is called with the method and the path that is sent.

        Raises UpstreamUnavailable, UpstreamTimeout or UnexpectedPayload, nothing else. Follows no redirects.
        """
        ...


class _Session(requests.Session):
    """A session that neither follows redirects nor reads their bodies. Answers reach it without their cookies."""

    def __init__(self) -> None:
        super().__init__()
        self.trust_env = False  # or ~/.netrc would lay its own Authorization over ours

    def get_redirect_target(self, resp: requests.Response) -> None:
        return None


class RequestsTransport:
    """Pooled HTTP(S) by `requests`, on the route that the variables of `environ` name (by default the process's own).

    `base_url` ends in /trade-api/v2; ConfigError when it may not be called, or there is no such route. Resolving the
    host name is not covered by the deadline: the system gives no way to interrupt it.
    """

    signs_itself = False

    def __init__(
        self,
        base_url: str,
        *,
        environ: Mapping[str, str] | None = None,
        connect_s: float = CONNECT_S,
        max_body_bytes: int = MAX_BODY_BYTES,
    ) -> None:
        self.base_url = checked_base_url(base_url)
        self._connect_s = connect_s
        self._max_body_bytes = max_body_bytes
        self._session = _Session()
        self._session.mount("http://", DeadlineAdapter())
        self._session.mount("https://", DeadlineAdapter())
        self._route = choose(self.base_url, os.environ if environ is None else environ)
        if self._route.proxy:
            self._session.proxies = {"all": self._route.proxy}
        self._session.verify = self._route.ca_bundle or True

    def get(
        self, path: str, params: Params, *, sign: Signer | None, deadline_s: float, request_id: str
    ) -> RawResponse:
        """See Transport. A kept-alive connection that the server had closed is replaced once, silently."""
        deadline = time.monotonic() + deadline_s
        try:
            return self._attempt(path, params, sign, deadline)
        except (requests.RequestException, Urllib3Error, OSError) as error:
            _clear_frames(error)
            if not is_stale(error):
                raise translated(error, proxy=self._route.shown) from None
        try:
            return self._attempt(path, params, sign, deadline)
        except (requests.RequestException, Urllib3Error, OSError) as error:
            _clear_frames(error)
            raise translated(error, proxy=self._route.shown) from None

    def close(self) -> None:
        """Close the idle connections."""
        self._session.close()

    def _attempt(self, path: str, params: Params, sign: Signer | None, deadline: float) -> RawResponse:
        if deadline <= time.monotonic():
            raise UpstreamTimeout("Kalshi did not answer in time.")
        prepared = requests.Request("GET", self.base_url + path, _HEADERS, params=list(params)).prepare()
        if sign is not None:
            # From the prepared request, so that what is signed is what is sent.
            prepared.headers.update(sign("GET", prepared.path_url.partition("?")[0]))
        secrets = secrets_of(prepared.headers)
        timeout = Until(deadline, self._connect_s)
        response = self._session.send(prepared, stream=True, allow_redirects=False, timeout=timeout)  # type: ignore[arg-type]
        try:
            headers = {name.lower(): value for name, value in response.headers.items()}
            return RawResponse(response.status_code, headers, self._body(response, deadline), secrets)
        finally:
            response.close()

    def _body(self, response: requests.Response, deadline: float) -> bytes:
        """The whole decoded body. The cap counts decoded bytes, so a compressed bomb stops at it."""
        declared = response.headers.get("Content-Length", "")
        if declared.isdecimal() and len(declared) < 20 and int(declared) > self._max_body_bytes:
            raise _too_large(self._max_body_bytes)
        # Grows where it stands and is given out without a copy; a list of chunks would be as much again.
        body = BytesIO()
        with ExitStack() as stack:
            for chunk in response.raw.stream(_CHUNK_BYTES, decode_content=True):
                size = body.tell() + len(chunk)
                if body.tell() <= LARGE_BYTES < size:
                    stack.enter_context(_large_body(deadline))
                if size > self._max_body_bytes:
                    raise _too_large(self._max_body_bytes)
                body.write(chunk)
            return body.getvalue()


@contextmanager
def _large_body(deadline: float) -> Iterator[None]:
    """One of the MAX_LARGE seats. UnexpectedPayload when none is free by the deadline (monotonic seconds)."""
    if not _large.acquire(timeout=max(0.0, deadline - time.monotonic())):
        raise UnexpectedPayload("Too many large answers of Kalshi come in at once.", upstream_status=200)
    try:
        yield
    finally:
        _large.release()


class FunctionTransport:
    """Asks through a program's own request function, which signs by itself.

    Each call has a thread of its own; one that hangs keeps its thread, so their number is bounded.
    """

    signs_itself = True

    def __init__(self, function: RequestFunction, *, max_threads: int = MAX_FUNCTION_THREADS) -> None:
        self._function = function
        self._slots = threading.BoundedSemaphore(max_threads)

    @classmethod
    def from_path(cls, dotted_path: str) -> Self:
        """Over the function of this dotted path; ConfigError when it cannot be used."""
        return cls(load_function(dotted_path))

    def get(
        self, path: str, params: Params, *, sign: Signer | None, deadline_s: float, request_id: str
    ) -> RawResponse:
        """See Transport."""
        deadline = time.monotonic() + deadline_s
        if not self._slots.acquire(timeout=deadline_s):
            raise UpstreamTimeout("All threads of the request function are busy; none of its calls returns.")
        results: SimpleQueue[RawResponse | Exception] = SimpleQueue()
        # A daemon thread: a function that hangs must not keep the process from stopping.
        name = f"request-function-{request_id}"
        threading.Thread(target=self._run, args=(path, params, results), name=name, daemon=True).start()
        try:
            result = results.get(timeout=max(0.0, deadline - time.monotonic()))
        except Empty:
            raise UpstreamTimeout("The request function did not return in time.") from None
        if isinstance(result, RawResponse):
            return result
        raise to_keep(result)

    def _run(self, path: str, params: Params, results: "SimpleQueue[RawResponse | Exception]") -> None:
        try:
            results.put(self._asked(path, params))
        except KalshiError as error:
            results.put(to_keep(error))
        except BaseException as error:  # noqa: BLE001  # what it returned or raised may raise when it is looked at
            results.put(FunctionFailed(f"The request function failed with {type(error).__name__}."))
        finally:
            self._slots.release()

    def _asked(self, path: str, params: Params) -> RawResponse:
        try:
            returned = self._function("GET", path, arguments_of(params))
        except BaseException as error:  # noqa: BLE001  # the waiting caller must always get an answer
            return RawResponse(*answer_of_exception(error))
        body = body_of_result(returned)
        if len(body) > MAX_BODY_BYTES:
            raise _too_large(MAX_BODY_BYTES)
        return RawResponse(200, {}, body)


def _clear_frames(error: BaseException | None) -> None:
    """urllib3 names the errors that pass it, so its frames, and through them ours with what the next attempt brings,
    would live on until a full collection.
    """
    while error is not None:
        clear_frames(error.__traceback__)
        error = error.__cause__ or error.__context__


def _too_large(max_bytes: int) -> UnexpectedPayload:
    return UnexpectedPayload(f"Kalshi's answer is larger than {max_bytes / 2**20:g} MiB.")
