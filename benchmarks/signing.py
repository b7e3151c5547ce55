"""Signed requests for wrk: made before the measurement, each with a time of its own, as a client would send them."""

from __future__ import annotations

import json
import time
from pathlib import Path
from urllib.parse import urlsplit

from kalshi.tests.servers import Gateway
from kalshi.upstream.credentials import Credentials
from kalshi.upstream.pem import parse_private_key
from kalshi.upstream.signing import signature_headers

REQUESTS = 1_000
# Half of what a timestamp may be off, so that all of them are good from the first second to the last.
SPREAD_S = 7.0

SCRIPT = """
local signed = {{
{rows}
}}
local requests, number = {{}}, 0
function init()
  for i, row in ipairs(signed) do
    requests[i] = wrk.format("GET", nil, {{
      ["KALSHI-ACCESS-KEY"] = "{key_id}", ["KALSHI-ACCESS-TIMESTAMP"] = row[1], ["KALSHI-ACCESS-SIGNATURE"] = row[2]
    }})
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


def headers(signer: Credentials, url: str, after_s: float = 0.0) -> dict[str, str]:
    """The three headers of a GET that is sent so many seconds from now."""
    return signature_headers(signer, "GET", urlsplit(url).path, int((time.time() + after_s) * 1000))


def write_script(signer: Credentials, url: str, place: Path) -> Path:
    """A script for wrk that goes through the signed requests. Good for about ten seconds."""
    rows = []
    for number in range(REQUESTS):
        made = headers(signer, url, after_s=SPREAD_S * number / REQUESTS)
        rows.append(f'{{"{made["KALSHI-ACCESS-TIMESTAMP"]}", "{made["KALSHI-ACCESS-SIGNATURE"]}"}},')
    place.write_text(SCRIPT.format(rows="\n".join(rows), key_id=signer.key_id))
    return place
