"""Whatever a caller sends: no 5xx of ours, and only statuses, headers and bodies that the document tells.

Our own API also refuses everything that the document does not allow.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

import pytest
import requests

from kalshi.tests.gateway.signing import Signer, create_at
from kalshi.tests.openapi import fuzzing
from kalshi.tests.openapi.asking import OPERATIONS, Question
from kalshi.tests.servers import Gateway


@pytest.fixture(scope="module")
def signer(gateway: Gateway) -> Signer:
    return create_at(gateway, "--type", "ed25519")


def drill(
    gateway: Gateway,
    served: dict[str, Any],
    questions: dict[str, Question],
    signer: Signer,
    *,
    examples: int,
    least: int,
) -> None:
    def authorize(operation: str) -> Any:
        def sign(request: requests.PreparedRequest) -> requests.PreparedRequest:
            if operation.startswith("gateway_"):
                request.headers.update(signer.headers(urlsplit(request.url or "").path))
            else:
                request.headers["Authorization"] = f"Bearer {gateway.token}"
            return request

        return sign

    findings = fuzzing.run(served, gateway.base_url, questions, authorize, examples=examples)
    told = "\n\n".join(f"{where}: {what}" for where, what in findings.faults.items())
    assert not findings.faults, told
    # Named one by one: that the gateway passes any 4xx of Kalshi's must hide nothing.
    assert set(findings.statuses) <= {200, 304, 400, 401, 403, 404, 502, 503}
    assert findings.requests > least, findings.statuses
    # It got through to the data, and not only to the refusals.
    assert findings.statuses[200] > findings.requests / 5
    assert len(findings.accepted) > len(OPERATIONS)


@pytest.mark.timeout(300)
def test_over_a_thousand_generated_requests_find_nothing(
    gateway: Gateway, served: dict[str, Any], questions: dict[str, Question], signer: Signer
) -> None:
    drill(gateway, served, questions, signer, examples=8, least=1_000)


@pytest.mark.chaos
@pytest.mark.timeout(1_200)
def test_ten_thousand_generated_requests_find_nothing(
    gateway: Gateway, served: dict[str, Any], questions: dict[str, Question], signer: Signer
) -> None:
    drill(gateway, served, questions, signer, examples=77, least=10_000)
