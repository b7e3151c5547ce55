"""Requests that schemathesis makes from the document, sent to a running server; answers judged by its checks."""

from __future__ import annotations

import zlib
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis.checks import CHECKS
from schemathesis.core.failures import FailureGroup
from schemathesis.generation import GenerationMode

from kalshi.tests.openapi.asking import Question

NAMES = (
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
)
# What our own API does not take is refused; the gateway leaves that to Kalshi.
OWN_NAMES = (*NAMES, "negative_data_rejection")
# Longer request targets are refused by the HTTP parser, before there is a request that could be answered as documented.
LONGEST_TARGET = 65_535
# Say where a request ends; with an invented value it is no HTTP, which the parser refuses too.
FRAMING = ("Content-Length", "Transfer-Encoding")
# What Kalshi does to the server: documented, and no fault of ours. A 500 never is.
DOCUMENTED_5XX = {502, 503}


@dataclass
class Findings:
    """`statuses`: how often which came; `accepted`: operations that answered 200; `faults`: first of each kind."""

    statuses: Counter[int] = field(default_factory=Counter)
    accepted: set[str] = field(default_factory=set)
    faults: dict[tuple[str, str], str] = field(default_factory=dict)

    @property
    def requests(self) -> int:
        return sum(self.statuses.values())


def run(
    document: dict[str, Any],
    base_url: str,
    questions: dict[str, Question],
    authorize: Callable[[str], Callable[[requests.PreparedRequest], requests.PreparedRequest]],
    *,
    examples: int,
) -> Findings:
    """About `examples` requests for each operation, two thirds of them within what the document allows.

    authorize: operation id -> what signs a request. The same document gives the same requests.
    """
    schema = schemathesis.openapi.from_dict(document)
    schema.config.update(base_url=base_url)
    schema.config.generation.update(with_security_parameters=False)
    findings = Findings()
    with requests.Session() as session:
        session.mount("http://", requests.adapters.HTTPAdapter(pool_maxsize=4))
        for found in schema.get_all_operations():
            operation = found.ok()
            name = operation.definition.raw["operationId"]
            known = questions.get(name.removeprefix("gateway_"), Question())
            wanted = OWN_NAMES if operation.path.startswith("/api/v1/") else NAMES
            checks = [CHECKS.get_one(each) for each in wanted]
            _one(operation, name, known, session, authorize(name), checks, examples, findings)
    return findings


def _one(
    operation: Any,
    name: str,
    known: Question,
    session: requests.Session,
    auth: Any,
    checks: list[Any],
    examples: int,
    findings: Findings,
) -> None:
    allowed = operation.as_strategy(generation_mode=GenerationMode.POSITIVE)
    forbidden = operation.as_strategy(generation_mode=GenerationMode.NEGATIVE)

    @settings(
        max_examples=examples,
        derandomize=True,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=st.one_of(allowed, allowed, forbidden))
    def send(case: Any) -> None:
        for header in FRAMING:
            if case.headers and header in case.headers:
                del case.headers[header]
        if case.meta.generation.mode.is_positive:
            _make_likely(case, known)
        answer = case.call(session=session, auth=auth, timeout=30, allow_redirects=False)
        findings.statuses[answer.status_code] += 1
        if len(answer.request.path_url) > LONGEST_TARGET:
            assert answer.status_code == 400, answer.text[:300]
            return
        if answer.status_code == 200:
            findings.accepted.add(name)
        if answer.status_code >= 500 and answer.status_code not in DOCUMENTED_5XX:
            findings.faults.setdefault((name, f"status {answer.status_code}"), case.as_curl_command())
        try:
            case.validate_response(answer, checks=checks)
        except FailureGroup as group:
            for problem in group.exceptions:
                findings.faults.setdefault(
                    (name, type(problem).__name__), f"{problem}\n{case.as_curl_command()}"
                )

    send()


def _make_likely(case: Any, known: Question) -> None:
    """Ask mostly for what exists: an invented ticker or account is refused before anything else is looked at."""
    dice = zlib.crc32(repr((case.path_parameters, case.query, case.headers)).encode())
    if known.path and dice % 4:
        case.path_parameters = dict(known.path)
    if case.headers is not None and "Cache-Control" in case.headers and dice % 3 == 0:
        case.headers["Cache-Control"] = "no-cache"
    if dice % 8:
        for part, name in ((case.query, "account"), (case.headers, "X-Kalshi-Account")):
            if part and name in part:
                del part[name]
