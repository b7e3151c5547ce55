from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from kalshi import conf
from kalshi.errors import UpstreamUnavailable
from kalshi.services import verify, verify_exchange, verify_findings
from kalshi.services.verify_findings import Finding, fail, ok


def test_a_check_that_hangs_is_left_behind() -> None:
    began = time.monotonic()
    finding = verify.bounded("slow", lambda: time.sleep(30) or ok("slow", ""), 0.2)  # type: ignore[func-returns-value]
    assert time.monotonic() - began < 5
    assert (finding.status, finding.found) == ("fail", "no result in time")


def test_a_bug_in_a_check_is_a_line_without_its_text(configured: dict[str, Any]) -> None:
    def broken() -> Finding:
        raise ValueError("hunter2")

    exchange = verify_exchange.Exchange(conf.setup())
    finding = verify.guarded("any", broken, exchange)()
    assert finding == fail(
        "any", "the check itself failed (ValueError)", "Please report this as a bug of the product."
    )


def test_an_error_of_the_tree_is_its_sentence_and_a_remedy(configured: dict[str, Any]) -> None:
    def away() -> Finding:
        raise UpstreamUnavailable("Kalshi is away.")

    exchange = verify_exchange.Exchange(conf.setup())
    finding = verify.guarded("any", away, exchange)()
    assert (finding.status, finding.found) == ("fail", "Kalshi is away.")
    assert finding.remedy


def test_the_order_of_the_lines_is_fixed(configured: dict[str, Any]) -> None:
    setup = conf.setup()
    names = tuple(name for name, _ in verify.checks(setup, verify_exchange.Exchange(setup), Path()))
    assert ("python", "dependencies", *names, "secrets") == verify_findings.NAMES
