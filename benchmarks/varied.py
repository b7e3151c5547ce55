"""Requests for wrk that are not all the same, made before a measurement: signed ones, and ones with their own ids."""

from __future__ import annotations

import json
import time
from pathlib import Path
from urllib.parse import urlsplit

from kalshi.tests.servers import Gateway
from kalshi.upstream.credentials import Credentials
from kalshi.upstream.pem import parse_private_key
from kalshi.upstream.signing import signature_headers

Headers = dict[str, str]

SIGNED_REQUESTS = 1_000
# Half of what a timestamp may be off, so that all of them are good from the first second to the last.
SPREAD_S = 7.0
# More than a server knows by their bytes (kalshi.server.repeated), so that it knows none.
OWN_IDS = 3_000

SCRIPT = """
local rows = {{
{rows}
}}
local requests, number = {{}}, 0
function init()
  for i, headers in ipairs(rows) do
    requests[i] = wrk.format("GET", nil, headers)
  end
end
function request()
  number = number % #requests + 1
  return requests[number]
end
"""


def issue(gateway: Gateway, kind: str) -> Credentials:
    """A new virtual key, as a client holds it."""
    made = json.loads(
        gateway.manage("keys", "create", "--user", "owner", "--label", "benchmark", "--type", kind, "--json")
    )
    return Credentials(made["key_id"], parse_private_key(made["private_key"], source="benchmark"))


def signed(signer: Credentials, url: str) -> list[Headers]:
    """Each with a time of its own, as a client would send them. Good for about ten seconds."""
    path, now_s = urlsplit(url).path, time.time()
    return [
        signature_headers(signer, "GET", path, int((now_s + SPREAD_S * number / SIGNED_REQUESTS) * 1000))
        for number in range(SIGNED_REQUESTS)
    ]


def with_own_ids(headers: Headers) -> list[Headers]:
    """Each with a request id of its own, as some clients send: no two are the same."""
    return [headers | {"X-Request-ID": f"benchmark-{number:06}"} for number in range(OWN_IDS)]


def write_script(requests: list[Headers], place: Path) -> Path:
    """A script for wrk that goes through the requests, over and over."""
    rows = (
        "{" + ", ".join(f'["{name}"] = "{value}"' for name, value in headers.items()) + "},"
        for headers in requests
    )
    place.write_text(SCRIPT.format(rows="\n".join(rows)))
    return place
