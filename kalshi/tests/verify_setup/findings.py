"""The checks, run in this thread, and what they found."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from kalshi import conf
from kalshi.services import verify, verify_exchange
from kalshi.services.verify_findings import Finding

AFTER_SIGNATURE = dict.fromkeys(("scope", "balance", "positions", "cached call"), "fail")


def verified(settings: Any, changed: dict[str, Any], *, ahead_s: float = 0.0) -> dict[str, Finding]:
    """Findings by name, in this thread. ahead_s: how far this machine's clock is wrong."""
    settings.KALSHI = changed
    setup = conf.setup()
    exchange = verify_exchange.Exchange(setup, now=lambda: time.time() + ahead_s)
    checks = verify.checks(setup, exchange, Path(settings.DATA_DIR))
    return {name: verify.guarded(name, check, exchange)() for name, check in checks}


def statuses(findings: dict[str, Finding]) -> dict[str, str]:
    return {name: finding.status for name, finding in findings.items() if finding.status != "ok"}
