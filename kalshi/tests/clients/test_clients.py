"""Unmodified clients, with another base URL and a virtual key, in front of the sandbox."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import requests

from kalshi.tests.clients.comparing import faults
from kalshi.tests.clients.conftest import whole
from kalshi.tests.clients.driving import Access, ClientUnderTest, run
from kalshi.tests.servers import Sandbox

NO_NEWER_PYTHON = "the official Python client needs Python 3.13, and sh .ci/client-environments found none"
OFFICIAL_PYTHON = ClientUnderTest("kalshi_python_sync", "python313")
OFFICIAL_TYPESCRIPT = ClientUnderTest("kalshi-typescript", "typescript")
CLIENTS = [
    ClientUnderTest("pykalshi", "python"),
    ClientUnderTest("ccxt", "python"),
    OFFICIAL_PYTHON,
    OFFICIAL_TYPESCRIPT,
]
PYKALSHI, CCXT, PYTHON, TYPESCRIPT = (client.package for client in CLIENTS)

# Refusal: its status, and the exceptions of pykalshi, ccxt and the official Python client.
REFUSALS = {
    "unknown_key": (401, "AuthenticationError", "AuthenticationError", "UnauthorizedException"),
    "wrong_key": (401, "AuthenticationError", "AuthenticationError", "UnauthorizedException"),
    "late_clock": (401, "AuthenticationError", "AuthenticationError", "UnauthorizedException"),
    "narrow_key": (403, "AuthenticationError", "ExchangeNotAvailable", "ForbiddenException"),
    "bad_question": (400, "KalshiAPIError", "BadRequest", "BadRequestException"),
    "unknown_market": (404, "ResourceNotFoundError", "BadSymbol", "NotFoundException"),
    "unknown_path": (404, "ResourceNotFoundError", "BadSymbol", "NotFoundException"),
    "write": (405, "KalshiAPIError", "ExchangeNotAvailable", "ApiException"),
    "cancel": (405, "KalshiAPIError", "ExchangeNotAvailable", "ApiException"),
    "too_fast": (429, "RateLimitError", "RateLimitExceeded", "ApiException"),
    "rejected_upstream": (502, "KalshiAPIError", "ExchangeNotAvailable", "ServiceException"),
    "outage": (503, "KalshiAPIError", "ExchangeNotAvailable", "ServiceException"),
}
MODULES = {PYKALSHI: "pykalshi.exceptions", CCXT: "ccxt.base.errors", PYTHON: "kalshi_python_sync.exceptions"}


@pytest.fixture(params=CLIENTS, ids=[client.package for client in CLIENTS])
def client(request: pytest.FixtureRequest) -> ClientUnderTest:
    chosen: ClientUnderTest = request.param
    if not chosen.is_installed:
        if chosen is OFFICIAL_PYTHON:
            pytest.skip(NO_NEWER_PYTHON)
        pytest.fail(f"{chosen.package} is not installed: sh .ci/client-environments", pytrace=False)
    return chosen


@pytest.mark.parametrize(
    ("client", "key"),
    [*((client, "rsa") for client in CLIENTS), (OFFICIAL_PYTHON, "ed25519")],
    indirect=["client"],
    ids=lambda value: getattr(value, "package", value),
)
def test_every_read_is_what_the_exchange_says(
    client: ClientUnderTest,
    key: str,
    access: Access,
    names: dict[str, Any],
    operations: list[dict[str, Any]],
    exchange_says: Callable[[str], requests.Response],
    tmp_path: Path,
) -> None:
    readable = [each for each in operations if exchange_says(each["path"]).status_code == 200]
    report = run(
        client, access, tmp_path / "report", phase="reads", key=key, names=names, operations=readable
    )
    wrong = {}
    for seen in report:
        if found := faults(seen["got"], whole(seen["path"], exchange_says)):
            wrong[seen["path"]] = found[:5]
    assert not wrong, "\n".join(map(str, wrong.items()))
    assert len(report) >= 19


def test_each_refusal_is_the_clients_own_exception(
    client: ClientUnderTest, access: Access, names: dict[str, Any], sandbox: Sandbox, tmp_path: Path
) -> None:
    sandbox.fault("status", status=401, operations=["get_settlements"])
    report = run(client, access, tmp_path / "report", phase="refusals", names=names)
    assert {seen["case"] for seen in report} == REFUSALS.keys() - {"outage"}
    for seen in report:
        expect(client, seen)


# The last: the breaker stays open for some seconds after it. Together, since they all wait for the same retries.
def test_an_outage_is_each_clients_own_exception(
    access: Access, names: dict[str, Any], sandbox: Sandbox, tmp_path: Path
) -> None:
    sandbox.fault("down", operations=["get_fills"])
    clients = [client for client in CLIENTS if client.is_installed]

    def ask(client: ClientUnderTest) -> list[dict[str, Any]]:
        return run(client, access, tmp_path / client.package, phase="outage", names=names)

    with ThreadPoolExecutor() as pool:
        reports = list(pool.map(ask, clients))
    for client, report in zip(clients, reports, strict=True):
        (seen,) = report
        expect(client, seen)


def expect(client: ClientUnderTest, seen: dict[str, Any]) -> None:
    status, *types = REFUSALS[seen["case"]]
    if client.package == TYPESCRIPT:
        assert (seen["type"], seen["status"]) == ("AxiosError", status), seen
        return
    kind = dict(zip(MODULES, types, strict=True))[client.package]
    assert seen["type"] == f"{MODULES[client.package]}.{kind}", seen
    if client.package != CCXT:  # it does not keep the status
        assert seen["status"] == status, seen
