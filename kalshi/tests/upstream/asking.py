"""One request through the real transport."""

from kalshi.upstream.params import Params
from kalshi.upstream.signing import Signer
from kalshi.upstream.transport import RawResponse, RequestsTransport


def get(
    url: str | RequestsTransport,
    path: str = "/portfolio/balance",
    params: Params = (),
    *,
    sign: Signer | None = None,
    deadline_s: float = 5.0,
) -> RawResponse:
    """Through this transport, or, for an address, one of its own with a small cap on bodies."""
    transport = RequestsTransport(url, max_body_bytes=2**20) if isinstance(url, str) else url
    try:
        return transport.get(path, params, sign=sign, deadline_s=deadline_s, request_id="r")
    finally:
        if isinstance(url, str):
            transport.close()
