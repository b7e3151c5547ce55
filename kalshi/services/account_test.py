"""Try an account's key on the exchange: does it sign, what may it do, which tier has it, what is there."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from kalshi import conf
from kalshi.errors import AuthRejected, KalshiError, RateLimited, UpstreamUnavailable
from kalshi.limits.learned import MAX_TIER
from kalshi.models import Account
from kalshi.services import engine, subaccounts, verify_findings, verify_secrets
from kalshi.services.engine import Engine
from kalshi.services.verify_exchange import OTHER_FIELDS, judged_balance, judged_scope
from kalshi.services.verify_findings import Finding, fail, ok, warn
from kalshi.upstream import documents, params
from kalshi.upstream.endpoints import ENDPOINTS
from kalshi.upstream.error_bodies import cleaned

NOT_ASKED = "not asked, because no signed request succeeds"


def run(account: Account) -> list[Finding]:
    """What was found, in this order: key, signature, scope, tier, balance. Sends at most three requests, around the
    cache and within the budget; changes nothing; raises nothing for what the key or Kalshi does.

    A key that can write is a warning: nothing here needs more than `read`. No finding shows key material, or another
    secret of the installation, even if Kalshi's answers hold one.
    """
    secrets = [account.key_id, *verify_secrets.known(conf.setup())]
    return verify_findings.masked(_findings(account), secrets)


def _findings(account: Account) -> list[Finding]:
    try:
        running = engine.of(account)
    except KalshiError as problem:
        return [fail("key", problem.message, "See the server's log; correct the account."), *_not_asked()]
    key = _key(account, running)
    if key.status == "fail":
        return [key, *_not_asked()]
    try:
        body = _fetched(running, "get_balance", account)
    except KalshiError as problem:
        if not (isinstance(problem, AuthRejected) and problem.upstream_status == 403):
            return [key, fail("signature", problem.message, _remedy(problem)), *_not_asked()[1:]]
        body = None
    return [key, ok("signature", "accepted"), *_rest(running, body)]


def _key(account: Account, running: Engine) -> Finding:
    if not running.can_sign:
        found = running.no_key or "no credentials are configured"
        return fail("key", found, "Run: manage.py check --database default; or enter the private key again.")
    kind = running.credentials.kind if running.credentials else "request function"
    return ok("key", f"{kind}, for {running.setup.environment} at {running.setup.host}")


def _rest(running: Engine, balance: dict[str, Any] | None) -> list[Finding]:
    return [
        _asked(
            "scope",
            lambda: judged_scope(_fetched(running, "get_api_keys").get("api_keys"), running.credentials),
        ),
        _asked("tier", lambda: _tier(_fetched(running, "get_account_api_limits"))),
        _balance(balance),
    ]


def _asked(name: str, check: Callable[[], Finding]) -> Finding:
    try:
        return check()
    except KalshiError as problem:
        return warn(name, f"not known: {problem.message}", _remedy(problem))


def _tier(body: dict[str, Any]) -> Finding:
    name = cleaned(body.get("usage_tier"))[:MAX_TIER]
    return ok("tier", name) if name else warn("tier", "the answer names none", OTHER_FIELDS)


def _balance(body: dict[str, Any] | None) -> Finding:
    if body is None:
        return warn("balance", "the key may not read it", "Give the key the scope `read`.")
    return judged_balance(body)


def _fetched(running: Engine, operation: str, account: Account | None = None) -> dict[str, Any]:
    call = subaccounts.within(params.validate(ENDPOINTS[operation], [], {}, api=False), account)
    return documents.read_object(running.client.fetch(call, request_id="account-test").body)


def _not_asked() -> list[Finding]:
    return [
        warn(name, NOT_ASKED, "See the lines before.") for name in ("signature", "scope", "tier", "balance")
    ]


def _remedy(problem: KalshiError) -> str:
    if isinstance(problem, AuthRejected):
        if problem.upstream_status == 403:
            return "Give the key the scope `read`."
        return "Check key id, private key and environment: a key of one environment is unknown in the other."
    if isinstance(problem, RateLimited | UpstreamUnavailable):
        return "Try again in a minute."
    return "See the server's log."
